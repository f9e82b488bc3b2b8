"""What of the ingest stream is not acknowledged by the writer yet, read from the stream itself."""

import asyncio
import time
from collections.abc import Iterator, Sequence
from contextlib import aclosing, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import nats.errors
from assay.events.v1.ingest_pb2 import IngestMessage
from google.protobuf.message import DecodeError
from nats.aio.msg import Msg
from nats.js.errors import NotFoundError

from kit import logs
from kit.bus import Bus
from kit.errors import AssayError, Kind
from services.collector import streams
from services.collector.domain.batch import RecordKind
from services.collector.store.read_messages import MessageRow

# A backlog of more messages is not counted to its end: a hundred million calls at most, minutes of all that a writer does.
SCAN_MESSAGES_MAX = 100_000
# Asked again within this time, the answer is the same; many dashboards then cost as much as one.
REMEMBER_S = 0.5
# Messages whose payloads are searched for one call, the newest first, and how many are on their way at a time.
SEARCH_MESSAGES_MAX = 2_000
SEARCH_AT_ONCE = 16
RETRY_S = 1.0

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_log = logs.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class UnstoredMessage:
    """A message by its place in the stream, the time at which the stream took it, and how many records of which kind it accounts for."""

    sequence: int
    stream_time: datetime
    kind: RecordKind
    record_count: int


@dataclass(frozen=True, slots=True)
class Unstored:
    """A project's messages behind the writer's floor, ascending. Some of them may be stored and only not acknowledged yet."""

    incarnation: str
    messages: Sequence[UnstoredMessage]


class UnstoredReader:
    """Reads what is in flight. Raises AssayError BUS_UNAVAILABLE while the bus is away."""

    def __init__(self, bus: Bus) -> None:
        self._bus = bus
        # One entry for each project, so that who asks at the same time waits for one reading.
        self._locks: dict[str, asyncio.Lock] = {}
        self._read: dict[str, tuple[float, Unstored]] = {}

    async def scan(self, project: str, age_max_s: float = REMEMBER_S) -> Unstored:
        """What is in flight now, or was up to `age_max_s` ago. The project must exist."""
        async with self._locks.setdefault(project, asyncio.Lock()):
            read_at, unstored = self._read.get(project, (float("-inf"), None))
            if unstored is None or time.monotonic() - read_at > age_max_s:
                read_at = time.monotonic()
                unstored = await self._scan(project)
                self._read[project] = read_at, unstored
            return unstored

    async def search(self, project: str, call_id: str) -> list[MessageRow]:
        """The messages in flight that carry the call, in the order of the stream, as far as they are among the newest."""
        unstored = await self.scan(project, age_max_s=0.0)
        sequences = [message.sequence for message in unstored.messages if message.kind is RecordKind.CALL][-SEARCH_MESSAGES_MAX:]
        found: list[MessageRow] = []
        for start in range(0, len(sequences), SEARCH_AT_ONCE):
            rows = await asyncio.gather(*(self._carrier(sequence, call_id) for sequence in sequences[start : start + SEARCH_AT_ONCE]))
            found.extend(row for row in rows if row)
        return found

    async def _scan(self, project: str) -> Unstored:
        subjects = [f"{streams.CALLS_SUBJECT}.{project}", f"{streams.EVIDENCE_SUBJECT}.{project}"]
        with self._away_is_unavailable():
            state = await self._bus.stream_state(streams.INGEST)
            floor = await self._floor()
            messages: list[UnstoredMessage] = []
            if floor < state.last_sequence:
                async with aclosing(self._bus.headers_from(streams.INGEST, floor + 1, subjects, SCAN_MESSAGES_MAX)) as headers:
                    async for message in headers:
                        messages.append(_unstored_message(message))  # noqa: PERF401
                        if messages[-1].sequence >= state.last_sequence:
                            break  # what comes while this is read belongs to the next reading
        if len(messages) == SCAN_MESSAGES_MAX:
            _log.warning("more is in flight than is counted", project=project, message_count=SCAN_MESSAGES_MAX)
        return Unstored(state.incarnation, messages)

    async def _floor(self) -> int:
        try:
            return await self._bus.consumer(streams.INGEST, streams.WRITER).floor()
        except NotFoundError:
            return 0  # no writer has ever run on this stream

    async def _carrier(self, sequence: int, call_id: str) -> MessageRow | None:
        """The message of that place if it carries the call."""
        with self._away_is_unavailable():
            stored = await self._bus.message(streams.INGEST, sequence)
        # Texts stand in a message as they are: most messages need not be parsed.
        if stored is None or stored.data is None or call_id.encode() not in stored.data:
            return None
        try:
            message = IngestMessage.FromString(stored.data)
        except DecodeError:
            return None  # the writer will keep it aside
        if call_id not in message.calls.call_ids:
            return None
        receive_time = _EPOCH + timedelta(microseconds=message.receive_unix_us)
        return MessageRow(message.batch_id, message.part, sequence, receive_time, store_time=None)

    @contextmanager
    def _away_is_unavailable(self) -> Iterator[None]:
        try:
            if not self._bus.is_connected:
                raise nats.errors.ConnectionClosedError
            yield
        except (nats.errors.Error, OSError, TimeoutError) as error:
            text = "the bus cannot be reached, so that what is in flight is not known: try again in a moment"
            raise AssayError(Kind.UNAVAILABLE, "BUS_UNAVAILABLE", text, retry_after_s=RETRY_S) from error


def _unstored_message(message: Msg) -> UnstoredMessage:
    headers = message.headers or {}
    return UnstoredMessage(
        sequence=message.metadata.sequence.stream,
        stream_time=message.metadata.timestamp.astimezone(UTC),
        kind=RecordKind.EVIDENCE if headers.get(streams.KIND_HEADER) == "evidence" else RecordKind.CALL,
        record_count=int(headers.get(streams.COUNT_HEADER, "0")),
    )
