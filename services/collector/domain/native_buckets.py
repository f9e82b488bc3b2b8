"""Native histograms as bytes: spans of buckets and differences of counts, which both of Prometheus' protocols share.

All rows are written at once: a field's tag and length are varints as its content is, so that a column of numbers becomes the bytes of all.
"""

from itertools import pairwise

import numpy as np

from services.collector.domain import varint
from services.collector.domain.arrays import Bools, Ints, Unsigned, run_starts
from services.collector.domain.exposition import NativeBuckets
from services.collector.domain.protobuf_wire import bytes_field, bytes_tag, number_tag

_OFFSET, _LENGTH = 1, 2


def spans_and_deltas(buckets: NativeBuckets, span_field: int, delta_field: int) -> list[bytes]:
    """The fields of every row's positive buckets.

    A span is an offset, from the end of the span before it or from bucket 0, and a length; a delta is a count less the one before it.
    A histogram without buckets has an empty span: without one Prometheus would take it for a classic one.
    """
    row_count = buckets.zero_count.size
    is_first = run_starts(buckets.row)
    begins = np.flatnonzero(is_first | (np.diff(buckets.index, prepend=0) != 1))
    spans = _parts(_spans(buckets, begins, is_first[begins], span_field), np.bincount(buckets.row[begins], minlength=row_count))
    delta = np.diff(buckets.count, prepend=0)
    delta[is_first] = buckets.count[is_first]
    deltas = _parts(varint.zigzag(delta)[:, None], np.bincount(buckets.row, minlength=row_count))
    no_span = bytes_field(span_field, b"")
    return [span + bytes_field(delta_field, some) if span else no_span for span, some in zip(spans, deltas, strict=True)]


def _spans(buckets: NativeBuckets, begins: Ints, is_first: Bools, span_field: int) -> Unsigned:
    """The numbers of each span's field: tag, length in bytes, and the two fields in it; shape (spans, 6)."""
    start = buckets.index[begins]
    length = np.diff(begins, append=buckets.index.size)
    offset = start.copy()
    offset[1:] -= np.where(is_first[1:], 0, (start + length)[:-1])
    numbers = np.empty((begins.size, 6), np.uint64)
    numbers[:, 0], numbers[:, 2], numbers[:, 4] = bytes_tag(span_field), number_tag(_OFFSET), number_tag(_LENGTH)
    numbers[:, 3], numbers[:, 5] = varint.zigzag(offset), length
    numbers[:, 1] = 2 + _sizes(numbers[:, 3]) + _sizes(numbers[:, 5])
    return numbers


def _sizes(numbers: Unsigned) -> Unsigned:
    """How many bytes each takes: there are fewer buckets than three bytes count."""
    sizes: Unsigned = (1 + (numbers > 0x7F)).astype(np.uint64)
    return sizes


def _parts(numbers: Unsigned, per_row: Ints) -> list[bytes]:
    """The bytes of each row's numbers, given how many lines of them it has."""
    data, ends = varint.encode(numbers.ravel())
    whole = data.tobytes()
    bounds = np.append(0, ends)[np.append(0, np.cumsum(per_row)) * numbers.shape[1]].tolist()
    return [whole[begin:end] for begin, end in pairwise(bounds)]
