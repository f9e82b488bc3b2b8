"""Parts of a batch as messages of the bus: what they carry, and the id by which a repeat is known."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, TypeAlias

from assay.events.v1 import ingest_pb2

from services.collector.streams import CALLS_SUBJECT, COUNT_HEADER, EVIDENCE_SUBJECT, KIND_HEADER

Kind: TypeAlias = Literal["call", "evidence"]

_SUBJECTS: Mapping[Kind, str] = {"call": CALLS_SUBJECT, "evidence": EVIDENCE_SUBJECT}
_HASH_BYTES = 16  # two parts of one batch that differ get the same id with a chance of 2^-128


@dataclass(frozen=True, slots=True)
class BusMessage:
    """What is published: a payload and its headers."""

    subject: str
    payload: bytes
    headers: dict[str, str]


def content_hash(message: ingest_pb2.IngestMessage) -> str:
    """Names what was received; to be taken before receipt time and prices are filled in, which differ at a repeat."""
    content = message.SerializeToString(deterministic=True)
    return hashlib.sha256(content).hexdigest()[: 2 * _HASH_BYTES]  # twice as fast as BLAKE2 where processors know it


def bus_message(project: str, kind: Kind, message: ingest_pb2.IngestMessage, content: str, item_count: int) -> BusMessage:
    """The finished part of a batch of "call" or "evidence", with `item_count` records in it.

    The header of the count tells how many received items the message accounts for, the refused ones included, so that what is in
    flight can be counted without reading payloads.
    """
    return BusMessage(
        subject=f"{_SUBJECTS[kind]}.{project}",
        payload=message.SerializeToString(),
        headers={
            "Nats-Msg-Id": f"{project}/{message.batch_id}/{message.part}/{content}",
            KIND_HEADER: kind,
            COUNT_HEADER: str(item_count + message.rejected_count),
        },
    )
