"""A collector and its writer with analyzers beside them, and calls to feed them."""

import asyncio
import os
import signal
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from itertools import count
from typing import Any, TypeVar

import grpc.aio
from assay.access.v1 import access_service_pb2 as access
from assay.access.v1.access_service_pb2_grpc import AccessServiceStub
from assay.analyzer.v1 import anomaly_service_pb2 as anomalies
from assay.analyzer.v1.anomaly_service_pb2_grpc import AnomalyServiceStub
from assay.analyzer.v1.baseline_service_pb2_grpc import BaselineServiceStub
from assay.collector.v1 import collector_service_pb2 as collector
from assay.collector.v1.collector_service_pb2_grpc import CollectorServiceStub
from assay.telemetry.v1 import call_pb2
from grpc_health.v1 import health_pb2, health_pb2_grpc

from kit import rpc
from kit.errors import AssayError
from services.analyzer.app import analyzer
from services.analyzer.settings import AnalyzerSettings
from services.collector.access import keys
from services.collector.app.front import front
from services.collector.app.writer import writer
from services.collector.settings import FrontSettings, WriterSettings
from tests import unmeasured

DEADLINE_S = 120.0
POLL_S = 0.05
BATCH_MAX = 5_000
HOUR_S = 3_600
DAY_S = 24 * HOUR_S
SERIES = {"provider": "anthropic", "model": "claude-x", "task_type": "code_review", "prompt_name": "review", "prompt_version": "7"}

Result = TypeVar("Result")
_numbers = count()


@dataclass(frozen=True)
class Site:
    """A running collector. `shared` are the settings of database and bus."""

    collector: str
    admin: str
    service: str
    shared: dict[str, Any]
    projects: dict[str, str] = field(default_factory=dict)

    async def project(self) -> str:
        """Makes a project that nobody else uses."""
        name = f"p-{next(_numbers)}-{time.time_ns() % 100_000}"
        await self.access("CreateProject", access.CreateProjectRequest(project=name))
        return name

    async def key(self, project: str, *roles: str) -> str:
        """Makes a key and gives its secret."""
        request = access.CreateKeyRequest(project=project, roles=[access.Role.Value(f"ROLE_{role}") for role in roles])
        return str((await self.access("CreateKey", request)).secret)

    async def access(self, method: str, request: Any) -> Any:
        """An RPC of AccessService as the installation's admin."""
        async with rpc.connect(self.collector, secret=self.admin) as channel:
            return await getattr(AccessServiceStub(channel), method)(request, timeout=DEADLINE_S)

    async def record(self, project: str, calls: Sequence[call_pb2.Call]) -> None:
        """Records calls, and returns when they are stored."""
        if project not in self.projects:
            self.projects[project] = await self.key(project, "RECORD")
        batches = [calls[begin : begin + BATCH_MAX] for begin in range(0, len(calls), BATCH_MAX)]
        async with rpc.connect(self.collector, secret=self.projects[project]) as channel:
            stub = CollectorServiceStub(channel)
            names = [f"b-{next(_numbers)}-{time.time_ns()}" for _ in batches]
            for name, batch in zip(names, batches, strict=True):
                answer = await stub.RecordCalls(collector.RecordCallsRequest(batch_id=name, calls=batch), timeout=DEADLINE_S)
                assert answer.accepted_count == len(batch), answer

            async def are_stored() -> bool:
                found = (await stub.GetBatches(collector.GetBatchesRequest(batch_ids=names), timeout=DEADLINE_S)).batches
                return len(found) == len(names) and all(batch.is_complete for batch in found)

            await eventually(are_stored)

    def settings(self, **changes: Any) -> AnalyzerSettings:
        """Those of an analyzer of this site."""
        own = {"listen": "127.0.0.1:0", "collector_address": self.collector, "service_key": self.service}
        return AnalyzerSettings(**{**self.shared, **own, **changes})

    def environment(self, **changes: str) -> dict[str, str]:
        """The same for an analyzer in a process of its own."""
        own = {
            "ASSAY_DATABASE_URL": self.shared["database_url"],
            "ASSAY_NATS_URL": self.shared["nats_url"],
            "ASSAY_SERVICE_KEY": self.service,
            "ASSAY_ANALYZER_COLLECTOR_ADDRESS": self.collector,
            "ASSAY_ANALYZER_OPS_LISTEN": "",
        }
        return {**unmeasured.environment(), **own, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path), **changes}


