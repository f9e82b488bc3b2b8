"""Calls straight from their bytes to columns: a field at a time of all calls of a batch, with no object a field.

protobuf's Python hands out an object for each text and number, 4 µs a call. But libraries write the fields of a message
in the order of their numbers, each once, so that a batch can be walked with one cursor a call: at each field those calls
move on whose next tag is that field's. What is written otherwise, though legal, is left to protobuf.
"""

from collections.abc import Sequence
from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from services.collector.domain.received import (
    BoolArray,
    CallExtras,
    IntArray,
    ReceivedCalls,
    SeriesKey,
    Terms,
    Times,
    series_terms,
    text_terms,
)
from services.collector.messages import wire

# Tags of the fields of Call, TokenUsage, Timestamp and Duration; a test compares them with the contract.
CALL_ID, TASK_ID, START_TIME, LATENCY, FIRST_TOKEN = b"\x0a\x12\x1a\x22\x2a"
NAMES = b"\x32\x3a\x42\x4a\x52\x5a"  # provider, model, task_type, agent, prompt_name, prompt_version
OUTCOME, ERROR_TYPE, USAGE, COST = b"\x60\x6a\x72\x78"
REVISION_COUNT = 0x0180  # two bytes, little-endian
TOKENS = b"\x08\x10\x18\x20\x28"
SECONDS, NANOS = b"\x08\x10"
REST_FIELDS = frozenset({"labels", "ranking_id", "selection_ratio"})

_SHORT_TEXT_BYTES_MAX = 127  # its length is one byte
_INT32_MAX = 2**31 - 1
# More than a cursor can go beyond the last call: all texts, all numbers, and one word.
_PADDING = bytes(4_096)
_LAST_BITS = np.uint64(0x8080808080808080)
# Names of calls are the same from batch to batch. An entry is about 1 kB at most.
_NAMES_KEPT_MAX = 8_192


def read_call_table(calls: Sequence[bytes]) -> ReceivedCalls | None:
    """Columns of serialised calls, the same that protobuf would give; None where any of them is written in another way."""
    sizes = np.fromiter(map(len, calls), np.int64, len(calls))
    ends = np.cumsum(sizes)
    data = b"".join([*calls, _PADDING])
    cursor = _Cursor(_Buffer.of(data), ends - sizes)

    call_id, task_id = cursor.text(CALL_ID), cursor.text(TASK_ID)
    times = [cursor.text(tag) for tag in (START_TIME, LATENCY, FIRST_TOKEN)]
    names_begin = cursor.at
    for tag in NAMES:
        cursor.text(tag)
    names_end = cursor.at
    _, outcome = cursor.number(OUTCOME)
    error_type, usage = cursor.text(ERROR_TYPE), cursor.text(USAGE)
    has_cost, cost_usd_nanos = cursor.number(COST)
    has_revision, revision_count = cursor.number(REVISION_COUNT)
    start, latency, first_token = _times(cursor, times)
    tokens = _tokens(cursor, usage)
    extras = _extras(data, cursor.at, ends)
    if extras is None or not cursor.is_regular or max(outcome.max(), revision_count.max()) > _INT32_MAX:
        return None
    series, agents = _names(_slices(data, names_begin, names_end))
    return ReceivedCalls(
        call_ids=_slices(data, call_id.begin, call_id.end),
        tasks=text_terms(_slices(data, task_id.begin, task_id.end)),
        start=start,
        latency=latency,
        first_token=first_token,
        series=series,
        agents=agents,
        outcome=outcome,
        error_types=text_terms(_slices(data, error_type.begin, error_type.end)),
        has_usage=usage.is_there,
        tokens=tokens,
        has_cost=has_cost,
        cost_usd_nanos=cost_usd_nanos,
        has_revision=has_revision,
        revision_count=revision_count,
        extras=extras,
    )


class _Span(NamedTuple):
    """Where a field's content is in each call; empty where the call does not have it."""

    is_there: BoolArray
    begin: IntArray
    end: IntArray


class _Buffer(NamedTuple):
    """The same bytes by the byte, and by the little-endian pair and word that begins at each."""

    octets: npt.NDArray[np.uint8]
    pairs: npt.NDArray[np.uint16]
    words: npt.NDArray[np.uint64]

    @classmethod
    def of(cls, data: bytes) -> "_Buffer":
        return cls(
            np.frombuffer(data, np.uint8),
            np.ndarray(len(data) - 1, "<u2", data, strides=(1,)),
            np.ndarray(len(data) - 7, "<u8", data, strides=(1,)),
        )


