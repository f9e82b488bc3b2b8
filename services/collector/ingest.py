"""The way of a batch through the collector's front: check, split, price, publish. Ends when the bus has it on disk."""

import asyncio
import re
import time
from collections.abc import Callable, Mapping, Sequence, Set
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from assay.events.v1 import ingest_pb2

from kit import logs, metrics
from kit.errors import AssayError, Kind, invalid
from services.collector.domain import limits
from services.collector.domain.check import check_calls
from services.collector.domain.evidence_check import check_evidence
from services.collector.domain.received import BoolArray, IntArray, ReceivedCalls
from services.collector.domain.refusals import Fault, Faults, Reason, Refusal
from services.collector.domain.split import split_calls, split_items
from services.collector.in_flight import InFlight
from services.collector.messages import wire
from services.collector.messages.call_message import fill_calls, fill_prices
from services.collector.messages.contents import content_messages, detached
from services.collector.messages.evidence_facts import checked_evidence, read_evidence
from services.collector.messages.parts import BusMessage, bus_message, content_hash
from services.collector.pricing import VersionedPriceTable, model_names, price_calls

# A name that the price table has not seen takes up to 0.7 ms to look up: with more names than this, a thread does it,
# and the other clients are served meanwhile.
MODELS_PRICED_AT_ONCE_MAX = 64
CLIENT_DROPPED_MAX = 10**12  # what a fleet could drop in years; more is a client's mistake and would spoil the ledger
# Tags and lengths of a piece of evidence in its message.
_EVIDENCE_FIXED_BYTES = 16

_BATCH_ID = re.compile(rb"[A-Za-z0-9_-]{1,%d}" % limits.BATCH_ID_BYTES_MAX)
_MALFORMED = Fault("evidence", Reason.MALFORMED, "the bytes are not a message of type Evidence")

_ITEMS = metrics.counter("assay_ingest_calls_total", "Calls and evidence of acknowledged batches, by kind and result.", ["kind", "result"])
_SECONDS = metrics.histogram("assay_ingest_batch_seconds", "From a batch's parsing to its being durable.", ["kind"])
_log = logs.get_logger(__name__)


class Publisher(Protocol):
    """The bus, as the front uses it."""

    async def publish(self, subject: str, payload: bytes, headers: Mapping[str, str]) -> object:
        """Returns when the message is on disk. Raises AssayError STREAM_FULL or BUS_UNAVAILABLE."""


@dataclass(frozen=True, slots=True)
class Recorded:
    """What became of a batch: items taken, and the others, each with its fault."""

    accepted_count: int
    refusals: Sequence[Refusal]


def require_payload(max_payload_bytes: int) -> None:
    """Raises AssayError if the bus takes no messages as large as a part of a batch may become."""
    if max_payload_bytes < limits.MESSAGE_BYTES_MAX:
        raise AssayError(
            Kind.FAILED_PRECONDITION,
            "BUS_PAYLOAD_TOO_SMALL",
            f"the NATS server takes messages of {max_payload_bytes:,} bytes: set its max_payload to {limits.MESSAGE_BYTES_MAX:,} or more",
        )


def checked_batch_id(batch_id: bytes) -> str:
    """The batch's id; AssayError BATCH_ID_INVALID unless it is 1 to 64 bytes of [A-Za-z0-9_-]."""
    if not _BATCH_ID.fullmatch(batch_id):
        message = f"must be 1 to {limits.BATCH_ID_BYTES_MAX} bytes of [A-Za-z0-9_-]"
        raise invalid("batch_id", message, "BATCH_ID_INVALID")
    return batch_id.decode()


def _now_unix_us() -> int:
    return time.time_ns() // 1_000