@dataclass(frozen=True)
class Analyzer:
    """A running analyzer."""

    address: str
    site: Site

    def channel(self, secret: str | None = None) -> grpc.aio.Channel:
        """With the installation's admin key unless another one is given; close it."""
        return rpc.connect(self.address, secret=self.site.admin if secret is None else secret)

    async def ask(self, method: str, request: Any, secret: str | None = None) -> Any:
        """An RPC of AnomalyService or BaselineService. Raises the AssayError that it is refused with."""
        async with self.channel(secret) as channel:
            stub: Any = AnomalyServiceStub(channel)
            if not hasattr(stub, method):
                stub = BaselineServiceStub(channel)
            try:
                return await getattr(stub, method)(request, timeout=DEADLINE_S)
            except grpc.aio.AioRpcError as error:
                raise rpc.error_of(error) from error

    async def anomalies(self, project: str, **fields: Any) -> list[anomalies.Anomaly]:
        """The first page of a listing."""
        answer = await self.ask("ListAnomalies", anomalies.ListAnomaliesRequest(project=project, **fields))
        return list(answer.anomalies)


@asynccontextmanager
async def collecting(database_url: str, nats_url: str) -> AsyncIterator[Site]:
    """A front and a writer until the block is left."""
    admin, service = keys.new_secret(), keys.new_secret()
    shared: dict[str, Any] = {"database_url": database_url, "nats_url": nats_url, "ops_listen": ""}
    async with (
        front(FrontSettings(**shared, listen="127.0.0.1:0", otlp_listen="", bootstrap_key=admin, service_key=service)) as address,
        writer(WriterSettings(**shared, writer_listen="127.0.0.1:0")),
    ):
        site = Site(address, admin, service, shared)

        async def answers() -> bool:
            try:
                await site.access("ListProjects", access.ListProjectsRequest())
            except grpc.aio.AioRpcError:
                return False
            return True

        await eventually(answers)
        yield site


@asynccontextmanager
async def analyzing(site: Site, **changes: Any) -> AsyncIterator[Analyzer]:
    """An analyzer in this process until the block is left."""
    async with analyzer(site.settings(**changes)) as address:
        await eventually(lambda: is_serving(address))
        yield Analyzer(address, site)


async def is_serving(address: str) -> bool:
    """Whether a process says that it is ready."""
    async with rpc.connect(address) as channel:
        try:
            answer = await health_pb2_grpc.HealthStub(channel).Check(health_pb2.HealthCheckRequest(), timeout=DEADLINE_S)
        except grpc.aio.AioRpcError:
            return False
    return bool(answer.status == health_pb2.HealthCheckResponse.SERVING)


@asynccontextmanager
async def analyzer_process(site: Site, address: str) -> AsyncIterator[asyncio.subprocess.Process]:
    """An analyzer in a process of its own, ended with the block if it still runs."""
    command = (sys.executable, "-P", "-m", "services.analyzer")
    environment = site.environment(ASSAY_ANALYZER_LISTEN=address)
    process = await asyncio.create_subprocess_exec(*command, env=environment, stderr=asyncio.subprocess.DEVNULL)
    try:
        yield process
    finally:
        if process.returncode is None:
            process.send_signal(signal.SIGTERM)
        await process.wait()


def calls(start_s: float, every_s: float, number: int, **fields: Any) -> list[call_pb2.Call]:
    """Calls of one series at even distances; every fiftieth fails.

    Latency goes around two seconds by a pattern that repeats, as do cost and tokens.
    """
    made = []
    for place in range(number):
        micros = int((start_s + place * every_s) * 1e6)
        factor = (0.7, 0.9, 1.0, 1.15, 1.5)[place % 5]
        latency_us = int(2e6 * factor)
        values = {
            **SERIES,
            "call_id": f"c-{next(_numbers)}-{time.time_ns()}",
            "start_time": {"seconds": micros // 1_000_000, "nanos": micros % 1_000_000 * 1_000},
            "latency": {"seconds": latency_us // 1_000_000, "nanos": latency_us % 1_000_000 * 1_000},
            "outcome": call_pb2.CALL_OUTCOME_FAILED if place % 50 == 49 else call_pb2.CALL_OUTCOME_SUCCEEDED,
            "usage": {"input_token_count": 1_000, "output_token_count": int(200 * factor)},
            "cost_usd_nanos": int(5_000_000 * factor),
        }
        made.append(call_pb2.Call(**{**values, **fields}))
    return made


async def eventually(ask: Callable[[], Awaitable[Result]], deadline_s: float = DEADLINE_S) -> Result:
    """The first answer that is true; AssertionError when there is none in time."""
    end = time.monotonic() + deadline_s
    while True:
        answer = await ask()
        if answer:
            return answer
        assert time.monotonic() < end, f"not within {deadline_s:g} s; last answer {answer!r}"
        await asyncio.sleep(POLL_S)


async def refusal(asking: Awaitable[Any]) -> str:
    """The reason that a request is refused with."""
    try:
        answer = await asking
    except AssayError as error:
        return error.reason
    raise AssertionError(f"not refused: {answer}")
