"""What is wrong with stored roll-ups, what of it can be put right, and what the chunks are then."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime

import numpy as np

from services.collector.domain.arrays import Bools
from services.collector.domain.chunk import Chunks, decode_chunks
from services.collector.domain.levels import Level
from services.collector.domain.rollup import Windows, merge

Pair = tuple[int, int]
"""A series and a chunk's number: what a chunk is found by within its level."""

# A call may start so long after its receipt as clocks differ; limits.py allows ten minutes.
_START_AHEAD_MIN = 60


@dataclass(frozen=True)
class StoredWindows:
    """Windows read from chunks, the oldest day of receipt in each chunk, and the chunks that cannot be read."""

    windows: Windows
    oldest: Mapping[Pair, date]
    unreadable: Collection[Pair] = ()


def negative(windows: Windows) -> Windows:
    """The same windows to be taken away."""
    return replace(windows, measures=-windows.measures, entry_count=-windows.entry_count)


def minus(left: Windows, *right: Windows) -> Windows:
    """What `left` has more, or less, than all others together; empty where they are equal."""
    return merge([left, *map(negative, right)])


def decode_each(rows: Sequence[tuple[Pair, bytes, bytes]], level: Level) -> tuple[Windows, list[Pair]]:
    """The windows of chunks, each given as pair, measures and entries, and the pairs of those that cannot be read."""
    try:
        return _decode(rows, level), []
    except ValueError:
        readable, unreadable = [], []
        for row in rows:
            try:
                readable.append(_decode([row], level))
            except ValueError:
                unreadable.append(row[0])
        return merge(readable), unreadable


def _decode(rows: Sequence[tuple[Pair, bytes, bytes]], level: Level) -> Windows:
    if not rows:
        return merge([])
    pairs = np.array([pair for pair, _, _ in rows], np.int64)
    return merge([decode_chunks(Chunks(pairs[:, 0], pairs[:, 1] * level.chunk_min, [row[1] for row in rows], [row[2] for row in rows]))])


@dataclass(frozen=True)
class Completeness:
    """Which windows have all of their calls. `kept_from` is the first day of receipt whose calls are kept.

    `series_since` says since when each series has calls.
    """

    kept_from: date
    series_since: Mapping[int, date]

    def covers(self, pair: Pair, start_min: int, oldest: date | None) -> bool:
        """Whether all calls of a window are there; `oldest` is the oldest day of receipt in its chunk, None if there is no chunk."""
        kept_from_min = int(datetime.combine(self.kept_from, datetime.min.time(), UTC).timestamp()) // 60
        since = max(self.series_since[pair[0]], oldest or date.min)
        return since >= self.kept_from or start_min >= kept_from_min + _START_AHEAD_MIN


@dataclass(frozen=True)
class Correction:
    """How stored chunks become right: `pairs` are the chunks to replace by `windows`, which may be none.

    `difference` is what that adds to stored windows, and `window_count` how many it changes; a chunk that cannot be read and should not be
    there counts as one. `refused` are the chunks that differ, but whose calls are not all there.
    """

    difference: Windows
    window_count: int
    pairs: Collection[Pair]
    windows: Windows
    refused: Collection[Pair]


def correct(expected: Windows, stored: StoredWindows, level: Level, completeness: Completeness) -> Correction:
    """What makes the stored windows those that are expected, as far as their calls are there."""
    difference = minus(expected, stored.windows)
    pairs = _pairs(difference, level)
    starts = difference.start_min.tolist()
    covered = np.array(
        [completeness.covers(pair, start, stored.oldest.get(pair)) for pair, start in zip(pairs, starts, strict=True)], np.bool_
    )
    refused = {pair for pair, is_covered in zip(pairs, covered, strict=True) if not is_covered}
    # A chunk that cannot be read is made anew if all of its calls are there, and otherwise left to who may read it.
    lost = {pair for pair in stored.unreadable if not completeness.covers(pair, pair[1] * level.chunk_min, stored.oldest.get(pair))}
    mended = difference.select(np.flatnonzero(covered & ~_among(pairs, lost)))
    mended_pairs = set(_pairs(mended, level))
    replaced = mended_pairs | (set(stored.unreadable) - lost)
    kept = stored.windows.select(np.flatnonzero(_among(_pairs(stored.windows, level), replaced)))
    return Correction(mended, len(mended) + len(replaced - mended_pairs), replaced, merge([kept, mended]), refused | lost)


def _pairs(windows: Windows, level: Level) -> list[Pair]:
    """The chunk of each window."""
    return list(zip(windows.series_id.tolist(), (windows.start_min // level.chunk_min).tolist(), strict=True))


def _among(pairs: Sequence[Pair], wanted: Collection[Pair]) -> Bools:
    return np.fromiter((pair in wanted for pair in pairs), np.bool_, len(pairs))
