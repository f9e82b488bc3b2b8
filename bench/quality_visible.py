"""How soon a score can be seen after its evidence, while evidence keeps coming: in a running suite, of mixed code and reports."""

import asyncio
import secrets
import statistics
import time
from collections import deque
from collections.abc import Sequence

from assay.analyzer.v1.quality_service_pb2 import WatchQualityRequest
from assay.analyzer.v1.quality_service_pb2_grpc import QualityServiceStub
from assay.collector.v1.collector_service_pb2 import RecordCallsRequest, RecordEvidenceRequest
from assay.collector.v1.collector_service_pb2_grpc import CollectorServiceStub
from assay.telemetry.v1.call_pb2 import CALL_OUTCOME_SUCCEEDED, Call
from assay.telemetry.v1.evidence_pb2 import Evidence

from bench.figures import Figure, Report
from bench.quality_pairs import Pair
from bench.suite import RunningSuite, running_suite
from kit import rpc

PIECES_PER_S = 20
SUSTAINED_S = 60
VISIBLE_S_MAX = 5.0
# After the last piece; what is not visible by then counts as never.
PATIENCE_S = 60.0


async def run(area: str, report: Report, pairs: Sequence[Pair]) -> None:
    """Each piece is about a call of its own, so that each makes one score; scores come in the order of their evidence."""
    async with running_suite() as suite:
        delays_s = await _delays(suite, pairs)
    what = f"evidence to visible score at {PIECES_PER_S} pieces/s for {SUSTAINED_S} s"
    report(Figure(area, f"{what}, p50", statistics.median(delays_s), "s", None, "lower"))
    report(Figure(area, f"{what}, longest", max(delays_s), "s", VISIBLE_S_MAX, "lower"))


async def _delays(suite: RunningSuite, pairs: Sequence[Pair]) -> list[float]:
    """Seconds from sending each piece until its score is told of; the watch looks once a second, which is counted."""
    count = PIECES_PER_S * SUSTAINED_S
    sent_at: deque[float] = deque()
    delays_s: list[float] = []
    async with suite.channel() as to_collector, rpc.connect(suite.analyzer, secret=suite.secret) as to_analyzer:
        collector = CollectorServiceStub(to_collector)
        await collector.RecordCalls(RecordCallsRequest(batch_id=secrets.token_hex(8), calls=map(_call, range(count))))
        watch = QualityServiceStub(to_analyzer).WatchQuality(WatchQualityRequest(), timeout=SUSTAINED_S + PATIENCE_S)
        watched = aiter(watch)
        await anext(watched)

        async def send() -> None:
            begun = time.perf_counter()
            for number in range(count):
                await asyncio.sleep(max(0.0, begun + number / PIECES_PER_S - time.perf_counter()))
                request = RecordEvidenceRequest(batch_id=secrets.token_hex(8), evidence=[_piece(number, pairs)])
                sent_at.append(time.perf_counter())
                await collector.RecordEvidence(request)

        sending = asyncio.create_task(send())
        while len(delays_s) < count:
            made = (await anext(watched)).score_count
            delays_s += [time.perf_counter() - sent_at.popleft() for _ in range(min(made, len(sent_at)))]
        await sending
        watch.cancel()
    return delays_s


def _call(number: int) -> Call:
    call = Call(call_id=f"call-{number}", provider="p", model="m", task_type="code", outcome=CALL_OUTCOME_SUCCEEDED)
    call.start_time.GetCurrentTime()
    call.latency.FromMilliseconds(1_000)
    return call


def _piece(number: int, pairs: Sequence[Pair]) -> Evidence:
    """Code, and every other time a report about it, as far as there is one."""
    version = pairs[number % len(pairs)].better
    piece = Evidence(evidence_id=f"piece-{number}", call_id=f"call-{number}")
    piece.observe_time.GetCurrentTime()
    if number % 2 and version.junit:
        piece.tests.junit_xml = version.junit
    elif number % 2 and version.cobertura:
        piece.coverage.cobertura_xml = version.cobertura
    else:
        piece.code.language, piece.code.content = "python", version.code.encode()
    return piece
