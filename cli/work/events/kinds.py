"""Which events there are, the stream that keeps each, and how a message of it reads as JSON."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

from assay.events.v1.alerts_pb2 import AlertChanged
from assay.events.v1.anomaly_pb2 import AnomalyChanged
from assay.events.v1.ingest_pb2 import IngestMessage, WindowsChanged
from assay.events.v1.rankings_pb2 import RankingKept
from assay.events.v1.reports_pb2 import ReportMade
from google.protobuf.message import Message

from cli.work.events.calls import calls_of
from cli.work.output import Json, as_json

Read: TypeAlias = Callable[[bytes], Json]


@dataclass(frozen=True, slots=True)
class EventKind:
    """A kind of event: its stream, its subject without the project, and how to read a payload (raises DecodeError or ValueError)."""

    stream: str
    subject: str
    read: Read


def _plain(message: type[Message]) -> Read:
    return lambda payload: as_json(message.FromString(payload))


def _calls(payload: bytes) -> Json:
    """The part of a batch, with its columns as calls: the contract's Call, one object each."""
    message = IngestMessage.FromString(payload)
    return {**_part_of(message), "calls": list(calls_of(message.calls))}


def _evidence(payload: bytes) -> Json:
    message = IngestMessage.FromString(payload)
    return {**_part_of(message), "evidence": [as_json(piece) for piece in message.evidence.evidence]}


def _part_of(message: IngestMessage) -> dict[str, Any]:
    names = ("batch_id", "part", "part_count", "receive_unix_us", "rejected_count", "client_dropped_count")
    return {name: getattr(message, name) for name in names}


# Scores are not among them: their stream is a queue whose messages are gone once the collector's writer has them.
KINDS: Mapping[str, EventKind] = {
    "calls": EventKind("ASSAY_INGEST", "assay.calls", _calls),
    "evidence": EventKind("ASSAY_INGEST", "assay.evidence", _evidence),
    "windows": EventKind("ASSAY_WINDOWS", "assay.windows", _plain(WindowsChanged)),
    "anomalies": EventKind("ASSAY_ANOMALIES", "assay.anomalies", _plain(AnomalyChanged)),
    "alerts": EventKind("ASSAY_ALERTS", "assay.alerts", _plain(AlertChanged)),
    "rankings": EventKind("ASSAY_RANKINGS", "assay.rankings", _plain(RankingKept)),
    "reports": EventKind("ASSAY_REPORTS", "assay.reports", _plain(ReportMade)),
}
