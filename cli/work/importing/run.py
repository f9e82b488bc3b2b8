"""Imports rows: reads, leaves out what is stored already, sends, shows progress, and says what was left out and why."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass, field
from itertools import islice
from typing import TYPE_CHECKING, Protocol

import grpc.aio
from assay.collector.v1.evidence_service_pb2 import LocateSubjectsRequest
from assay.collector.v1.evidence_service_pb2_grpc import EvidenceServiceStub
from assay.telemetry.v1.call_pb2 import Call

from cli.work.batches import Batch, Batcher
from cli.work.connection import ASK_TIMEOUT_S, Target, ask
from cli.work.importing.fields import Skipped
from cli.work.importing.rows import CHUNK_ROWS, Row, Values
from cli.work.output import print_json, print_table
from cli.work.records import Record
from cli.work.sending import Sender, Tally, patiently, send_all
from cli.work.sending_progress import sending_progress
from kit.errors import AssayError

if TYPE_CHECKING:
    from assay.collector.v1.evidence_service_pb2_grpc import EvidenceServiceAsyncStub

# Different reasons that are told; the others are counted together. Reasons that name a value could be as many as the rows.
REASONS_MAX = 50
OTHER_REASONS = "other reasons"


class Reader(Protocol):
    """Knows one kind of export. `sender` is what the calls' source is called."""

    sender: str

    def calls(self, row: Values) -> Iterator[Call]:
        """The calls of a row, mostly one. Raises Skipped where the row is none."""


class RowSource(Protocol):
    """Where rows come from."""

    def chunks(self) -> AsyncIterator[Sequence[Row]]:
        """The rows, a chunk at a time."""

    def position(self) -> int:
        """How far it was read, in the unit of `size`."""

    @property
    def size(self) -> int | None:
        """What `position` is in the end; None where there is no telling."""


@dataclass(slots=True)
class Reason:
    """Why rows were left out, how many, and the line or row of the first."""

    reason: str
    count: int
    first_row: int


@dataclass(slots=True)
class Summary:
    """What became of the rows: `read` rows made `sent` + `stored_before` calls and `skipped` rows made none."""

    read: int = 0
    skipped: int = 0
    stored_before: int = 0
    tally: Tally = field(default_factory=Tally)
    reasons: dict[str, Reason] = field(default_factory=dict)

    def leave_out(self, row_number: int, reason: str) -> None:
        """A row, or a call of it, was left out."""
        if reason not in self.reasons and len(self.reasons) >= REASONS_MAX:
            reason = OTHER_REASONS
        told = self.reasons.setdefault(reason, Reason(reason, 0, row_number))
        told.count += 1


class Importing:
    """One import: `run` sends, `summary` tells."""

    def __init__(self, source: RowSource, reader: Reader, project: str) -> None:
        self.summary = Summary()
        self._source = source
        self._reader = reader
        self._project = project
        self._damage: AssayError | None = None

    async def run(self, channel: grpc.aio.Channel, address: str, on_read: Callable[[], None]) -> None:
        """Sends all that is not stored, and returns when it is. `on_read` is called whenever more was read."""
        name = self._reader.sender
        sender = Sender(channel, address, self._project, self.summary.tally, self.summary.leave_out, sender=name)
        await send_all(sender, self._batches(EvidenceServiceStub(channel)), on_read)

    async def try_out(self) -> None:
        """Reads all and sends nothing."""
        async for records in self._chunks():
            self.summary.tally.sent += len(records)
        if self._damage is not None:
            raise self._damage

    async def _batches(self, service: "EvidenceServiceAsyncStub") -> AsyncIterator[Batch]:
        """What is not stored. Raises what ended the reading after the last one that could be read."""
        batcher = Batcher(self._project)
        async for records in self._new(service):
            for record in records:
                for batch in batcher.add(record):
                    yield batch
        for batch in batcher.rest():
            yield batch
        if self._damage is not None:
            raise self._damage

    async def _new(self, service: "EvidenceServiceAsyncStub") -> AsyncIterator[list[Record]]:
        """The records that are not stored. Each chunk is asked about while the next one is read."""
        asked: asyncio.Task[list[Record]] | None = None
        try:
            async for records in self._chunks():
                before, asked = asked, asyncio.create_task(self._without_stored(service, records))
                if before is not None:
                    yield await before
            if asked is not None:
                yield await asked
        finally:
            if asked is not None:
                asked.cancel()

    async def _chunks(self) -> AsyncIterator[list[Record]]:
        """The records of all rows, at most CHUNK_ROWS at a time. What ends the reading early is kept in `_damage`."""
        try:
            async for rows in self._source.chunks():
                records = self._records(rows)
                while chunk := list(islice(records, CHUNK_ROWS)):
                    yield chunk
        except AssayError as error:
            self._damage = error

    def _records(self, rows: Iterable[Row]) -> Iterator[Record]:
        for row in rows:
            self.summary.read += 1
            if row.trouble:
                self._skip(row, row.trouble)
                continue
            try:
                for call in self._reader.calls(row.values):
                    yield Record(row.number, call.ByteSize(), call)
            except Skipped as skipped:
                self._skip(row, str(skipped))
            except (ValueError, OverflowError):  # a text that is no Unicode, a number beyond 64 bits
                self._skip(row, "a value that no call can hold")

    def _skip(self, row: Row, reason: str) -> None:
        self.summary.skipped += 1
        self.summary.leave_out(row.number, reason)

    async def _without_stored(self, service: "EvidenceServiceAsyncStub", records: list[Record]) -> list[Record]:
        """Those of the records whose calls are not stored.

        The collector knows a call that comes again for two days; an import may be repeated for as long as calls are kept.
        """
        request = LocateSubjectsRequest(project=self._project, call_ids=filter(None, map(_call_id, records)))
        answer = await patiently(lambda: service.LocateSubjects(request, timeout=ASK_TIMEOUT_S))
        stored = {subject.call_id for subject in answer.subjects}
        new = [record for record in records if _call_id(record) not in stored] if stored else records
        self.summary.stored_before += len(records) - len(new)
        return new


def show_import(target: Target | None, rows: RowSource, reader: Reader, project: str, *, json: bool) -> None:
    """Imports and prints the sum; without a target, reads alone. Raises AssayError when something else than single rows is wrong."""
    importing = Importing(rows, reader, project)
    try:
        with sending_progress(rows.position, rows.size, importing.summary.tally) as on_read:
            if target is None:
                asyncio.run(importing.try_out())
            else:
                ask(target, lambda channel: importing.run(channel, target.address, on_read))
    finally:
        _show(importing.summary, is_sent=target is not None, json=json)


def _show(summary: Summary, *, is_sent: bool, json: bool) -> None:
    tally, reasons = summary.tally, sorted(summary.reasons.values(), key=lambda reason: -reason.count)
    if json:
        counts = {"read": summary.read, "skipped": summary.skipped, "stored_before": summary.stored_before}
        print_json({**counts, **asdict(tally), "reasons": [asdict(reason) for reason in reasons]})
        return
    became = f"{tally.accepted:,} calls stored, {tally.duplicates + summary.stored_before:,} stored before, {tally.rejected:,} rejected"
    print(f"{summary.read:,} rows: {became if is_sent else f'{tally.sent:,} calls'}, {summary.skipped:,} rows skipped")
    told = ([reason.count, reason.first_row, reason.reason] for reason in reasons)
    if reasons:
        print_table(("left out", "first at row", "why"), told, empty="")


def _call_id(record: Record) -> str:
    return record.message.call_id
