"""Answers made of sums: what is computed from them, and how they are put together."""

import numpy as np
import pytest

from services.collector.domain.answer import answer, concatenated, group_numbers
from services.collector.domain.measures import Measure
from services.collector.domain.rollup import Windows, merge, rollup_calls, rollup_measures
from services.collector.domain.windows import Grid
from tests.collector.domain.rollup_cases import columns

GRID = Grid(np.array([100, 160, 220, 250]))


def sums(*calls: tuple[int, int, int, int]) -> Windows:
    """Sums of calls, each given as group, window, outcome and latency, with a first token at half of it and a cost of 3,000."""
    made = rollup_calls(
        columns([(group, 0, outcome, latency, latency // 2, 5, 0, 0, 0, 0, 3_000, 1) for group, _, outcome, latency in calls])
    )
    assert len(made) == len(calls)
    return Windows(
        series_id=made.series_id,
        start_min=np.array([window for _, window, _, _ in calls]),
        measures=made.measures,
        entry_row=made.entry_row,
        entry_bucket=made.entry_bucket,
        entry_count=made.entry_count,
    )


def test_an_answer_says_when_its_windows_begin_and_end() -> None:
    made = answer(sums((0, 0, 1, 50), (1, 2, 1, 50)), GRID)
    assert made.start_unix_s.tolist() == [6_000, 13_200]
    assert made.end_unix_s.tolist() == [9_600, 15_000]


def test_cancelled_calls_count_neither_for_nor_against() -> None:
    made = answer(merge([sums((0, 0, 1, 50)), sums((0, 0, 6, 50)), sums((0, 0, 2, 50))]), GRID)
    assert made.call_count.tolist() == [3]
    assert made.success_ratio.tolist() == [0.5]


def test_what_there_is_nothing_to_say_about_is_not_a_number() -> None:
    made = answer(sums((0, 0, 6, 50)), GRID)
    for column in (made.success_ratio, made.latency_mean_s, made.cost_per_accepted_task_usd, made.quality_ratio):
        assert np.isnan(column).all()
    assert np.isnan(made.latency_s).all()
    assert np.isnan(made.time_to_first_token_s).all()
    assert made.unsuccessful_latency_s[0] == pytest.approx([50e-6] * 4, rel=0.01)


def test_cost_and_quality_are_related_to_what_was_accepted_and_scored() -> None:
    tasks = rollup_measures(
        np.array([0]),
        np.array([0]),
        {
            Measure.ACCEPTED_TASK_COUNT: np.array([4]),
            Measure.QUALITY_COUNT: np.array([2]),
            Measure.QUALITY_SUM_NANOS: np.array([1_500_000_000]),
        },
    )
    made = answer(merge([sums((0, 0, 1, 2_000_000)), tasks]), GRID)
    assert made.cost_per_accepted_task_usd.tolist() == [3_000 / 4 / 1e9]
    assert made.quality_ratio.tolist() == [0.75]
    assert made.latency_mean_s.tolist() == [2.0]
    assert made.latency_s[0] == pytest.approx([2.0] * 4, rel=0.01)
    assert made.time_to_first_token_s[0] == pytest.approx([1.0] * 4, rel=0.01)
    assert made.column(Measure.COST_NANOS).tolist() == [3_000]


def test_answers_are_put_together_row_by_row() -> None:
    parts = [answer(sums((0, 0, 1, 50), (1, 2, 2, 70)), GRID), answer(merge([]), GRID), answer(sums((2, 1, 1, 90)), GRID)]
    whole = concatenated(parts)
    assert whole.group.tolist() == [0, 1, 2]
    assert whole.groups() == [(0, 0, 1), (1, 1, 2), (2, 2, 3)]
    assert whole.measures.shape == (3, len(Measure))
    assert np.array_equal(whole.latency_s, np.concatenate([part.latency_s for part in parts]), equal_nan=True)


def test_groups_are_numbered_as_they_first_appear() -> None:
    numbers, keys = group_numbers([("b",), ("a",), ("b",)])
    assert (numbers.tolist(), keys) == ([0, 1, 0], [("b",), ("a",)])
    assert group_numbers([])[0].size == 0
