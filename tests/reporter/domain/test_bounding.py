"""Tables stay small whatever the number of series."""

import numpy as np

from services.reporter.domain.bounding import bounded
from services.reporter.domain.period_data import NO_ROWS, SeriesKey, Sum, Table


def table(*rows: tuple[SeriesKey, int, float]) -> Table:
    """Rows of key, window and calls."""
    keys = tuple(dict.fromkeys(key for key, _, _ in rows))
    sums = np.zeros((len(Sum), len(rows)))
    sums[Sum.CALLS] = [calls for _, _, calls in rows]
    return Table(keys, np.array([keys.index(key) for key, _, _ in rows]), np.array([start for _, start, _ in rows]), sums)


A1, A2, B = SeriesKey("a", "m", "t", "p", "1"), SeriesKey("a", "m", "t", "p", "2"), SeriesKey("b", "m", "t", "p", "1")
PERIOD = table((A1, 0, 1.0), (A2, 0, 2.0), (A1, 60, 4.0), (B, 0, 100.0))
PREVIOUS = table((A1, 0, 8.0))


def calls_of(found: Table) -> dict[tuple[str, str, int], float]:
    return {
        (found.keys[place].provider, found.keys[place].prompt_name, start): calls
        for place, start, calls in zip(found.series.tolist(), found.start_s.tolist(), found.sums[Sum.CALLS].tolist(), strict=True)
    }


def test_what_is_small_stays_as_it_is() -> None:
    kept, left_out = bounded([PERIOD, PREVIOUS, NO_ROWS], 5)
    assert (kept[0] is PERIOD, kept[1] is PREVIOUS, left_out) == (True, True, 0)


def test_prompts_are_added_up_first() -> None:
    kept, left_out = bounded([PERIOD, PREVIOUS, NO_ROWS], 4)
    assert left_out == 0
    assert calls_of(kept[0]) == {("a", "", 0): 3.0, ("a", "", 60): 4.0, ("b", "", 0): 100.0}
    assert calls_of(kept[1]) == {("a", "", 0): 8.0}
    assert len(kept[2]) == 0


def test_then_the_series_with_the_most_calls_are_kept() -> None:
    kept, left_out = bounded([PERIOD, PREVIOUS, NO_ROWS], 3)
    assert left_out == 1
    assert calls_of(kept[0]) == {("b", "", 0): 100.0}
    assert len(kept[1]) == 0
