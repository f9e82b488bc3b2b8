"""What of stored roll-ups is put right."""

from datetime import date

import numpy as np
import pytest

from services.collector.domain.chunk import encode_chunks
from services.collector.domain.correction import Completeness, StoredWindows, correct, decode_each, minus, negative
from services.collector.domain.levels import MINUTES
from services.collector.domain.measures import Measure
from services.collector.domain.rollup import Windows, merge, rollup_measures
from tests.collector.domain.rollup_cases import assert_same

DAY = date(2026, 3, 1)
DAY_MIN = 29_538_720
"""2026-03-01, in minutes."""
LONG_AGO = DAY_MIN - 60 * 24 * 90
EVERYTHING = Completeness(DAY, {1: DAY, 2: DAY})
NOTHING_OLD = Completeness(DAY, {1: date(2025, 1, 1), 2: date(2025, 1, 1)})


def windows(*rows: tuple[int, int, int]) -> Windows:
    """Windows of (series, start, failed calls)."""
    columns = np.array(rows, np.int64).reshape(len(rows), 3)
    return rollup_measures(columns[:, 0], columns[:, 1], {Measure.FAILED: columns[:, 2]})


def stored(content: Windows, oldest: date = DAY) -> StoredWindows:
    pairs = zip(content.series_id.tolist(), (content.start_min // 60).tolist(), strict=True)
    return StoredWindows(content, dict.fromkeys(pairs, oldest))


def encoded(content: Windows) -> list[tuple[tuple[int, int], bytes, bytes]]:
    chunks = encode_chunks(content, 60)
    pairs = zip(chunks.series_id.tolist(), (chunks.start_min // 60).tolist(), strict=True)
    return list(zip(pairs, chunks.measures, chunks.entries, strict=True))


def test_what_is_equal_differs_by_nothing() -> None:
    content = windows((1, 5, 2), (2, 5, 1))
    assert len(minus(content, windows((1, 5, 2)), windows((2, 5, 1)))) == 0
    assert_same(merge([content, content, negative(content)]), content)


def test_windows_that_are_right_are_not_touched() -> None:
    content = windows((1, DAY_MIN, 2), (2, DAY_MIN + 90, 1))
    correction = correct(content, stored(content), MINUTES, EVERYTHING)
    assert (correction.window_count, set(correction.pairs), set(correction.refused)) == (0, set(), set())


def test_only_chunks_that_differ_are_replaced_and_they_as_a_whole() -> None:
    right = windows((1, DAY_MIN, 2), (1, DAY_MIN + 1, 3), (1, DAY_MIN + 60, 4), (2, DAY_MIN, 5))
    wrong = windows((1, DAY_MIN, 2), (1, DAY_MIN + 1, 9), (1, DAY_MIN + 60, 4), (2, DAY_MIN + 2, 5))
    correction = correct(right, stored(wrong), MINUTES, EVERYTHING)
    assert correction.window_count == 3
    assert set(correction.pairs) == {(1, DAY_MIN // 60), (2, DAY_MIN // 60)}
    assert_same(correction.windows, windows((1, DAY_MIN, 2), (1, DAY_MIN + 1, 3), (2, DAY_MIN, 5)))
    assert_same(correction.difference, minus(right, wrong))


@pytest.mark.parametrize(
    ("completeness", "start_min", "oldest", "is_covered"),
    [
        (EVERYTHING, LONG_AGO, None, True),
        (NOTHING_OLD, LONG_AGO, None, False),
        (NOTHING_OLD, LONG_AGO, date(2026, 2, 28), False),
        (NOTHING_OLD, LONG_AGO, DAY, True),
        (NOTHING_OLD, DAY_MIN + 59, None, False),
        (NOTHING_OLD, DAY_MIN + 60, None, True),
        (NOTHING_OLD, DAY_MIN + 60, date(2025, 1, 1), True),
    ],
)
def test_whether_all_calls_of_a_window_are_there(completeness: Completeness, start_min: int, oldest: date | None, is_covered: bool) -> None:
    assert completeness.covers((1, start_min // 60), start_min, oldest) is is_covered


def test_what_differs_for_want_of_calls_is_refused_window_by_window() -> None:
    base = DAY_MIN + 59  # the last minute that may have calls of the day before, and the first that may not, in two chunks
    wrong = stored(windows((1, base, 1), (1, base + 1, 1), (2, LONG_AGO, 1)), oldest=date(2025, 1, 1))
    correction = correct(merge([]), wrong, MINUTES, NOTHING_OLD)
    assert set(correction.refused) == {(1, base // 60), (2, LONG_AGO // 60)}
    assert set(correction.pairs) == {(1, (base + 1) // 60)}
    assert len(correction.windows) == 0
    assert correction.window_count == 1


def test_chunks_are_read_as_far_as_they_can_be() -> None:
    content = windows((1, DAY_MIN, 2), (1, DAY_MIN + 60, 3), (2, DAY_MIN, 1))
    rows = encoded(content)
    assert_same(decode_each(rows, MINUTES)[0], content)
    assert len(decode_each([], MINUTES)[0]) == 0
    rows[1] = (rows[1][0], b"\x05", rows[1][2])
    readable, unreadable = decode_each(rows, MINUTES)
    assert_same(readable, windows((1, DAY_MIN, 2), (2, DAY_MIN, 1)))
    assert unreadable == [(1, DAY_MIN // 60 + 1)]


def test_a_chunk_that_cannot_be_read_is_made_anew_or_removed_or_refused() -> None:
    made, removed, refused = (1, DAY_MIN // 60), (1, DAY_MIN // 60 + 5), (2, LONG_AGO // 60)
    nothing = StoredWindows(merge([]), {made: DAY, removed: DAY, refused: date(2025, 1, 1)}, [made, removed, refused])
    correction = correct(windows((1, DAY_MIN + 3, 1), (2, LONG_AGO, 7)), nothing, MINUTES, NOTHING_OLD)
    assert set(correction.pairs) == {made, removed}
    assert set(correction.refused) == {refused}
    assert_same(correction.windows, windows((1, DAY_MIN + 3, 1)))
    assert correction.window_count == 2
