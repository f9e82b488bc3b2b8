"""How fast calls come in, how soon they are in view, and what they take in memory and on disk."""

import asyncio
import json
import shutil
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import grpc.aio
import numpy as np
from assay.collector.v1 import collector_service_pb2 as contract
from assay.collector.v1 import collector_service_pb2_grpc, metrics_service_pb2, metrics_service_pb2_grpc

from bench.figures import Figure, Report
from bench.load import batches
from bench.suite import RunningSuite, running_suite
from cli.work.database import database_url
from kit import database

AREA = "ingest"
CALL_COUNT = 1_000_000
BATCH_SIZE = 500
IN_FLIGHT_MAX = 16
SPAN_S = 24 * 3_600.0
STEADY_CALLS_PER_S = 10_000
STEADY_S = 60
UNARY_COUNT = 500
BATCHES_ASKED_AT_ONCE = 1_000
POLL_S = 0.02
RPC_TIMEOUT_S = 60.0
# A task's row follows its calls within this time, and deltas are folded.
SETTLE_S = 120.0

_UNSETTLED = "SELECT pg_relation_size('collector.task_pending') + (SELECT count(*) FROM collector.rollup_pending WHERE level < 2)"

_RECORD = "/assay.collector.v1.CollectorService/RecordCalls"


class Sender:
    """Sends serialised batches and learns when they are stored."""

    def __init__(self, channel: grpc.aio.Channel) -> None:
        self._record: grpc.aio.UnaryUnaryMultiCallable[bytes, contract.RecordCallsResponse] = channel.unary_unary(
            _RECORD, response_deserializer=contract.RecordCallsResponse.FromString
        )
        self._collector = collector_service_pb2_grpc.CollectorServiceStub(channel)

    async def send(self, request: bytes) -> float:
        """Records one batch, all of whose calls must be taken; returns the seconds it took."""
        began = time.perf_counter()
        response = await self._record(request, timeout=RPC_TIMEOUT_S)
        if response.rejections:
            raise RuntimeError(f"a call of the bench was refused: {response.rejections[0]}")
        return time.perf_counter() - began

    async def complete(self, batch_ids: Sequence[str]) -> set[str]:
        """Those of the batches that are stored."""
        found: set[str] = set()
        for first in range(0, len(batch_ids), BATCHES_ASKED_AT_ONCE):
            asked = contract.GetBatchesRequest(batch_ids=batch_ids[first : first + BATCHES_ASKED_AT_ONCE])
            answer = await self._collector.GetBatches(asked, timeout=RPC_TIMEOUT_S)
            found.update(batch.batch_id for batch in answer.batches if batch.is_complete)
        return found


async def run(report: Report, *, call_count: int = CALL_COUNT, steady_s: int = STEADY_S) -> None:
    """Measures the burst, then steady load, then single calls, on one suite."""
    requests = list(batches(call_count, BATCH_SIZE, span_s=SPAN_S))
    ids = [contract.RecordCallsRequest.FromString(request).batch_id for request in requests]
    async with running_suite() as suite, suite.channel() as channel:
        sender = Sender(channel)
        rate = await _burst(report, sender, requests, ids, call_count)
        await _check_total(channel, call_count)
        _influxdb(report, rate)
        await _space(report, suite, call_count)
        await _steady(report, sender, steady_s)
        await _unary(report, sender)


async def _burst(report: Report, sender: Sender, requests: Sequence[bytes], ids: Sequence[str], call_count: int) -> float:
    began = time.perf_counter()
    places = asyncio.Semaphore(IN_FLIGHT_MAX)

    async def send(request: bytes) -> None:
        async with places:
            await sender.send(request)

    await asyncio.gather(*(send(request) for request in requests))
    acknowledged_s = time.perf_counter() - began
    missing = list(ids)
    while missing:
        done = await sender.complete(missing[-BATCHES_ASKED_AT_ONCE:])
        missing = [batch_id for batch_id in missing if batch_id not in done]
        if missing and not done:
            await asyncio.sleep(POLL_S)
    stored_s = time.perf_counter() - began
    report(Figure(AREA, "acknowledged", call_count / acknowledged_s, "calls/s", None, "higher"))
    report(Figure(AREA, "end_to_end", call_count / stored_s, "calls/s", 60_000, "higher"))
    return call_count / stored_s


