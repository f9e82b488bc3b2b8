"""How fast rankings are answered: 40 candidates on 40 kinds of task, asked over gRPC a thousand times a second."""

import asyncio
import random
import time
from collections.abc import Callable, Sequence
from typing import Any

import grpc.aio
import numpy as np
import psutil
from assay.analyzer.v1 import ranking_service_pb2 as rankings
from assay.analyzer.v1.ranking_service_pb2_grpc import RankingServiceStub
from assay.collector.v1.collector_service_pb2 import GetBatchesRequest, RecordCallsRequest
from assay.collector.v1.collector_service_pb2_grpc import CollectorServiceStub
from assay.telemetry.v1 import call_pb2

from bench.figures import Figure, Report
from bench.suite import RunningSuite, running_suite
from kit import rpc
from kit.embedded.datadir import read_run
from services.analyzer.collector import Collector
from services.analyzer.domain.ranking.gathered import concatenated, evidence_of
from services.analyzer.domain.ranking.model import prepare
from services.analyzer.messages.cells import cells_from_message, cells_request

CANDIDATES, TASK_TYPES = 40, 40
CALLS_PER_SERIES = 40
BATCH = 5_000
# Calls lie within so much time, by the hour and by the day.
SPAN_S = 30 * 3_600
IDLE_PERCENT = 10.0
REQUESTS_PER_S = 1_000
LOAD_S = 40
NEW_QUESTIONS = 40
TIMEOUT_S = 60.0
STORED_WITHIN_S = 180.0
P50_MS_MAX, P99_MS_MAX, NEW_MS_MAX, RECOMPUTED_MS_MAX = 1.0, 3.0, 25.0, 300.0
_HOUR_S, _DAY_S = 3_600, 86_400
_PRESETS = [number for number in rankings.ObjectivePreset.values() if number]


async def service(report: Report) -> None:
    """Records a fleet in a suite of its own, and asks its analyzer."""
    async with running_suite() as suite:
        await _record(suite)
        analyzer = _analyzer(suite)
        await _until_idle(analyzer)
        address = read_run(suite.data_dir).processes["analyzer"].url
        async with rpc.connect(address, secret=suite.secret) as channel:
            stub = RankingServiceStub(channel)
            await _new_questions(report, stub)
            before = analyzer.cpu_times()
            await _load(report, stub)
            after = analyzer.cpu_times()
            busy_s = after.user + after.system - before.user - before.system
            name = "the analyzer's processor time by answers, what is worked out anew behind them included"
            report(Figure("ranking", name, busy_s / (REQUESTS_PER_S * LOAD_S) * 1e3, "ms", None, "lower"))
        async with suite.channel() as channel:
            await _recomputation(report, Collector(channel))


def _analyzer(suite: RunningSuite) -> psutil.Process:
    return next(process for process in suite.process.children(recursive=True) if "services.analyzer" in process.cmdline())


async def _until_idle(process: psutil.Process) -> None:
    """Waits until the history has been learnt."""
    deadline = time.monotonic() + STORED_WITHIN_S
    process.cpu_percent()
    idle_count = 0
    while idle_count < 5 and time.monotonic() < deadline:
        await asyncio.sleep(1.0)
        idle_count = idle_count + 1 if process.cpu_percent() < IDLE_PERCENT else 0


async def _record(suite: RunningSuite) -> None:
    """Every candidate serves every kind of task; some are better than others."""
    chance, now_s = np.random.default_rng(1), time.time()
    async with suite.channel() as channel:
        stub = CollectorServiceStub(channel)
        made = [_call(number, now_s, chance) for number in range(CANDIDATES * TASK_TYPES * CALLS_PER_SERIES)]
        batches = {f"ranking-{begin}": made[begin : begin + BATCH] for begin in range(0, len(made), BATCH)}
        for name, calls in batches.items():
            await stub.RecordCalls(RecordCallsRequest(project="default", batch_id=name, calls=calls), timeout=TIMEOUT_S)
        deadline = time.monotonic() + STORED_WITHIN_S
        asked = GetBatchesRequest(project="default", batch_ids=batches)
        while sum(batch.is_complete for batch in (await stub.GetBatches(asked, timeout=TIMEOUT_S)).batches) < len(batches):
            if time.monotonic() > deadline:
                raise RuntimeError("the calls are not stored")
            await asyncio.sleep(0.2)


