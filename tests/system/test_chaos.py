"""Processes are killed at random under load, and nothing is lost, doubled or miscounted."""

import asyncio
import json
import os
import time
from collections import Counter
from datetime import datetime, timedelta
from fractions import Fraction
from pathlib import Path

import grpc.aio
import nats
import pytest
from assay.collector.v1.collector_service_pb2 import RECORD_KIND_CALL, RECORD_KIND_EVIDENCE, GetLedgerRequest, GetLedgerResponse, LedgerDay
from assay.collector.v1.collector_service_pb2_grpc import CollectorServiceStub
from assay.collector.v1.metrics_service_pb2 import METRIC_DIMENSION_PROVIDER, METRIC_DIMENSION_TASK_TYPE, MetricWindows, QueryMetricsRequest
from assay.collector.v1.metrics_service_pb2_grpc import MetricsServiceStub
from assay.telemetry.v1.call_pb2 import Call, CallOutcome
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from kit import rpc
from services.collector.rebuild import rebuild
from tests.system.chaos import Chaos, Sent
from tests.system.constellation import Constellation, constellation
from tests.system.samples import timestamp
from tests.system.suite import assert_balanced, eventually

pytestmark = [pytest.mark.chaos, pytest.mark.slow]

KILLS = int(os.environ.get("ASSAY_CHAOS_KILLS", "6"))
SEED = int(os.environ.get("ASSAY_CHAOS_SEED", str(time.time_ns() % 1_000_000)))
IS_FULL_RUN = KILLS >= 30
AWAY_S = 150.0 if IS_FULL_RUN else 10.0
PAUSE_S = (0.5, 4.0) if IS_FULL_RUN else (0.5, 2.0)
STREAM_BYTES_MAX = 64 * 1024 * 1024
QUIET_S = 3.0  # of ordinary load, before and between what happens
SETTLE_TIMEOUT_S = 900.0  # messages that a killed writer held come again after 30 s
ANSWER_TIMEOUT_S = 120.0


