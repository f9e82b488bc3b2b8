"""Contents of evidence, taken out of their pieces: what travels on is a reference."""

import hashlib
from collections.abc import Iterator
from typing import Any

from assay.telemetry.v1.evidence_pb2 import Evidence

from services.collector.domain.limits import CONTENT_PART_BYTES_MAX
from services.collector.messages.evidence_facts import FORM_KINDS
from services.collector.messages.parts import BusMessage
from services.collector.streams import CONTENT_SUBJECT

# Two contents of one project get the same id with a chance of 2^-128.
_ID_LENGTH = 32


def detached(evidence: Any) -> bytes:
    """Takes the content out of a message of wire.Evidence, leaving a reference to it in its place; empty where it has none.

    The id is of evidence and content, so that a repeat is kept in the same place, and two pieces with the same content each have their own.
    """
    evidence.ClearField("content_reference")
    kind = evidence.WhichOneof("kind") or ""
    form: str = (getattr(evidence, kind).WhichOneof("form") if kind in FORM_KINDS else None) or ""
    content = getattr(getattr(evidence, kind), form) if form else b""
    if not isinstance(content, bytes) or not content:
        return b""
    getattr(evidence, kind).ClearField(form)
    reference = evidence.content_reference
    reference.content_id = hashlib.sha256(evidence.evidence_id + b"\0" + content).hexdigest()[:_ID_LENGTH].encode()
    reference.form, reference.byte_count = form.encode(), len(content)
    return content


def content_messages(project: str, content_id: str, content: bytes) -> Iterator[BusMessage]:
    """The parts of a content, each for a subject of its own."""
    for part, begin in enumerate(range(0, len(content), CONTENT_PART_BYTES_MAX)):
        subject = f"{CONTENT_SUBJECT}.{project}.{content_id}.{part}"
        # A repeat is not stored again, also when the first has been read and dropped meanwhile.
        headers = {"Nats-Msg-Id": f"{project}/{content_id}/{part}"}
        yield BusMessage(subject, content[begin : begin + CONTENT_PART_BYTES_MAX], headers)


def content_id_of(payload: bytes) -> str:
    """The id of the content that a stored piece of evidence refers to, empty where it has none."""
    return Evidence.FromString(payload).content_reference.content_id
