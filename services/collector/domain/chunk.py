"""How windows are stored: many of them as one chunk of bytes, encoded and decoded thousands of chunks at a time.

A chunk holds the windows of one series in one stretch of time: an hour of one-minute windows, six hours of
fifteen-minute windows, 32 days of days. It is two byte strings, so that who needs no histogram reads the first alone.
Both are sequences of varints:

    measures: version; row count R; R starts, in minutes after the chunk's; R entry counts; R masks, with bit m set
              where measure m is not 0; these measures (zigzag), row by row
    entries:  version; a token for each entry; the counts that are not 1 (zigzag)

    token:    2 * gap, plus 1 where the count is not 1; the gap is the number of empty buckets below the entry's, down
              to that of the entry before it in its row

A delta holds windows of any series, for example what one transaction adds. It is one byte string:

    version; row count R; R series ids and R starts, each less the one before it (zigzag); then entry counts, masks,
    measures, tokens and counts, as above

Whoever changes the format gives it another version. A new measure needs none: an older reader refuses the bit that it
does not know.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from services.collector.domain import varint
from services.collector.domain.arrays import (
    AnyUnsigned,
    Bytes,
    Int32s,
    Ints,
    Unsigned,
    gathered,
    ranges,
    run_starts,
    starts_of,
    sums_of,
)
from services.collector.domain.histogram import ENTRY_BUCKET_COUNT
from services.collector.domain.measures import MEASURE_COUNT
from services.collector.domain.rollup import Windows, merge

VERSION = 1
CHUNK_MIN_MAX = 32 * 24 * 60
"""The longest stretch of time of one chunk, in minutes."""

_Section = tuple[Unsigned, Ints]
"""The numbers of one kind for all blobs in turn, and how many of them belong to each blob."""


@dataclass(frozen=True, eq=False)
class Chunks:
    """Encoded windows: chunk c is of series `series_id[c]` and begins `start_min[c]` minutes after the Unix epoch.

    Where the entries are None, the windows are read without their histograms.
    """

    series_id: Ints
    start_min: Ints
    measures: list[bytes]
    entries: list[bytes] | None


def encode_chunks(windows: Windows, chunk_min: int) -> Chunks:
    """Cuts windows into chunks of `chunk_min` minutes, counted from the epoch; chunks are ordered as the windows are.

    The windows must be in order, as `merge` leaves them. Raises ValueError if the entries are not.
    """
    if not 0 < chunk_min <= CHUNK_MIN_MAX:
        raise ValueError(f"a chunk has 1 to {CHUNK_MIN_MAX} minutes, not {chunk_min}")
    chunk_start = windows.start_min - windows.start_min % chunk_min
    first = np.flatnonzero(run_starts(windows.series_id, chunk_start))
    row_counts = np.diff(first, append=len(windows))
    offsets = (windows.start_min - chunk_start).astype(np.uint64)
    preamble = _preamble(row_counts)
    return Chunks(
        series_id=windows.series_id[first],
        start_min=chunk_start[first],
        measures=_blobs([*preamble, (offsets, row_counts), *_row_sections(windows, row_counts)]),
        entries=_blobs([preamble[0], *_entry_sections(windows, row_counts)]),
    )


def decode_chunks(chunks: Chunks) -> Windows:
    """The windows of all chunks, in the chunks' order.

    Raises ValueError for bytes that no encoder of this version wrote, if that shows.
    """
    reader = _Reader(chunks.measures)
    row_counts = reader.preamble()
    offsets = reader.take_ints(row_counts, CHUNK_MIN_MAX)
    entry_counts, measures = _read_rows(reader, row_counts)
    reader.finish()
    row, bucket, count = _no_entries() if chunks.entries is None else _entries(chunks.entries, entry_counts, row_counts)
    return Windows(
        series_id=np.repeat(chunks.series_id, row_counts),
        start_min=np.repeat(chunks.start_min, row_counts) + offsets,
        measures=measures,
        entry_row=row,
        entry_bucket=bucket,
        entry_count=count,
    )


def _entries(blobs: list[bytes], entry_counts: Ints, row_counts: Ints) -> tuple[Ints, Int32s, Ints]:
    reader = _Reader(blobs)
    reader.version()
    found = _read_entries(reader, entry_counts, row_counts)
    reader.finish()
    return found


def _no_entries() -> tuple[Ints, Int32s, Ints]:
    return np.zeros(0, np.int64), np.zeros(0, np.int32), np.zeros(0, np.int64)


def encode_delta(windows: Windows) -> bytes:
    """Windows of any series as one byte string. They must be in order, as `merge` leaves them."""
    row_counts = np.array([len(windows)])
    columns = [varint.zigzag(np.diff(column, prepend=0)) for column in (windows.series_id, windows.start_min)]
    sections = [
        *_preamble(row_counts),
        *((column, row_counts) for column in columns),
        *_row_sections(windows, row_counts),
        *_entry_sections(windows, row_counts),
    ]
    return _blobs(sections)[0]


def decode_deltas(deltas: Sequence[bytes]) -> Windows:
    """The sum of all deltas. Raises ValueError for bytes that no encoder of this version wrote, if that shows."""
    parts = []
    for delta in deltas:
        reader = _Reader([delta])
        row_counts = reader.preamble()
        series_id, start_min = (np.cumsum(varint.unzigzag(reader.take(row_counts))) for _ in range(2))
        entry_counts, measures = _read_rows(reader, row_counts)
        row, bucket, count = _read_entries(reader, entry_counts, row_counts)
        reader.finish()
        parts.append(Windows(series_id, start_min, measures, row, bucket, count))
    return merge(parts)


def _preamble(row_counts: Ints) -> tuple[_Section, _Section]:
    """Version and row count of each blob."""
    one = np.ones(row_counts.size, np.int64)
    return (np.full(row_counts.size, VERSION, np.uint64), one), (row_counts.astype(np.uint64), one)


def _row_sections(windows: Windows, row_counts: Ints) -> list[_Section]:
    """Entry counts, masks, and the measures that are not 0."""
    filled = windows.measures != 0
    mask_bytes = np.zeros((len(windows), 8), np.uint8)
    mask_bytes[:, : (MEASURE_COUNT + 7) // 8] = np.packbits(filled, axis=1, bitorder="little")
    values = varint.zigzag(windows.measures[filled])
    return [
        (windows.entries_per_row().astype(np.uint64), row_counts),
        (mask_bytes.view("<u8")[:, 0].astype(np.uint64), row_counts),
        (values, sums_of(filled.sum(axis=1), row_counts)),
    ]


def _entry_sections(windows: Windows, row_counts: Ints) -> list[_Section]:
    """Tokens, and the counts that are not 1."""
    begins = run_starts(windows.entry_row)
    gap = np.diff(windows.entry_bucket, prepend=0) - 1
    gap[begins] = windows.entry_bucket[begins]
    if (gap < 0).any() or (windows.entry_row[1:] < windows.entry_row[:-1]).any():
        raise ValueError("the entries of the windows are not in order")
    counted = windows.entry_count != 1
    row_end = np.cumsum(row_counts)
    end = np.searchsorted(windows.entry_row, row_end)
    counted_end = np.searchsorted(np.flatnonzero(counted), end)
    return [
        ((gap * 2 + counted).astype(np.uint64), np.diff(end, prepend=0)),
        (varint.zigzag(windows.entry_count[counted]), np.diff(counted_end, prepend=0)),
    ]


def _blobs(sections: Sequence[_Section]) -> list[bytes]:
    """One byte string for each blob: its part of the first section, then of the second, and so on."""
    counts = np.stack([section_counts for _, section_counts in sections], axis=1)
    first = starts_of(counts.ravel()).reshape(counts.shape)
    numbers = np.empty(int(counts.sum()), np.uint64)
    for column, (values, section_counts) in enumerate(sections):
        numbers[ranges(first[:, column], section_counts)] = values
    data, number_end = varint.encode(numbers)
    blob_end = number_end[np.cumsum(counts.sum(axis=1)) - 1].tolist()
    whole = data.tobytes()
    return [whole[begin:end] for begin, end in zip([0, *blob_end], blob_end, strict=False)]


class _Reader:
    """Reads blobs side by side: each `take` reads the next numbers of every blob."""

    def __init__(self, blobs: Sequence[bytes]) -> None:
        data: Bytes = np.frombuffer(b"".join(blobs), np.uint8)
        size = np.array([len(blob) for blob in blobs], np.int64)
        end = np.cumsum(size)
        if not size.all() or (data[end - 1] >= 0x80).any():
            raise ValueError("a chunk is empty or cut off")
        self._numbers, self._end = varint.decode(data, end)
        self._next = np.concatenate([np.zeros(1, np.int64), self._end])[:-1]

    def version(self) -> None:
        """Reads the version of each blob and raises ValueError if it is not ours."""
        versions = self.take(np.ones_like(self._next))
        if (versions != VERSION).any():
            raise ValueError(f"a chunk has format version {versions.max()}, this reader knows {VERSION} alone")

    def preamble(self) -> Ints:
        """Reads the version and returns the row count of each blob."""
        self.version()
        return self.take_ints(np.ones_like(self._next), self._numbers.size)

    def take(self, counts: Ints, greatest: int | None = None) -> AnyUnsigned:
        """The next counts[b] numbers of each blob b, blob after blob; raises ValueError if one is greater than `greatest`."""
        if (counts > self._end - self._next).any():
            raise ValueError("a chunk has fewer numbers than it says")
        numbers = gathered(self._numbers, self._next, counts)
        self._next = self._next + counts
        if greatest is not None and numbers.max(initial=0) > greatest:
            raise ValueError(f"a chunk has a number above {greatest} where there cannot be one")
        return numbers

    def take_ints(self, counts: Ints, greatest: int) -> Ints:
        """The same as signed integers."""
        return self.take(counts, greatest).astype(np.int64)

    def finish(self) -> None:
        """Raises ValueError if numbers are left over."""
        if (self._next != self._end).any():
            raise ValueError("a chunk has more numbers than it says")


def _read_rows(reader: _Reader, row_counts: Ints) -> tuple[Ints, Ints]:
    """Entry counts, shape (rows,), and measures, shape (rows, MEASURE_COUNT)."""
    entry_counts = reader.take_ints(row_counts, ENTRY_BUCKET_COUNT)
    mask = reader.take_ints(row_counts, 2**MEASURE_COUNT - 1)
    mask_bytes = mask.astype("<u8").view(np.uint8).reshape(-1, 8)
    filled = np.unpackbits(mask_bytes, axis=1, count=MEASURE_COUNT, bitorder="little").view(np.bool_)
    measures = np.zeros(filled.shape, np.int64)
    filled_counts = np.bitwise_count(mask).astype(np.int64)
    measures[filled] = varint.unzigzag(reader.take(sums_of(filled_counts, row_counts)))
    return entry_counts, measures


def _read_entries(reader: _Reader, entry_counts: Ints, row_counts: Ints) -> tuple[Ints, Int32s, Ints]:
    """Row, bucket and count of each entry."""
    blob_entry_counts = sums_of(entry_counts, row_counts)
    tokens = reader.take(blob_entry_counts, 2 * ENTRY_BUCKET_COUNT)
    row = np.repeat(np.arange(entry_counts.size), entry_counts)
    # The gaps of a row, summed with the one bucket that each entry takes itself, give its buckets; what the sum has
    # gathered in the rows before is taken off again. The sum may run over, its differences are right all the same.
    total = np.zeros(tokens.size + 1, np.int32)
    np.cumsum((tokens >> 1) + 1, dtype=np.int32, out=total[1:])
    bucket = total[1:] - np.repeat(total[starts_of(entry_counts)] + 1, entry_counts)
    if bucket.max(initial=0) >= ENTRY_BUCKET_COUNT:
        raise ValueError("a chunk has a bucket that no histogram has")
    counted = np.flatnonzero((tokens & 1).astype(np.bool_))
    counted_end = np.searchsorted(counted, np.cumsum(blob_entry_counts))
    count = np.ones(tokens.size, np.int64)
    count[counted] = varint.unzigzag(reader.take(np.diff(counted_end, prepend=0)))
    return row, bucket, count
