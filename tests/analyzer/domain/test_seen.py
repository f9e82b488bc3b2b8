"""What is new in windows that are looked at again and again."""

from dataclasses import fields
from typing import Any

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from services.analyzer.domain.arrays import Ints
from services.analyzer.domain.seen import MINUTE_S, Seen, pack, unpack
from services.analyzer.domain.window_columns import EMPTY, WindowColumns

NOON_S = 1_800_000_000 // MINUTE_S * MINUTE_S


def windows(*rows: tuple[int, int, int], **columns: list[float]) -> WindowColumns:
    """Windows of a minute: series, minutes after noon, succeeded calls of a second each; and other columns by name."""
    series, minute, calls = (np.array(column, np.int64) for column in zip(*rows, strict=True)) if rows else (np.zeros(0, np.int64),) * 3
    count = len(series)
    blank: dict[str, Any] = {
        field.name: np.zeros((count, *getattr(EMPTY, field.name).shape[1:]), getattr(EMPTY, field.name).dtype)
        for field in fields(WindowColumns)
    }
    blank["outcome_counts"][:, 0] = calls
    own = {name: np.array(values, blank[name].dtype) for name, values in columns.items()}
    return WindowColumns(
        **{
            **blank,
            "series": series,
            "start_s": NOON_S + minute * MINUTE_S,
            "length_s": np.full(count, MINUTE_S),
            "latency_count": calls.astype(np.float64),
            "latency_p95_s": np.full(count, 1.5),
            **own,
        }
    )


def shown(increments: WindowColumns) -> list[tuple[int, int, int]]:
    """Series, minutes after noon and succeeded calls of each row, sorted."""
    minute = (increments.start_s - NOON_S) // MINUTE_S
    return sorted(zip(increments.series.tolist(), minute.tolist(), increments.succeeded_count.tolist(), strict=True))


def test_only_what_is_new_is_passed_on() -> None:
    seen = Seen()
    assert shown(seen.increments(windows((0, 0, 3), (1, 0, 2)))) == [(0, 0, 3), (1, 0, 2)]
    assert shown(seen.increments(windows((0, 0, 3), (1, 0, 2)))) == []
    later = seen.increments(windows((0, 0, 5), (1, 0, 2), (2, 0, 1), (0, 1, 7)))
    assert shown(later) == [(0, 0, 2), (0, 1, 7), (2, 0, 1)]
    assert later.latency_p95_s.tolist() == [1.5] * 3


def test_an_empty_answer_has_nothing_new() -> None:
    assert len(Seen().increments(windows())) == 0


def test_sums_are_differences_of_sums_and_logarithms_may_go_down() -> None:
    seen = Seen()
    seen.increments(windows((0, 0, 2), latency_log_sum=[1.0], cost_usd=[0.25]))
    new = seen.increments(windows((0, 0, 3), latency_log_sum=[0.5], cost_usd=[0.75]))
    assert (new.latency_log_sum.tolist(), new.cost_usd.tolist()) == ([-0.5], [0.5])


def test_a_task_that_moves_on_is_not_taken_back() -> None:
    seen = Seen()
    seen.increments(windows((0, 0, 1), (0, 1, 0), task_count=[1, 0], revision_count=[3, 0]))
    new = seen.increments(windows((0, 0, 1), (0, 1, 1), task_count=[0, 1], revision_count=[0, 4]))
    assert shown(new) == [(0, 1, 1)]
    assert (new.task_count.tolist(), new.revision_count.tolist()) == ([1], [4])


def test_of_minutes_that_are_forgotten_nothing_more_is_taken() -> None:
    seen = Seen()
    seen.increments(windows((0, 0, 3), (0, 1, 3)))
    seen.forget(NOON_S + MINUTE_S)
    seen.forget(NOON_S)
    assert seen.first_s == NOON_S + MINUTE_S
    assert shown(seen.increments(windows((0, 0, 9), (0, 1, 4)))) == [(0, 1, 1)]
    seen.add(windows((0, 0, 9), (0, 1, 1)))
    assert shown(seen.increments(windows((0, 1, 5)))) == []


def test_increments_survive_being_kept() -> None:
    first, ids = Seen(), np.array([40, 50, 60])

    def numbers(series_ids: Ints) -> Ints:
        return np.searchsorted(ids, series_ids)

    kept = [first.increments(windows((2, 0, 3), (0, 0, 1))), first.increments(windows((2, 0, 4), (1, 1, 2)))]
    second = Seen()
    for one in kept:
        again = unpack(pack(one, lambda series: ids[series]), numbers)
        assert shown(again) == shown(one)
        assert np.isnan(again.latency_p95_s).all()
        second.add(again)
    assert shown(second.increments(windows((2, 0, 4), (0, 0, 1), (1, 1, 3)))) == [(1, 1, 1)]


@given(st.lists(st.lists(st.tuples(st.integers(0, 3), st.integers(0, 2), st.integers(1, 5)), max_size=8), max_size=6))
def test_increments_add_up_to_what_there_is_however_it_comes(batches: list[list[tuple[int, int, int]]]) -> None:
    seen = Seen()
    total: dict[tuple[int, int], int] = {}
    passed_on: dict[tuple[int, int], int] = {}
    for batch in batches:
        for series, minute, calls in batch:
            total[series, minute] = total.get((series, minute), 0) + calls
        present = windows(*((*key, total[key]) for key in {(series, minute) for series, minute, _ in batch}))
        for series, minute, calls in shown(seen.increments(present)):
            passed_on[series, minute] = passed_on.get((series, minute), 0) + calls
    assert passed_on == total