def _call(number: int, now_s: float, chance: np.random.Generator) -> call_pb2.Call:
    candidate, task = number % CANDIDATES, number // CANDIDATES % TASK_TYPES
    succeeded = chance.random() < 0.7 + 0.25 * candidate / CANDIDATES
    call = call_pb2.Call(
        call_id=f"c{number}",
        task_id=f"t{number}",
        provider=f"provider-{candidate // 4}",
        model=f"model-{candidate}",
        task_type=f"task-{task}",
        outcome=call_pb2.CALL_OUTCOME_SUCCEEDED if succeeded else call_pb2.CALL_OUTCOME_FAILED,
        cost_usd_nanos=int(1e6 * (1 + candidate)),
    )
    call.start_time.FromNanoseconds(int((now_s - chance.random() * SPAN_S) * 1e9))
    call.latency.FromNanoseconds(int(chance.lognormal(0.0, 0.4) * 1e9))
    return call


async def _new_questions(report: Report, stub: Any) -> None:
    """Each has a quantile and a bound that nobody has asked for."""
    first = await stub.RankProviders(rankings.RankProvidersRequest(task_type="task-0"), timeout=TIMEOUT_S)
    if len(first.candidates) != CANDIDATES:
        raise RuntimeError("the analyzer has not seen all candidates")
    took = []
    for number in range(NEW_QUESTIONS):
        measure = rankings.RankedMeasure(metric=rankings.RANKED_METRIC_LATENCY, quantile=0.5 + number / 100)
        constraint = rankings.RankingConstraint(measure=measure, bound=60.0)
        request = rankings.RankProvidersRequest(task_type=f"task-{number % TASK_TYPES}", constraints=[constraint])
        began = time.perf_counter()
        await stub.RankProviders(request, timeout=TIMEOUT_S)
        took.append(time.perf_counter() - began)
    report(Figure("ranking", "a question nobody has asked, over gRPC, median", _ms(took, 0.5), "ms", NEW_MS_MAX, "lower"))
    report(Figure("ranking", "a question nobody has asked, over gRPC, 90 %", _ms(took, 0.9), "ms", NEW_MS_MAX, "lower"))


async def _load(report: Report, stub: Any) -> None:
    """Requests at even intervals, whether or not those before are answered; longer than what rankings rest on is read anew."""
    chance = random.Random(1)
    questions = [
        rankings.RankProvidersRequest(task_type=f"task-{task}", preset=preset) for task in range(TASK_TYPES) for preset in _PRESETS
    ]
    took: list[float] = []
    running: set[asyncio.Task[None]] = set()
    for question in questions:
        await stub.RankProviders(question, timeout=TIMEOUT_S)
    began = time.perf_counter()
    for number in range(REQUESTS_PER_S * LOAD_S):
        due = began + number / REQUESTS_PER_S
        while (wait := due - time.perf_counter()) > 0:
            await asyncio.sleep(wait if wait > 0.001 else 0)
        task = asyncio.create_task(_timed(stub, chance.choice(questions), due, took))
        running.add(task)
        task.add_done_callback(running.discard)
    await asyncio.gather(*running)
    for name, ratio, goal in (("median", 0.5, P50_MS_MAX), ("99 %", 0.99, P99_MS_MAX)):
        report(Figure("ranking", f"RankProviders at {REQUESTS_PER_S:,} a second, {name}", _ms(took, ratio), "ms", goal, "lower"))


async def _timed(stub: Any, question: rankings.RankProvidersRequest, due: float, took: list[float]) -> None:
    """Timed from when it should have been sent. One that is refused, since too many are open, counts as one that takes for ever."""
    try:
        await stub.RankProviders(question, timeout=TIMEOUT_S)
        took.append(time.perf_counter() - due)
    except grpc.aio.AioRpcError:
        took.append(TIMEOUT_S)


async def _recomputation(report: Report, collector: Collector) -> None:
    """What the analyzer does with the answer for today, after each minute's windows."""
    now_s = int(time.time())
    today_s = now_s // _DAY_S * _DAY_S
    today, _ = await collector.series(cells_request("default", ("", ""), today_s, today_s + _DAY_S, _HOUR_S))
    before, _ = await collector.cells("default", today_s - 30 * _DAY_S, today_s, _DAY_S)

    def recomputed() -> None:
        windows = concatenated([before, cells_from_message(today)])
        prepare(evidence_of(windows, [], as_of_s=float(now_s), half_life_s=7.0 * _DAY_S))

    count = CANDIDATES * TASK_TYPES
    report(Figure("ranking", f"recomputing {count:,} series, processor time", _processor_ms(recomputed), "ms", RECOMPUTED_MS_MAX, "lower"))


def _processor_ms(work: Callable[[], object]) -> float:
    took = []
    for _ in range(10):
        began = time.process_time()
        work()
        took.append(time.process_time() - began)
    return float(np.median(took)) * 1e3


def _ms(took: Sequence[float], ratio: float) -> float:
    return float(np.quantile(took, ratio)) * 1e3
