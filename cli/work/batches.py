"""Gathers records into batches of one kind, as the collector takes them."""

import secrets
from collections.abc import Iterator
from dataclasses import dataclass, field

from assay.collector.v1.collector_service_pb2 import RecordCallsRequest, RecordEvidenceRequest
from assay.telemetry.v1.call_pb2 import Call
from assay.telemetry.v1.evidence_pb2 import Evidence

from cli.work.records import Record

BATCH_RECORDS_MAX = 500
# Half of what the collector takes, unless one line alone has more.
BATCH_BYTES_MAX = 4 * 1024 * 1024
_ID_BYTES = 12  # no two of any replays are ever the same


@dataclass(frozen=True)
class Batch:
    """A request that is ready to be sent, and the line of each of its records."""

    request: RecordCallsRequest | RecordEvidenceRequest
    line_numbers: list[int]

    @property
    def batch_id(self) -> str:
        """By which the collector knows it."""
        return self.request.batch_id


@dataclass
class _Open:
    records: list[Record] = field(default_factory=list)
    size_bytes: int = 0


class Batcher:
    """Fills one batch of calls and one of evidence at a time."""

    def __init__(self, project: str) -> None:
        self._project = project
        self._open: dict[type, _Open] = {}

    def add(self, record: Record) -> Iterator[Batch]:
        """Takes a record; gives the batch that it did not fit into any more, or that it filled."""
        gathered = self._open.setdefault(type(record.message), _Open())
        if gathered.records and gathered.size_bytes + record.line_bytes > BATCH_BYTES_MAX:
            yield self._take(type(record.message))
            gathered = self._open.setdefault(type(record.message), _Open())
        gathered.records.append(record)
        gathered.size_bytes += record.line_bytes
        if len(gathered.records) == BATCH_RECORDS_MAX:
            yield self._take(type(record.message))

    def rest(self) -> Iterator[Batch]:
        """Gives what is still open."""
        for kind in list(self._open):
            yield self._take(kind)

    def _take(self, kind: type) -> Batch:
        records = self._open.pop(kind).records
        batch_id = secrets.token_hex(_ID_BYTES)
        request: RecordCallsRequest | RecordEvidenceRequest
        if kind is Call:
            request = RecordCallsRequest(project=self._project, batch_id=batch_id)
            request.calls.extend(record.message for record in records if isinstance(record.message, Call))
        else:
            request = RecordEvidenceRequest(project=self._project, batch_id=batch_id)
            request.evidence.extend(record.message for record in records if isinstance(record.message, Evidence))
        return Batch(request, [record.line_number for record in records])
