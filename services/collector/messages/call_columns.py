"""Calls to columns: one pass a field over the whole batch, no object a call."""

from collections.abc import Callable, Sequence
from itertools import compress
from operator import attrgetter, methodcaller
from typing import Any

import numpy as np

from services.collector.domain.received import (
    SERIES_FIELDS,
    BoolArray,
    IntArray,
    ReceivedCalls,
    Times,
    series_terms,
    text_terms,
)
from services.collector.messages import wire
from services.collector.messages.call_table import extras_of, read_call_table

_SERIES: Callable[[Any], Any] = attrgetter(*SERIES_FIELDS)
_TOKEN_FIELDS = (
    "input_token_count",
    "output_token_count",
    "cache_read_token_count",
    "cache_write_token_count",
    "reasoning_token_count",
)
# From here on walking the bytes is faster than asking protobuf for each field.
TABLE_CALLS_MIN = 64


def read_calls(items: Sequence[bytes]) -> ReceivedCalls:
    """Columns of serialised calls; those whose bytes are no message are empty and `unreadable`."""
    table = read_call_table(items) if len(items) >= TABLE_CALLS_MIN else None
    return table or read_call_messages(items)


def read_call_messages(items: Sequence[bytes]) -> ReceivedCalls:
    """The same, by protobuf."""
    calls, unreadable = wire.read_apart(wire.Call, items)
    has_cost, cost_usd_nanos = _optional_integers(calls, "cost_usd_nanos")
    has_revision, revision_count = _optional_integers(calls, "revision_count")
    has_usage, tokens = _tokens(calls)
    return ReceivedCalls(
        call_ids=_column(calls, "call_id"),
        tasks=text_terms(_column(calls, "task_id")),
        start=_times(calls, "start_time"),
        latency=_times(calls, "latency"),
        first_token=_rare_times(calls, "time_to_first_token"),
        series=series_terms(list(map(_SERIES, calls))),
        agents=text_terms(_column(calls, "agent")),
        outcome=_integers(calls, "outcome"),
        error_types=text_terms(_column(calls, "error_type")),
        has_usage=has_usage,
        tokens=tokens,
        has_cost=has_cost,
        cost_usd_nanos=cost_usd_nanos,
        has_revision=has_revision,
        revision_count=revision_count,
        extras=[extras for place, call in enumerate(calls) if (extras := extras_of(call, place))],
        unreadable=unreadable,
    )


def _column(messages: Sequence[Any], field: str) -> list[Any]:
    return list(map(attrgetter(field), messages))


def _integers(messages: Sequence[Any], field: str) -> IntArray:
    return np.fromiter(map(attrgetter(field), messages), np.int64, len(messages))


def _optional_integers(calls: Sequence[Any], field: str) -> tuple[BoolArray, IntArray]:
    values = _integers(calls, field)
    is_set = values != wire.NOT_SET[field]
    return is_set, np.where(is_set, values, 0)


def _tokens(calls: Sequence[Any]) -> tuple[BoolArray, IntArray]:
    usages = _column(calls, "usage")
    tokens = np.array([_integers(usages, field) for field in _TOKEN_FIELDS])
    return _is_set(calls, "usage", (tokens[0] | tokens[1]) != 0), tokens


def _times(calls: Sequence[Any], field: str) -> Times:
    times = _column(calls, field)
    seconds, nanos = _integers(times, "seconds"), _integers(times, "nanos")
    return Times.of(_is_set(calls, field, (seconds | nanos) != 0), seconds, nanos)


def _is_set(calls: Sequence[Any], field: str, has_value: BoolArray) -> BoolArray:
    """Whether each call has an embedded message, asked of those alone in which it has no value."""
    is_set = has_value.copy()
    for index in np.flatnonzero(~has_value).tolist():
        is_set[index] = calls[index].HasField(field)
    return is_set


def _rare_times(calls: Sequence[Any], field: str) -> Times:
    """The same for a field that many calls lack: reading an embedded message that is not there takes longest."""
    is_set = np.fromiter(map(methodcaller("HasField", field), calls), np.bool_, len(calls))
    seconds, nanos = np.zeros(len(calls), np.int64), np.zeros(len(calls), np.int64)
    times = _column(list(compress(calls, is_set)), field)
    seconds[is_set] = _integers(times, "seconds")
    nanos[is_set] = _integers(times, "nanos")
    return Times.of(is_set, seconds, nanos)
