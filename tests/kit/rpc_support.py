"""A server with three services that a test can hold up."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import grpc
import grpc.aio
from assay.access.v1 import access_service_pb2 as access
from assay.access.v1 import access_service_pb2_grpc as access_grpc
from assay.collector.v1 import collector_service_pb2 as collector
from assay.collector.v1 import collector_service_pb2_grpc as collector_grpc
from assay.collector.v1 import metrics_service_pb2 as queries
from assay.collector.v1 import metrics_service_pb2_grpc as queries_grpc
from grpc_health.v1 import health_pb2

from kit import rpc
from kit.access import Guard
from kit.health import Readiness

ACCESS = "assay.access.v1.AccessService"
COLLECTOR = "assay.collector.v1.CollectorService"
METRICS = "assay.collector.v1.MetricsService"
SERVING = health_pb2.HealthCheckResponse.SERVING
NOT_SERVING = health_pb2.HealthCheckResponse.NOT_SERVING
# Nothing here waits for its grace: what does, is past its deadline.
GRACE_S = 3_600.0
IN_TIME_S = 60.0


class Access(access_grpc.AccessServiceServicer):
    """Says who asks, and waits in ListKeys until it is let go."""

    def __init__(self) -> None:
        self.is_waiting = asyncio.Event()
        self.may_go = asyncio.Event()

    async def CheckKey(self, _request: Any, context: Any) -> access.CheckKeyResponse:
        metadata = dict(context.invocation_metadata())
        return access.CheckKeyResponse(key=access.Key(key_id=metadata.get("authorization", ""), display_name=metadata.get("other", "")))

    async def ListKeys(self, _request: Any, _context: Any) -> access.ListKeysResponse:
        self.is_waiting.set()
        await self.may_go.wait()
        return access.ListKeysResponse()


class Collector(collector_grpc.CollectorServiceServicer):
    """Takes a while for each batch."""

    def __init__(self) -> None:
        self.may_answer = asyncio.Event()
        self.has_begun = asyncio.Event()

    async def StreamCalls(
        self, requests: AsyncIterator[collector.StreamCallsRequest], _context: Any
    ) -> AsyncIterator[collector.StreamCallsResponse]:
        async for request in requests:
            self.has_begun.set()
            await self.may_answer.wait()
            yield collector.StreamCallsResponse(batch_id=request.batch.batch_id)


class Metrics(queries_grpc.MetricsServiceServicer):
    """Writes to the context, as fast as it is read; for the project `once`, one message."""

    async def WatchMetrics(  # type: ignore[override]  # the stubs know of generators alone
        self, request: Any, context: grpc.aio.ServicerContext[Any, Any]
    ) -> None:
        await context.write(queries.WatchMetricsResponse(is_snapshot=True))
        while request.project != "once":
            await context.write(queries.WatchMetricsResponse())


def new_servicers() -> tuple[Access, Collector, Metrics]:
    """What they do not have stays unimplemented."""
    return Access(), Collector(), Metrics()  # type: ignore[abstract]


@asynccontextmanager
async def serving(
    readiness: Readiness | None = None,
    *,
    servicers: tuple[Access, Collector, Metrics] | None = None,
    guard: Guard | None = None,
    grace_s: float = GRACE_S,
) -> AsyncIterator[str]:
    access_servicer, collector_servicer, metrics_servicer = servicers or new_servicers()
    services = [
        lambda server: access_grpc.add_AccessServiceServicer_to_server(access_servicer, server),
        lambda server: collector_grpc.add_CollectorServiceServicer_to_server(collector_servicer, server),
        lambda server: queries_grpc.add_MetricsServiceServicer_to_server(metrics_servicer, server),
    ]
    async with rpc.serve(
        "127.0.0.1:0",
        services,
        service_names=[ACCESS, COLLECTOR, METRICS],
        readiness=readiness or Readiness(),
        log_guard=guard,
        grace_s=grace_s,
    ) as address:
        yield address
