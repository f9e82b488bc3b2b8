"""Evidence in the contract's messages: the facts that are checked, and the piece as it is handed on."""

from typing import Any

from assay.telemetry.v1 import evidence_pb2

from services.collector.domain.evidence_check import TEXT_FIELDS, EvidenceFacts

# Kinds that hold one of several forms, of which one has to be there.
FORM_KINDS = frozenset({"code", "coverage", "tests", "static_analysis"})
_INVALID_TIME_US = 2**63  # out of every range


def read_evidence(evidence: Any) -> EvidenceFacts:
    """What is checked of a message of wire.Evidence."""
    subject = evidence.WhichOneof("subject") or ""
    kind = evidence.WhichOneof("kind") or ""
    values = _values(getattr(evidence, kind), kind) if kind else {}
    texts = {path: values.pop(path, b"") for path in TEXT_FIELDS if kind and path.startswith(f"{kind}.")}
    return EvidenceFacts(
        evidence_id=evidence.evidence_id,
        subject=subject,
        subject_id=getattr(evidence, subject) if subject else b"",
        observe_us=_observe_us(evidence),
        kind=kind,
        is_empty=_is_empty(evidence, kind),
        texts=texts,
        ratios={path: value for path, value in values.items() if isinstance(value, float)},
        counts={path: value for path, value in values.items() if type(value) is int},
        content_sizes={path: len(value) for path, value in values.items() if isinstance(value, bytes)},
    )


def checked_evidence(evidence: Any) -> evidence_pb2.Evidence:
    """The contract's message of one of wire.Evidence that was found sound, without what this version does not know.

    It is written anew, since the bytes that came may hold a text that is not UTF-8 in a field that a later one of its
    oneof overrode.
    """
    evidence.DiscardUnknownFields()
    return evidence_pb2.Evidence.FromString(evidence.SerializeToString())


def _values(message: Any, path: str) -> dict[str, Any]:
    """The scalar fields that are set, by path, those of embedded messages included."""
    values: dict[str, Any] = {}
    for field, value in message.ListFields():
        field_path = f"{path}.{field.name}"
        if field.message_type is None:
            values[field_path] = value
        else:
            values |= _values(value, field_path)
    return values


def _observe_us(evidence: Any) -> int | None:
    if not evidence.HasField("observe_time"):
        return None
    seconds, nanos = evidence.observe_time.seconds, evidence.observe_time.nanos
    return int(seconds * 1_000_000 + nanos // 1_000) if 0 <= nanos < 1_000_000_000 else _INVALID_TIME_US


def _is_empty(evidence: Any, kind: str) -> bool:
    if kind in FORM_KINDS:
        return getattr(evidence, kind).WhichOneof("form") is None
    if kind == "feedback":
        feedback = evidence.feedback
        said = ("rating_ratio", "accepted", "kept_ratio")
        return not (any(map(feedback.HasField, said)) or feedback.comment)
    return False
