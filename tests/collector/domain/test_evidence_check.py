"""Each bad piece of evidence is refused with the field and the reason; a sound one is not."""

from typing import Any

import pytest

from services.collector.domain import limits
from services.collector.domain.evidence_check import check_evidence
from services.collector.domain.refusals import Reason
from services.collector.messages import wire
from services.collector.messages.evidence_facts import read_evidence
from tests.collector.ingest_samples import NOW_S, NOW_US, evidence

DAY_S = 86_400


def kind(**fields: Any) -> dict[str, Any]:
    """These fields in place of the sample's evaluation."""
    return {"evaluation": None, **fields}


REFUSED: list[tuple[dict[str, Any], str, Reason]] = [
    ({"evidence_id": None}, "evidence_id", Reason.MISSING),
    ({"evidence_id": "x" * 65}, "evidence_id", Reason.TOO_LONG),
    ({"evidence_id": "\0"}, "evidence_id", Reason.INVALID_TEXT),
    ({"call_id": None}, "subject", Reason.MISSING),
    ({"call_id": ""}, "call_id", Reason.MISSING),
    ({"call_id": "x" * 65}, "call_id", Reason.TOO_LONG),
    ({"call_id": None, "task_id": ""}, "task_id", Reason.MISSING),
    ({"call_id": None, "task_id": "x" * 65}, "task_id", Reason.TOO_LONG),
    ({"observe_time": None}, "observe_time", Reason.MISSING),
    ({"observe_time": {"seconds": NOW_S, "nanos": -1}}, "observe_time", Reason.OUT_OF_RANGE),
    ({"observe_time": {"seconds": NOW_S - 400 * DAY_S - 1}}, "observe_time", Reason.OUT_OF_RANGE),
    ({"observe_time": {"seconds": NOW_S + 601}}, "observe_time", Reason.OUT_OF_RANGE),
    ({"evaluation": None}, "kind", Reason.MISSING),
    ({"evaluation": {"score_ratio": 0.5}}, "evaluation.evaluator", Reason.MISSING),
    ({"evaluation": {"evaluator": "x" * 129}}, "evaluation.evaluator", Reason.TOO_LONG),
    *[
        ({"evaluation": {"evaluator": "x", "score_ratio": ratio}}, "evaluation.score_ratio", Reason.OUT_OF_RANGE)
        for ratio in (-0.1, 1.1, float("nan"), float("inf"))
    ],
    (kind(feedback={}), "feedback", Reason.MISSING),
    (kind(feedback={"rating_ratio": 1.5}), "feedback.rating_ratio", Reason.OUT_OF_RANGE),
    (kind(feedback={"comment": "x" * 4_097}), "feedback.comment", Reason.TOO_LONG),
    (kind(feedback={"accepted": True, "rater": "x" * 129}), "feedback.rater", Reason.TOO_LONG),
    (kind(feedback={"accepted": True, "comment": "\0"}), "feedback.comment", Reason.INVALID_TEXT),
    (kind(revision={"count": -1}), "revision.count", Reason.OUT_OF_RANGE),
    (kind(revision={"count": 10**9 + 1}), "revision.count", Reason.OUT_OF_RANGE),
    (kind(tests={"counts": {"failed_count": -1}}), "tests.counts.failed_count", Reason.OUT_OF_RANGE),
    (kind(coverage={"covered_ratio": float("nan")}), "coverage.covered_ratio", Reason.OUT_OF_RANGE),
    (kind(code={"content": b"x" * (limits.CONTENT_BYTES_MAX + 1)}), "code.content", Reason.TOO_LONG),
    (kind(code={"content": b"x", "language": "x" * 129}), "code.language", Reason.TOO_LONG),
    *[(kind(**{name: {}}), name, Reason.MISSING) for name in ("code", "coverage", "tests", "static_analysis")],
]

SOUND: list[dict[str, Any]] = [
    {},
    {"evidence_id": "x" * 64, "call_id": None, "task_id": "é" * 32},
    {"observe_time": {"seconds": NOW_S - 400 * DAY_S}},
    {"observe_time": {"seconds": NOW_S + 600}},
    {"evaluation": {"evaluator": "x" * 128}},
    {"evaluation": {"evaluator": "x", "score_ratio": 1.0}},
    kind(feedback={"accepted": False}),
    kind(feedback={"rating_ratio": 0.0, "rater": "x" * 128}),
    kind(feedback={"comment": "x" * 4_096}),
    kind(revision={}),
    kind(revision={"count": 10**9}),
    kind(code={"content": b"x" * limits.CONTENT_BYTES_MAX, "language": "python"}),
    kind(code={"unified_diff": b"\xff\0"}),
    kind(coverage={"covered_ratio": 0.0}),
    kind(coverage={"lcov": b""}),
    kind(tests={"counts": {}}),
    kind(tests={"junit_xml": b"<testsuite/>"}),
    kind(static_analysis={"counts": {"error_count": 3, "line_count": 10}}),
    kind(static_analysis={"sarif_json": b"{}"}),
]


def read(fields: dict[str, Any]) -> Any:
    """The facts of a sample with these fields."""
    return read_evidence(wire.Evidence.FromString(evidence(**fields).SerializeToString()))


@pytest.mark.parametrize(("fields", "field", "reason"), REFUSED)
def test_bad_evidence_is_refused(fields: dict[str, Any], field: str, reason: Reason) -> None:
    fault = check_evidence(read(fields), NOW_US)
    assert fault is not None
    assert (fault.field, fault.reason) == (field, reason)
    assert fault.message


@pytest.mark.parametrize("fields", SOUND)
def test_evidence_at_the_limits_is_taken(fields: dict[str, Any]) -> None:
    assert check_evidence(read(fields), NOW_US) is None
