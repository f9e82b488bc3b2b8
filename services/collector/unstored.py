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
    """A project's messages behind the writer's floor, ascending. Some of them may be stored and only not acknowledged yet.

    `read_to` is the place in the stream up to which they are known.
    """

    incarnation: str
    read_to: int
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
                unstored = await self._scan(project, unstored)
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

    async def _scan(self, project: str, before: Unstored | None) -> Unstored:
        """What is in flight now; what was known before need not be read again."""
        with self._away_is_unavailable():
            state = await self._bus.stream_state(streams.INGEST)
            floor = await self._bus.consumer(streams.INGEST, streams.WRITER).floor()
            messages: list[UnstoredMessage] = []
            read_to = floor
            if before and before.incarnation == state.incarnation:
                messages = [message for message in before.messages if message.sequence > floor]
                read_to = max(floor, before.read_to)
            room = SCAN_MESSAGES_MAX - len(messages)
            if read_to < state.last_sequence and room:
                messages += await self._headers(project, read_to + 1, state.last_sequence, room)
        if len(messages) == SCAN_MESSAGES_MAX:
            _log.warning("more is in flight than is counted", project=project, message_count=SCAN_MESSAGES_MAX)
            return Unstored(state.incarnation, messages[-1].sequence, messages)
        return Unstored(state.incarnation, max(read_to, state.last_sequence), messages)

    async def _headers(self, project: str, first: int, last: int, count_max: int) -> list[UnstoredMessage]:
        """The project's messages from the place `first` to `last`."""
        subjects = [f"{streams.CALLS_SUBJECT}.{project}", f"{streams.EVIDENCE_SUBJECT}.{project}"]
        found: list[UnstoredMessage] = []
        async with aclosing(self._bus.headers_from(streams.INGEST, first, subjects, count_max)) as headers:
            async for message in headers:
                if message.metadata.sequence.stream > last:
                    break  # what came while this is read belongs to the next reading
                found.append(_unstored_message(message))
        return found

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
