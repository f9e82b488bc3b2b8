"""Simulated calls and evidence as messages of the contract."""

from collections.abc import Callable, Iterator

import numpy as np
from assay.telemetry.v1.call_pb2 import Call, TokenUsage
from assay.telemetry.v1.evidence_pb2 import (
    CoverageEvidence,
    Evaluation,
    Evidence,
    Feedback,
    FindingCounts,
    Revision,
    StaticAnalysisEvidence,
    TestCounts,
    TestEvidence,
)
from google.protobuf.duration_pb2 import Duration
from google.protobuf.timestamp_pb2 import Timestamp

from simulation import calls as columns
from simulation.answers import ERROR_TYPES
from simulation.arrays import Ints
from simulation.calls import NONE, EvidenceKind
from simulation.fleet import Fleet

Stamp = Callable[[Ints], Ints]

_US_PER_S = 1_000_000
_NANOS_PER_US = 1_000


def call_messages(fleet: Fleet, calls: columns.Calls, stamp: Stamp) -> Iterator[Call]:
    """A message for each call; `stamp` turns simulated into real times, both in microseconds since 1970."""
    ids = zip(calls.call_id.astype(str).tolist(), calls.task_id.astype(str).tolist(), stamp(calls.start_us).tolist(), strict=True)
    times = zip(calls.latency_us.tolist(), calls.first_token_us.tolist(), strict=True)
    names = zip(calls.model.tolist(), calls.version.tolist(), calls.has_version.tolist(), strict=True)
    ends = zip(calls.outcome.tolist(), calls.error.tolist(), calls.cost_nanos.tolist(), calls.revision_count.tolist(), strict=True)
    tokens = (calls.input_count, calls.output_count, calls.cached_count, calls.reasoning_count)
    usages = zip(*(counts.tolist() for counts in tokens), strict=True)
    rows = zip(ids, times, names, ends, usages, strict=True)
    for (call_id, task_id, start_us), (latency_us, first_us), (model, version, has_version), (
        outcome,
        error,
        cost,
        revisions,
    ), usage in rows:
        place, prompt = fleet.versions[version]
        task_type, asked = fleet.task_types[place], fleet.models[model]
        yield Call(
            call_id=call_id,
            task_id=task_id,
            start_time=_timestamp(start_us),
            latency=_duration(latency_us),
            time_to_first_token=None if first_us == NONE else _duration(first_us),
            provider=asked.provider,
            model=asked.name,
            task_type=task_type.name,
            agent=task_type.agent,
            prompt_name=task_type.prompt_name,
            prompt_version=prompt.name if has_version else "",
            outcome=outcome,
            error_type="" if error == NONE else ERROR_TYPES[error],
            usage=None if usage[0] == NONE else _usage(*usage),
            cost_usd_nanos=None if cost == NONE else cost,
            revision_count=revisions,
        )


def evidence_messages(evidence: columns.Evidence, stamp: Stamp) -> Iterator[Evidence]:
    """A message for each piece of evidence."""
    ids = zip(evidence.evidence_id.astype(str).tolist(), evidence.subject_id.astype(str).tolist(), strict=True)
    numbers = zip(*(each.tolist() for each in (evidence.first, evidence.second, evidence.third)), strict=True)
    kinds = np.asarray(evidence.kind).tolist()
    for (evidence_id, subject), time_us, kind, given in zip(ids, stamp(evidence.observe_us).tolist(), kinds, numbers, strict=True):
        message = _EVIDENCE[EvidenceKind(kind)](subject, *given)
        message.evidence_id = evidence_id
        message.observe_time.CopyFrom(_timestamp(time_us))
        yield message


def _static_analysis(task_id: str, errors: float, warnings: float, lines: float) -> Evidence:
    counts = FindingCounts(error_count=int(errors), warning_count=int(warnings), line_count=int(lines))
    return Evidence(task_id=task_id, static_analysis=StaticAnalysisEvidence(counts=counts))


def _tests(task_id: str, passed: float, failed: float, _: float) -> Evidence:
    return Evidence(task_id=task_id, tests=TestEvidence(counts=TestCounts(passed_count=int(passed), failed_count=int(failed))))


def _evaluation(evaluator: str) -> Callable[[str, float, float, float], Evidence]:
    return lambda call_id, score, _, __: Evidence(call_id=call_id, evaluation=Evaluation(evaluator=evaluator, score_ratio=score))


_EVIDENCE: dict[EvidenceKind, Callable[[str, float, float, float], Evidence]] = {
    EvidenceKind.JUDGED: _evaluation("judge"),
    EvidenceKind.VERIFIED: _evaluation("verifier"),
    EvidenceKind.FEEDBACK: lambda task_id, rating, accepted, _: Evidence(
        task_id=task_id, feedback=Feedback(rating_ratio=rating, accepted=accepted == 1, rater="user")
    ),
    EvidenceKind.TESTS: _tests,
    EvidenceKind.COVERAGE: lambda task_id, ratio, _, __: Evidence(task_id=task_id, coverage=CoverageEvidence(covered_ratio=ratio)),
    EvidenceKind.STATIC_ANALYSIS: _static_analysis,
    EvidenceKind.REVISION: lambda task_id, count, _, __: Evidence(task_id=task_id, revision=Revision(count=int(count))),
}


def _usage(input_count: int, output_count: int, cached_count: int, reasoning_count: int) -> TokenUsage:
    return TokenUsage(
        input_token_count=input_count,
        output_token_count=output_count,
        cache_read_token_count=cached_count,
        reasoning_token_count=reasoning_count,
    )


def _timestamp(time_us: int) -> Timestamp:
    seconds, rest_us = divmod(time_us, _US_PER_S)
    return Timestamp(seconds=seconds, nanos=rest_us * _NANOS_PER_US)


def _duration(duration_us: int) -> Duration:
    seconds, rest_us = divmod(duration_us, _US_PER_S)
    return Duration(seconds=seconds, nanos=rest_us * _NANOS_PER_US)
