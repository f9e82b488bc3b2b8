"""A project with three providers whose order is clear, and how it is asked about."""

import time
from dataclasses import dataclass
from typing import Any

import grpc.aio
from assay.analyzer.v1 import ranking_service_pb2 as rankings
from assay.analyzer.v1.ranking_service_pb2_grpc import RankingServiceStub
from assay.collector.v1 import collector_service_pb2 as collector
from assay.collector.v1.collector_service_pb2_grpc import CollectorServiceStub
from assay.telemetry.v1 import call_pb2, evidence_pb2
from google.protobuf.duration_pb2 import Duration

from kit import rpc
from kit.errors import AssayError
from tests.analyzer.service.site import DAY_S, DEADLINE_S, Analyzer, Site, calls, eventually

TASK = "code_review"
CALL_COUNT = 120
# Provider: seconds of a call, US dollars, every how many calls one fails, score of the answers.
TRAITS = {"swift": (1.0, 0.002, 60, 0.9), "middling": (3.0, 0.01, 12, 0.7), "awful": (12.0, 0.08, 3, 0.4)}


@dataclass(frozen=True)
class Fleet:
    """The project, and the analyzer to ask."""

    analyzer: Analyzer
    project: str

    async def rank(self, **fields: Any) -> rankings.RankProvidersResponse:
        """A ranking; for the kind of task that was served unless another is named."""
        values = {"project": self.project, "task_type": TASK, **fields}
        return await rank(self.analyzer, rankings.RankProvidersRequest(**values))


async def rank(analyzer: Analyzer, request: rankings.RankProvidersRequest, secret: str | None = None) -> rankings.RankProvidersResponse:
    """RankProviders. Raises the AssayError that it is refused with."""
    async with analyzer.channel(secret) as channel:
        try:
            return await RankingServiceStub(channel).RankProviders(request, timeout=DEADLINE_S)
        except grpc.aio.AioRpcError as error:
            raise rpc.error_of(error) from error


async def fleet_of(site: Site, analyzer: Analyzer) -> Fleet:
    """Records the fleet; returns when its scores and tasks, which come last, have been seen."""
    project = await site.project()
    recorded = served()
    await site.record(project, recorded)
    await _score(site, project, recorded)
    fleet = Fleet(analyzer, project)

    async def is_seen() -> bool:
        found = await fleet.rank()
        return len(found.candidates) == len(TRAITS) and min(map(_least_count, found.candidates)) > CALL_COUNT / 2

    await eventually(is_seen)
    return fleet


def served() -> list[call_pb2.Call]:
    """The calls of today, and of yesterday where today is young; each is a task of its own."""
    every_s = DAY_S / 2 / CALL_COUNT
    made = []
    for provider, (latency_s, cost_usd, fails_every, _) in TRAITS.items():
        for place, call in enumerate(calls(time.time() - DAY_S / 2, every_s, CALL_COUNT, provider=provider, model=f"{provider}-1")):
            call.latency.CopyFrom(Duration(nanos=0, seconds=0))
            call.latency.FromNanoseconds(int(latency_s * (0.8 + 0.1 * (place % 5)) * 1e9))
            call.cost_usd_nanos = int(cost_usd * 1e9)
            call.task_id = call.call_id
            call.outcome = call_pb2.CALL_OUTCOME_FAILED if place % fails_every == 0 else call_pb2.CALL_OUTCOME_SUCCEEDED
            made.append(call)
    return made


async def _score(site: Site, project: str, recorded: list[call_pb2.Call]) -> None:
    """Gives each answer the score of its provider."""
    evidence = []
    for call in recorded:
        one = evidence_pb2.Evidence(evidence_id=f"e-{call.call_id}", call_id=call.call_id)
        one.observe_time.GetCurrentTime()
        one.evaluation.evaluator = "judge"
        one.evaluation.score_ratio = TRAITS[call.provider][3]
        evidence.append(one)
    async with rpc.connect(site.collector, secret=site.projects[project]) as channel:
        request = collector.RecordEvidenceRequest(batch_id=f"scores-{time.time_ns()}", evidence=evidence)
        answer = await CollectorServiceStub(channel).RecordEvidence(request, timeout=DEADLINE_S)
    assert answer.accepted_count == len(evidence), answer


def _least_count(one: rankings.RankedCandidate) -> float:
    """The evidence of scores or of tasks, whichever is less."""
    counts = {each.measure.metric: each.evidence_count for each in one.estimates}
    return min(counts.get(metric, 0.0) for metric in (rankings.RANKED_METRIC_QUALITY, rankings.RANKED_METRIC_COST_PER_ACCEPTED_TASK))


async def refused(asking: Any) -> tuple[str, str, str]:
    """Kind, reason and field that a request is refused with."""
    try:
        answer = await asking
    except AssayError as error:
        return error.kind.value, error.reason, error.details.get("field", "")
    raise AssertionError(f"not refused: {answer}")
