"""Checks a piece of evidence against the contract. Evidence is rare next to calls, so this looks at one at a time."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from services.collector.domain import limits
from services.collector.domain.refusals import Fault, Reason
from services.collector.domain.texts import TextRule

_TEXT_RULES = {
    rule.field: rule
    for rule in (
        TextRule("code.language", limits.NAME_BYTES_MAX),
        TextRule("code.path", limits.NAME_BYTES_MAX),
        TextRule("feedback.comment", limits.COMMENT_BYTES_MAX),
        TextRule("feedback.rater", limits.NAME_BYTES_MAX),
        TextRule("evaluation.evaluator", limits.NAME_BYTES_MAX, is_required=True),
    )
}

TEXT_FIELDS = frozenset(_TEXT_RULES)


@dataclass(frozen=True, slots=True)
class EvidenceFacts:
    """What of a piece of evidence is checked; fields of its kind by their path, such as "feedback.comment".

    `subject` and `kind` name the field that is set, "" for none. `observe_us` is microseconds since 1970, None where
    it is not set. `is_empty` says that the kind is there and says nothing. `content_sizes` are in bytes.
    """

    evidence_id: bytes
    subject: str
    subject_id: bytes
    observe_us: int | None
    kind: str
    is_empty: bool = False
    texts: Mapping[str, bytes] = field(default_factory=dict)
    ratios: Mapping[str, float] = field(default_factory=dict)
    counts: Mapping[str, int] = field(default_factory=dict)
    content_sizes: Mapping[str, int] = field(default_factory=dict)


def check_evidence(facts: EvidenceFacts, now_unix_us: int) -> Fault | None:
    """The first fault of a piece of evidence received at `now_unix_us`; None if it is sound."""
    return (
        TextRule("evidence_id", limits.ID_BYTES_MAX, is_required=True).fault(facts.evidence_id)
        or _subject_fault(facts)
        or _time_fault(facts.observe_us, now_unix_us)
        or _kind_fault(facts)
        or _first(_TEXT_RULES[path].fault(text) for path, text in facts.texts.items())
        or _first(_ratio_fault(path, ratio) for path, ratio in facts.ratios.items())
        or _first(_count_fault(path, count) for path, count in facts.counts.items())
        or _first(_content_fault(path, size) for path, size in facts.content_sizes.items())
    )


def _first(faults: Iterable[Fault | None]) -> Fault | None:
    return next((fault for fault in faults if fault), None)


def _subject_fault(facts: EvidenceFacts) -> Fault | None:
    if not facts.subject:
        return Fault("subject", Reason.MISSING, "name the call or the task that it speaks of")
    return TextRule(facts.subject, limits.ID_BYTES_MAX, is_required=True).fault(facts.subject_id)


def _time_fault(observe_us: int | None, now_unix_us: int) -> Fault | None:
    if observe_us is None:
        return Fault("observe_time", Reason.MISSING, "say when it was observed")
    if not -limits.START_BACK_MAX_US <= observe_us - now_unix_us <= limits.START_AHEAD_MAX_US:
        message = "must be at most 400 days back and 10 minutes ahead of the collector's clock"
        return Fault("observe_time", Reason.OUT_OF_RANGE, message)
    return None


def _kind_fault(facts: EvidenceFacts) -> Fault | None:
    if not facts.kind:
        return Fault("kind", Reason.MISSING, "say what was observed")
    if facts.is_empty:
        return Fault(facts.kind, Reason.MISSING, "says nothing")
    return None


def _ratio_fault(path: str, ratio: float) -> Fault | None:
    if 0 <= ratio <= 1:  # false for NaN
        return None
    return Fault(path, Reason.OUT_OF_RANGE, "must be 0 to 1")


def _count_fault(path: str, count: int) -> Fault | None:
    if 0 <= count <= limits.COUNT_MAX:
        return None
    return Fault(path, Reason.OUT_OF_RANGE, f"must be 0 to {limits.COUNT_MAX:,}")


def _content_fault(path: str, size: int) -> Fault | None:
    if size <= limits.CONTENT_BYTES_MAX:
        return None
    return Fault(path, Reason.TOO_LONG, f"must have at most {limits.CONTENT_BYTES_MAX:,} bytes")
