"""Fronts that can be told by eye, and one of real models."""

import csv
from itertools import combinations
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.analyzer.domain.ranking.pareto import pareto_front

AIDER = Path(__file__).resolve().parents[4] / "shared" / "data" / "ranking" / "aider_polyglot.csv"


@pytest.mark.parametrize(
    ("costs", "front"),
    [
        ([], []),
        ([[1.0, 2.0]], [True]),
        ([[1.0, 2.0], [2.0, 1.0], [2.0, 2.0]], [True, True, False]),
        ([[1.0, 1.0], [1.0, 1.0], [1.0, 2.0]], [True, True, False]),
        ([[np.nan, 0.0], [1.0, 1.0]], [False, True]),
    ],
)
def test_who_is_beaten_in_nothing_is_on_the_front(costs: list[list[float]], front: list[bool]) -> None:
    assert pareto_front(np.array(costs, float).reshape(-1, 2)).tolist() == front


@given(st.lists(st.tuples(*[st.integers(0, 4)] * 3), max_size=20))
def test_everybody_off_the_front_is_beaten_by_somebody_on_it(rows: list[tuple[int, int, int]]) -> None:
    costs = np.array(rows, float).reshape(-1, 3)
    front = pareto_front(costs)
    for row in costs[~front]:
        assert any((each <= row).all() and (each < row).any() for each in costs[front])
    for one, other in combinations(costs[front].tolist(), 2):
        assert one == other or (any(a < b for a, b in zip(one, other, strict=True)) and any(a > b for a, b in zip(one, other, strict=True)))


@pytest.mark.skipif(not AIDER.exists(), reason="the reference data are not beside the project")
def test_the_front_of_pass_rate_cost_and_seconds_of_real_models() -> None:
    with AIDER.open(newline="") as file:
        rows = [row for row in csv.DictReader(file) if float(row["total_cost"] or 0) > 0 and float(row["seconds_per_case"] or 0) > 0]
    table = [(-float(row["pass_rate_2"]), float(row["total_cost"]), float(row["seconds_per_case"])) for row in rows]
    by_hand = [not any(all(a <= b for a, b in zip(other, mine, strict=True)) and other != mine for other in table) for mine in table]
    assert pareto_front(np.array(table)).tolist() == by_hand
    assert 1 < sum(by_hand) < len(rows)