async def test_nothing_is_lost_doubled_or_miscounted_whoever_is_killed(tmp_path: Path) -> None:
    print(f"\nchaos: seed {SEED}, {KILLS} kills (ASSAY_CHAOS_SEED, ASSAY_CHAOS_KILLS)")
    settings = {"ASSAY_COLLECTOR_STREAM_BYTES_MAX": str(STREAM_BYTES_MAX)}
    async with constellation(tmp_path / "data", settings) as running:
        chaos = Chaos(running, tmp_path, SEED)
        await chaos.start_load()
        await asyncio.sleep(QUIET_S)
        await chaos.kill_some(KILLS // 2, PAUSE_S)
        await chaos.postgres_away(AWAY_S)
        await asyncio.sleep(QUIET_S)
        await chaos.stream_full()
        await chaos.kill_some(KILLS - KILLS // 2, PAUSE_S)
        sent = await chaos.end_load()
        ledger = await settled_ledger(running)
        print(summary(chaos, sent, ledger))
        assert not [refusal for refusal in sent.refusals if refusal.startswith(("INTERNAL", "UNKNOWN"))]
        check_ledger(ledger, sent)
        await check_metrics(running, sent, chaos.base)
        engine = create_async_engine(running.postgres.url())
        try:
            await check_store(engine, sent)
            await check_rebuild(engine)
        finally:
            await engine.dispose()
        await check_that_nats_syncs_always(running)


async def check_that_nats_syncs_always(running: Constellation) -> None:
    connection = await nats.connect(running.nats.system_url())
    try:
        answer = json.loads((await connection.request("$SYS.REQ.SERVER.PING.JSZ", timeout=ANSWER_TIMEOUT_S)).data)
    finally:
        await connection.close()
    assert answer["data"]["config"]["sync_always"] is True


async def settled_ledger(running: Constellation) -> GetLedgerResponse:
    """The ledger once nothing is in flight; it has to balance at every look before."""
    async with rpc.connect(running.front, secret=running.secret) as channel:
        collector = CollectorServiceStub(channel)

        async def settled() -> GetLedgerResponse | None:
            try:
                answer = await collector.GetLedger(GetLedgerRequest(), timeout=ANSWER_TIMEOUT_S)
            except grpc.aio.AioRpcError as error:
                if error.code() not in {grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.DEADLINE_EXCEEDED}:
                    raise
                return None
            for line in (*answer.days, *answer.totals):
                assert_balanced(line)
            return None if any(line.in_flight_count for line in answer.totals) or answer.waiting_evidence_count else answer

        found = await eventually(settled, SETTLE_TIMEOUT_S, "nothing in flight and no evidence waiting")
        assert found is not None
        return found


def totals(ledger: GetLedgerResponse) -> dict[int, LedgerDay]:
    return {int(line.kind): line for line in ledger.totals}


def check_ledger(ledger: GetLedgerResponse, sent: Sent) -> None:
    """A batch that was tried twice may be received twice: when its first answer was lost, for longer than the bus remembers."""
    for kind, stored in ((RECORD_KIND_CALL, sent.calls), (RECORD_KIND_EVIDENCE, sent.evidence)):
        line = totals(ledger)[kind]
        assert line.stored_count == len(stored)
        assert line.rejected_count == line.dead_lettered_count == line.too_late_count == 0
        assert sent.item_count[kind] <= line.received_count <= sent.item_count[kind] + sent.repeated_count[kind]


async def check_store(engine: AsyncEngine, sent: Sent) -> None:
    """Every acknowledged record is there once, and nothing else."""
    for statement, ids in (
        ("SELECT call_id FROM collector.call", sent.calls),
        ("SELECT evidence_id FROM collector.evidence", sent.evidence),
    ):
        async with engine.connect() as connection:
            stored = Counter((await connection.execute(text(statement))).scalars())
        assert [record_id for record_id, number in stored.items() if number > 1] == []
        assert stored.keys() == ids.keys()


async def check_metrics(running: Constellation, sent: Sent, base: datetime) -> None:
    """What is said of the calls is what they sum up to, tasks and scores included."""
    async with rpc.connect(running.front, secret=running.secret) as channel:
        metrics = MetricsServiceStub(channel)

        async def are_equal() -> bool:
            request = QueryMetricsRequest(start_time=timestamp(base - timedelta(minutes=1)))
            whole = (await metrics.QueryMetrics(request, timeout=ANSWER_TIMEOUT_S)).series[0].windows
            return (whole.task_count[0], whole.accepted_task_count[0]) == expected_tasks(sent)

        await eventually(are_equal, SETTLE_TIMEOUT_S, f"tasks and accepted ones: {expected_tasks(sent)}")
        request = QueryMetricsRequest(
            start_time=timestamp(base - timedelta(minutes=1)), group_by=[METRIC_DIMENSION_PROVIDER, METRIC_DIMENSION_TASK_TYPE]
        )
        answer = await metrics.QueryMetrics(request, timeout=ANSWER_TIMEOUT_S)
    found = {(series.key.provider, series.key.task_type): series.windows for series in answer.series}
    groups: dict[tuple[str, str], list[Call]] = {}
    for call in sent.calls.values():
        groups.setdefault((call.provider, call.task_type), []).append(call)
    assert found.keys() == groups.keys()
    scores = {piece.call_id: Fraction(str(piece.evaluation.score_ratio)) for piece in sent.evidence.values() if piece.call_id}
    for key, calls in groups.items():
        check_group(found[key], calls, [scores[call.call_id] for call in calls if call.call_id in scores])


def check_group(windows: MetricWindows, calls: list[Call], scores: list[Fraction]) -> None:
    assert list(windows.call_count) == [len(calls)]
    for outcome in CallOutcome.values()[1:]:
        name = CallOutcome.Name(outcome).removeprefix("CALL_OUTCOME_").lower()
        assert getattr(windows, f"{name}_count")[0] == sum(call.outcome == outcome for call in calls)
    for name in ("input_token_count", "output_token_count"):
        assert getattr(windows, name)[0] == sum(getattr(call.usage, name) for call in calls)
    assert windows.cost_usd_nanos[0] == sum(call.cost_usd_nanos for call in calls)
    assert windows.cost_unknown_count[0] == sum(not call.HasField("cost_usd_nanos") for call in calls)
    assert windows.quality_count[0] == len(scores)
    if scores:
        assert windows.quality_ratio[0] == pytest.approx(float(sum(scores) / len(scores)), abs=1e-8)


def expected_tasks(sent: Sent) -> tuple[int, int]:
    """How many tasks there are, and how many results were accepted: by feedback, or because the last call succeeded."""
    last: dict[str, Call] = {}
    for call in sent.calls.values():
        if call.task_id not in last or last[call.task_id].start_time.ToMicroseconds() < call.start_time.ToMicroseconds():
            last[call.task_id] = call
    accepted = {task_id: call.outcome == CallOutcome.CALL_OUTCOME_SUCCEEDED for task_id, call in last.items()}
    accepted |= {piece.task_id: piece.feedback.accepted for piece in sent.evidence.values() if piece.task_id}
    return len(last), sum(accepted.values())


async def check_rebuild(engine: AsyncEngine) -> None:
    """Computing the roll-ups from the calls anew finds nothing to mend."""
    report = await rebuild(engine, project=None, start=None, end=None, check=True, progress=lambda _done, _total: None)
    assert (report.differing_window_count, report.refused_chunk_count) == (0, 0)


def summary(chaos: Chaos, sent: Sent, ledger: GetLedgerResponse) -> str:
    """One line on what was killed and counted."""
    received = {
        name: totals(ledger)[kind].received_count for name, kind in (("calls", RECORD_KIND_CALL), ("evidence", RECORD_KIND_EVIDENCE))
    }
    counted = (
        f"{len(sent.calls):,} calls and {len(sent.evidence):,} pieces of evidence sent",
        f"{sent.batch_count} batches acknowledged after {sent.attempt_count} attempts",
        f"acknowledged {sent.item_count[RECORD_KIND_CALL]:,} and {sent.item_count[RECORD_KIND_EVIDENCE]:,}, received {received}",
        f"refusals {dict(sent.refusals)}",
    )
    return f"chaos: killed {dict(chaos.killed)}; {'; '.join(counted)}"
