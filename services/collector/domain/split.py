"""Splits a batch into parts by its content alone, so that a repeat of the batch is split the same way."""

from collections.abc import Sequence
from itertools import chain

import numpy as np

from services.collector.domain import limits
from services.collector.domain.received import IntArray, ReceivedCalls

# Numbers, indexes and tags of one call in its message: 19 columns of 1 to 8 bytes, and 11 texts with tag and length.
_CALL_FIXED_BYTES = 160
_EXTRAS_FIXED_BYTES = 32
_LABEL_FIXED_BYTES = 16


def split_calls(calls: ReceivedCalls) -> list[slice]:
    """Cuts a batch into runs of calls, each to be one message; one empty run for an empty batch.

    Refused calls are counted like the others, since some are refused for their time: at a repeat they may be accepted.
    """
    return split_items(call_bytes(calls))


def split_items(sizes: Sequence[int] | IntArray) -> list[slice]:
    """Cuts items of these sizes in bytes into runs of at most PART_ITEMS_MAX and PART_BYTES_MAX, or of one large item."""
    ends = np.cumsum(sizes, dtype=np.int64)
    parts = []
    start, bytes_before = 0, 0
    while start < len(ends):
        fitting = int(np.searchsorted(ends, bytes_before + limits.PART_BYTES_MAX, side="right"))
        end = max(start + 1, min(fitting, start + limits.PART_ITEMS_MAX))
        parts.append(slice(start, end))
        start, bytes_before = end, int(ends[end - 1])
    return parts or [slice(0, 0)]


def call_bytes(calls: ReceivedCalls) -> IntArray:
    """The most that each call takes up in its message, shape (calls,), as if it shared no text with another one."""
    sizes = np.fromiter(map(len, calls.call_ids), np.int64, len(calls)) + _CALL_FIXED_BYTES
    for terms in (calls.tasks, calls.agents, calls.error_types):
        sizes += terms.of_calls(map(len, terms.distinct))
    sizes += calls.series.of_calls(map(len, map(b"".join, calls.series.distinct)))
    for extras in calls.extras:
        labels = _LABEL_FIXED_BYTES * len(extras.labels) + sum(map(len, chain(*extras.labels.items())))
        sizes[extras.place] += _EXTRAS_FIXED_BYTES + len(extras.ranking_id) + labels
    return sizes