class _Cursor:
    """A place in each of many messages. It moves over a field where that is what comes next, and else stays."""

    def __init__(self, buffer: _Buffer, at: IntArray) -> None:
        self.at = at
        self.is_regular = True
        self._buffer = buffer

    def inside(self, begin: IntArray) -> "_Cursor":
        """A cursor at the beginning of embedded messages; `leave` it at their ends."""
        return _Cursor(self._buffer, begin)

    def leave(self, inner: "_Cursor", end: IntArray) -> None:
        """Notes whether embedded messages were regular, and had nothing after what was read."""
        self.is_regular = self.is_regular and inner.is_regular and bool((inner.at == end).all())

    def text(self, tag: int) -> _Span:
        """Moves over a text or an embedded message."""
        is_there = self._buffer.octets[self.at] == tag
        size = np.where(is_there, self._buffer.octets[self.at + 1], 0)
        begin = self.at + 2 * is_there
        self.at = end = begin + size
        self.is_regular = self.is_regular and int(size.max(initial=0)) <= _SHORT_TEXT_BYTES_MAX
        return _Span(is_there, begin, end)

    def number(self, tag: int) -> tuple[BoolArray, IntArray]:
        """Moves over a number that is not negative: whether it is there, and the number or 0."""
        is_long = tag > 0xFF
        is_there = (self._buffer.pairs if is_long else self._buffer.octets)[self.at] == tag
        if not is_there.any():
            return is_there, np.zeros(is_there.shape, np.int64)
        value, size = self._varint(self.at + 1 + is_long, is_there)
        self.at = self.at + np.where(is_there, size + 1 + is_long, 0)
        return is_there, np.where(is_there, value, 0)

    def _varint(self, at: IntArray, is_there: BoolArray) -> tuple[IntArray, IntArray]:
        """The numbers at these places and their sizes in bytes; of up to 8 bytes, which is 56 bits."""
        word = self._buffer.words[at]
        last = ~word & _LAST_BITS
        self.is_regular = self.is_regular and not (is_there & (last == 0)).any()
        through = last ^ (last - np.uint64(1))  # ones up to the highest bit of the last byte
        value = word & through & ~_LAST_BITS
        # Seven bits of each byte move together: in pairs of bytes, then of pairs, then of halves.
        value = (value & np.uint64(0x007F007F007F007F)) | ((value & np.uint64(0x7F007F007F007F00)) >> np.uint64(1))
        value = (value & np.uint64(0x00003FFF00003FFF)) | ((value & np.uint64(0x3FFF00003FFF0000)) >> np.uint64(2))
        value = (value & np.uint64(0x000000000FFFFFFF)) | ((value & np.uint64(0x0FFFFFFF00000000)) >> np.uint64(4))
        return value.view(np.int64), np.bitwise_count(through).astype(np.int64) >> 3


def _times(cursor: _Cursor, spans: Sequence[_Span]) -> list[Times]:
    """Timestamps and durations, all kinds in one go."""
    is_there, begin, end = map(np.stack, zip(*spans, strict=True))
    inner = cursor.inside(begin)
    _, seconds = inner.number(SECONDS)
    _, nanos = inner.number(NANOS)
    cursor.leave(inner, end)
    cursor.is_regular = cursor.is_regular and int(nanos.max()) <= _INT32_MAX
    return [Times.of(*columns) for columns in zip(is_there, seconds, nanos, strict=True)]


def _tokens(cursor: _Cursor, usage: _Span) -> IntArray:
    inner = cursor.inside(usage.begin)
    tokens = np.stack([inner.number(tag)[1] for tag in TOKENS])
    cursor.leave(inner, usage.end)
    return tokens


def _slices(data: bytes, begin: IntArray, end: IntArray) -> list[bytes]:
    return [data[first:last] for first, last in zip(begin.tolist(), end.tolist(), strict=True)]


def _names(names: Sequence[bytes]) -> tuple[Terms[SeriesKey], Terms[bytes]]:
    """Series and agents of calls from the bytes of all the fields that name them."""
    place = {value: index for index, value in enumerate(dict.fromkeys(names))}
    index = np.fromiter(map(place.__getitem__, names), np.int64, len(names))
    keys, agents = zip(*map(_names_of, place), strict=True)
    series, agent = series_terms(keys), text_terms(agents)
    return Terms(series.distinct, series.index[index]), Terms(agent.distinct, agent.index[index])


@lru_cache(_NAMES_KEPT_MAX)
def _names_of(data: bytes) -> tuple[SeriesKey, bytes]:
    call = wire.Call.FromString(data)
    return (call.provider, call.model, call.task_type, call.prompt_name, call.prompt_version), call.agent


def _extras(data: bytes, begin: IntArray, ends: IntArray) -> list[CallExtras] | None:
    """What few calls have and stands at their end; None where something else does."""
    has_rest = begin != ends
    extras = []
    for place, first, end in zip(np.flatnonzero(has_rest).tolist(), begin[has_rest].tolist(), ends[has_rest].tolist(), strict=True):
        call: Any = wire.try_parse(wire.Call, data[first:end]) if first < end else None
        if call is None or not REST_FIELDS.issuperset(field.name for field, _ in call.ListFields()):
            return None
        found = extras_of(call, place)
        extras += [found] if found else []
    return extras


def extras_of(call: Any, place: int) -> CallExtras | None:
    """The fields of a message of wire.Call that few calls have; None if it has none of them."""
    labels, ranking_id, ratio = call.labels, call.ranking_id, call.selection_ratio
    has_ratio = ratio != wire.NOT_SET["selection_ratio"]
    if not (labels or ranking_id or has_ratio):
        return None
    return CallExtras(place, {label.key: label.value for label in labels}, ranking_id, ratio if has_ratio else None)
