"""smoke"""
from tests.collector.feeding import feeding
from tests.collector.ingest_samples import call, NOW_US
from services.collector.rpc_reading import ReadingRpc
from assay.collector.v1 import collector_service_pb2 as collector
from assay.collector.v1 import metrics_service_pb2 as metrics
from uuid import uuid4

async def test_smoke(stack, bus):
    url = await stack.create_database(f"test_{uuid4().hex[:12]}")
    async with feeding(url, bus) as feeder:
        await feeder.add_project("default")
        rpc = ReadingRpc(feeder.engine, bus, now_us=lambda: NOW_US)
        await feeder.publish("default", [call()])
        print(await rpc._unstored.scan("default",0))
        print(await rpc._unstored._floor(), await bus.stream_state("ASSAY_INGEST"))
        print(await bus.message("ASSAY_INGEST",1))
