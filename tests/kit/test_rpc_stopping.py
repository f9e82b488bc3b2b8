"""How a server ends: announced, between two batches, and without waiting for those who only listen."""

import asyncio
from typing import Any

import grpc
import grpc.aio
import pytest
from assay.access.v1 import access_service_pb2 as access
from assay.access.v1 import access_service_pb2_grpc as access_grpc
from assay.collector.v1 import collector_service_pb2 as collector
from assay.collector.v1 import collector_service_pb2_grpc as collector_grpc
from assay.collector.v1 import metrics_service_pb2 as queries
from assay.collector.v1 import metrics_service_pb2_grpc as queries_grpc
from grpc_health.v1 import health_pb2, health_pb2_grpc

from kit import rpc
from kit.errors import AssayError, Kind
from kit.health import Readiness
from kit.rpc.stopping import Stopping
from tests.kit.rpc_support import IN_TIME_S, NOT_SERVING, SERVING, new_servicers, serving


async def test_a_stop_is_announced_before_anything_is_refused() -> None:
    servicers = new_servicers()
    readiness = Readiness()
    async with asyncio.timeout(IN_TIME_S):
        server = serving(readiness, servicers=servicers)
        channel = rpc.connect(await server.__aenter__())
        watch = health_pb2_grpc.HealthStub(channel).Watch(health_pb2.HealthCheckRequest())
        assert (await watch.read()).status == SERVING
        begun = asyncio.ensure_future(access_grpc.AccessServiceStub(channel).ListKeys(access.ListKeysRequest()))
        await servicers[0].is_waiting.wait()
        stop = asyncio.ensure_future(server.__aexit__(None, None, None))
        assert (await watch.read()).status == NOT_SERVING
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await watch.read()
        assert rpc.error_of(caught.value).reason == "SERVER_STOPPING"
        assert not begun.done()
        servicers[0].may_go.set()
        assert await begun == access.ListKeysResponse()
        await stop
        await channel.close()


async def test_a_watch_ends_at_once_when_the_server_stops() -> None:
    async with asyncio.timeout(IN_TIME_S):
        async with serving() as address:
            channel = rpc.connect(address)
            watch = queries_grpc.MetricsServiceStub(channel).WatchMetrics(queries.WatchMetricsRequest())
            first = await watch.read()
            assert isinstance(first, queries.WatchMetricsResponse)
            assert first.is_snapshot
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await read_to_the_end(watch)
        await channel.close()
    back = rpc.error_of(caught.value)
    assert (back.kind, back.reason, back.retry_after_s) == (Kind.UNAVAILABLE, "SERVER_STOPPING", 1.0)


async def read_to_the_end(call: Any) -> None:
    while await call.read() is not grpc.aio.EOF:
        pass


async def test_a_wait_that_begins_while_stopping_is_cut_short_at_once() -> None:
    stopping = Stopping()
    stopping.begin()
    with pytest.raises(AssayError) as caught:
        async with stopping.interruptible():
            await asyncio.Event().wait()
    assert caught.value.reason == "SERVER_STOPPING"


async def test_a_wait_may_time_out_by_itself() -> None:
    stopping = Stopping()
    with pytest.raises(TimeoutError, match="its own"):
        async with stopping.interruptible():
            raise TimeoutError("its own")


async def test_a_wait_that_takes_its_time_to_end_is_cut_short_once() -> None:
    stopping = Stopping()

    async def wait() -> None:
        async with stopping.interruptible():
            try:
                stopping.begin()
                await asyncio.Event().wait()
            finally:
                stopping.begin()
                await asyncio.sleep(0.01)

    with pytest.raises(AssayError):
        await wait()


async def test_a_stream_is_stopped_between_two_batches_and_never_within_one() -> None:
    servicers = new_servicers()
    async with asyncio.timeout(IN_TIME_S):
        server = serving(servicers=servicers)
        channel = rpc.connect(await server.__aenter__())
        call = collector_grpc.CollectorServiceStub(channel).StreamCalls()
        await call.write(collector.StreamCallsRequest(batch=collector.RecordCallsRequest(batch_id="b1")))
        await servicers[1].has_begun.wait()
        stop = asyncio.ensure_future(server.__aexit__(None, None, None))
        await asyncio.wait([stop], timeout=0.3)
        assert not stop.done()
        servicers[1].may_answer.set()
        answer = await call.read()
        assert isinstance(answer, collector.StreamCallsResponse)
        assert answer.batch_id == "b1"
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await call.read()
        assert rpc.error_of(caught.value).reason == "SERVER_STOPPING"
        await stop
        await channel.close()


async def test_what_outlasts_the_grace_is_cancelled() -> None:
    servicers = new_servicers()
    async with asyncio.timeout(IN_TIME_S):
        async with serving(servicers=servicers, grace_s=0.1) as address:
            channel = rpc.connect(address)
            begun = asyncio.ensure_future(access_grpc.AccessServiceStub(channel).ListKeys(access.ListKeysRequest()))
            await servicers[0].is_waiting.wait()
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await begun
        await channel.close()
    assert rpc.error_of(caught.value).kind is Kind.UNAVAILABLE