class Ingest:
    """Takes batches in. What it has returned is durable; after an error the same batch may be sent again."""

    def __init__(
        self,
        publisher: Publisher,
        prices: VersionedPriceTable,
        *,
        now_unix_us: Callable[[], int] = _now_unix_us,
        in_flight: InFlight | None = None,
    ) -> None:
        self._publisher = publisher
        self._prices = prices
        self._now_unix_us = now_unix_us
        self._in_flight = in_flight or InFlight()

    async def record_calls(self, project: str, batch_id: bytes, calls: ReceivedCalls, client_dropped_count: int = 0) -> Recorded:
        """Records a batch of calls. Raises BATCH_ID_INVALID, FIELD_INVALID, and what the bus raises."""
        with _SECONDS.labels("call").time():
            template = _template(batch_id, client_dropped_count)
            faults = check_calls(calls, self._now_unix_us())
            refusals = faults.refusals()
            template.rejected_count = len(refusals)
            messages = await self._call_messages(project, template, calls, faults)
            await self._publish(messages)
        if _log.is_enabled(logs.TRACE):
            call_ids = [call_id.decode(errors="replace") for call_id in calls.call_ids]
            _log.trace("calls of batch", project=project, batch_id=template.batch_id, call_ids=call_ids)
        return _recorded("call", project, template, len(calls), refusals)

    async def record_evidence(self, project: str, batch_id: bytes, items: Sequence[bytes]) -> Recorded:
        """Records a batch of serialised evidence. The same errors."""
        with _SECONDS.labels("evidence").time():
            evidence, unreadable = wire.read_apart(wire.Evidence, items)
            template = _template(batch_id, 0)
            refusals = _evidence_refusals(evidence, unreadable, self._now_unix_us())
            template.rejected_count = len(refusals)
            refused = {refusal.index for refusal in refusals}
            contents = _take_contents(project, evidence, refused)
            await self._publish(contents)  # first, so that nothing refers to what is not there
            await self._publish(self._evidence_messages(project, template, evidence, refused))
        return _recorded("evidence", project, template, len(evidence), refusals)

    async def _call_messages(
        self, project: str, template: ingest_pb2.IngestMessage, calls: ReceivedCalls, faults: Faults
    ) -> list[BusMessage]:
        is_sound = faults.is_sound
        parts = split_calls(calls)
        return [
            await self._call_message(project, _part(template, number, len(parts)), calls.take(_places(is_sound, part)))
            for number, part in enumerate(parts)
        ]

    async def _call_message(self, project: str, message: ingest_pb2.IngestMessage, calls: ReceivedCalls) -> BusMessage:
        fill_calls(message.calls, calls)
        content = content_hash(message)
        names = model_names(calls)
        if len(names.pairs) > MODELS_PRICED_AT_ONCE_MAX:
            priced = await asyncio.to_thread(price_calls, self._prices, calls, names)
        else:
            priced = price_calls(self._prices, calls, names)
        fill_prices(message.calls, priced, self._prices.version)
        message.receive_unix_us = self._now_unix_us()
        return bus_message(project, "call", message, content, len(calls))

    def _evidence_messages(
        self,
        project: str,
        template: ingest_pb2.IngestMessage,
        evidence: Sequence[Any],
        refused: Set[int],
    ) -> list[BusMessage]:
        sizes = [piece.ByteSize() + _EVIDENCE_FIXED_BYTES for piece in evidence]
        parts = split_items(sizes)
        messages = []
        for number, part in enumerate(parts):
            message = _part(template, number, len(parts))
            sound = [evidence[index] for index in range(part.start, part.stop) if index not in refused]
            message.evidence.SetInParent()  # says what kind of batch it is, also where all of it was refused
            message.evidence.evidence.extend(map(checked_evidence, sound))
            content = content_hash(message)
            message.receive_unix_us = self._now_unix_us()
            messages.append(bus_message(project, "evidence", message, content, len(sound)))
        return messages

    async def _publish(self, messages: Sequence[BusMessage]) -> None:
        """Publishes all at the same time; when one fails, the others still end before its error is raised."""
        with self._in_flight.holding([message.payload for message in messages]):
            results = await asyncio.gather(
                *(self._publisher.publish(message.subject, message.payload, message.headers) for message in messages),
                return_exceptions=True,
            )
        for result in results:
            if isinstance(result, BaseException):
                raise result


def _template(batch_id: bytes, client_dropped_count: int) -> ingest_pb2.IngestMessage:
    if not 0 <= client_dropped_count <= CLIENT_DROPPED_MAX:
        raise invalid("client_dropped_count", f"must be 0 to {CLIENT_DROPPED_MAX:,}")
    return ingest_pb2.IngestMessage(batch_id=checked_batch_id(batch_id), client_dropped_count=client_dropped_count)


def _part(template: ingest_pb2.IngestMessage, number: int, count: int) -> ingest_pb2.IngestMessage:
    """An empty part; the first carries the counts of the batch."""
    if number == 0:
        message = ingest_pb2.IngestMessage()
        message.CopyFrom(template)
    else:
        message = ingest_pb2.IngestMessage(batch_id=template.batch_id, part=number)
    message.part_count = count
    return message


def _places(is_sound: BoolArray, part: slice) -> IntArray:
    places: IntArray = np.flatnonzero(is_sound[part]) + part.start
    return places


def _evidence_refusals(evidence: Sequence[Any], unreadable: Sequence[int], now_unix_us: int) -> list[Refusal]:
    malformed = dict.fromkeys(unreadable, _MALFORMED)
    refusals = []
    for index, piece in enumerate(evidence):
        fault = malformed.get(index) or check_evidence(read_evidence(piece), now_unix_us)
        if fault:
            refusals.append(Refusal(index, fault))
    return refusals


def _take_contents(project: str, evidence: Sequence[Any], refused: Set[int]) -> list[BusMessage]:
    """Takes the contents out of all pieces, and returns those of the sound ones."""
    messages: list[BusMessage] = []
    for index, piece in enumerate(evidence):
        content = detached(piece)
        if content and index not in refused:
            messages.extend(content_messages(project, piece.content_reference.content_id.decode(), content))
    return messages


def _recorded(kind: str, project: str, template: ingest_pb2.IngestMessage, item_count: int, refusals: Sequence[Refusal]) -> Recorded:
    accepted_count = item_count - len(refusals)
    _ITEMS.labels(kind, "accepted").inc(accepted_count)
    _ITEMS.labels(kind, "rejected").inc(len(refusals))
    if _log.is_enabled(logs.LEVELS["DEBUG"]):
        counts = {"accepted_count": accepted_count, "rejected_count": len(refusals)}
        _log.debug("batch recorded", kind=kind, project=project, batch_id=template.batch_id, **counts)
    return Recorded(accepted_count, refusals)