async def _check_total(channel: grpc.aio.Channel, call_count: int) -> None:
    metrics = metrics_service_pb2_grpc.MetricsServiceStub(channel)
    request = metrics_service_pb2.QueryMetricsRequest()
    request.start_time.FromSeconds(int(time.time() - 2 * SPAN_S))
    answer = await metrics.QueryMetrics(request, timeout=RPC_TIMEOUT_S)
    found = sum(sum(series.windows.call_count) for series in answer.series)
    if found != call_count:
        raise RuntimeError(f"{call_count} calls were stored, the roll-ups have {found}")


def _influxdb(report: Report, rate: float) -> None:
    """The same calls into InfluxDB in the same run, where it is installed and the script for it lies beside the project."""
    script = Path(__file__).resolve().parents[2] / "shared" / "bench" / "influxdb.py"
    if shutil.which("influxd") is None or not script.exists():
        return
    done = subprocess.run([sys.executable, script], capture_output=True, text=True, check=True)
    report(Figure(AREA, "ratio_to_influxdb", rate / json.loads(done.stdout)["calls_per_s"], "", 1.0, "higher"))


async def _space(report: Report, suite: RunningSuite, call_count: int) -> None:
    """Memory at once, and disk when all has been folded."""
    report(Figure(AREA, "memory", suite.memory_bytes() / 1e6, "MB", 800, "lower"))
    async with database.engine(database_url(suite.data_dir)) as engine:
        deadline = time.monotonic() + SETTLE_S
        # Deltas wait for their fold, and rows that are gone take up space as long as some transaction might still see them.
        while time.monotonic() < deadline and await database.number(engine, _UNSETTLED):
            await asyncio.sleep(0.5)
            await database.vacuum(engine, "collector.rollup_pending", "collector.task_pending")
        size = await database.number(
            engine, "SELECT sum(pg_total_relation_size(oid)) FROM pg_class WHERE relnamespace = 'collector'::regnamespace AND relkind = 'r'"
        )
    report(Figure(AREA, "disk", size / call_count, "bytes/call", 200, "lower"))


async def _steady(report: Report, sender: Sender, steady_s: int) -> None:
    """Ten thousand calls a second: how long a batch takes, and how soon it can be queried."""
    requests = list(batches(STEADY_CALLS_PER_S * steady_s, BATCH_SIZE, span_s=steady_s, seed=2))
    ids = [contract.RecordCallsRequest.FromString(request).batch_id for request in requests]
    interval_s = BATCH_SIZE / STEADY_CALLS_PER_S
    began = time.perf_counter()
    sent_at: dict[str, float] = {}
    took_s: list[float] = []
    visible_s: list[float] = []

    async def send(place: int) -> None:
        await asyncio.sleep(max(0.0, began + place * interval_s - time.perf_counter()))
        sent_at[ids[place]] = time.perf_counter()
        took_s.append(await sender.send(requests[place]))

    async def watch() -> None:
        while len(visible_s) < len(ids):
            done = await sender.complete(list(sent_at))
            visible_s.extend(time.perf_counter() - sent_at.pop(batch_id) for batch_id in done)
            await asyncio.sleep(POLL_S)

    await asyncio.gather(watch(), *(send(place) for place in range(len(ids))))
    report(Figure(AREA, "record_p99", float(np.quantile(took_s, 0.99)) * 1e3, "ms", 20, "lower"))
    report(Figure(AREA, "queryable_p99", float(np.quantile(visible_s, 0.99)), "s", 1.5, "lower"))


async def _unary(report: Report, sender: Sender) -> None:
    """One call at a time, each alone in its batch."""
    took_s = [await sender.send(request) for request in batches(UNARY_COUNT, 1, span_s=60, seed=3)]
    report(Figure(AREA, "unary_p50", float(np.median(took_s)) * 1e3, "ms", 2.0, "lower"))
