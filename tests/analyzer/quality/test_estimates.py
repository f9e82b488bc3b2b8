"""Estimates over many scores: shrinkage, habits of raters, weights fitted to feedback."""

import numpy as np
import pytest

from services.analyzer.domain.quality.calibrate import EXAMPLES_MIN, Example, calibrate
from services.analyzer.domain.quality.raters import MARKS_MIN, Mark, rater_offsets
from services.analyzer.domain.quality.reading import Component
from services.analyzer.domain.quality.shrink import Cell, shrink
from services.analyzer.domain.quality.weights import DEFAULT_WEIGHTS


def test_a_mean_of_few_is_drawn_to_its_parent_and_one_of_many_hardly_moves() -> None:
    cells = [Cell("a", 0.8, 400, 0.2), Cell("a", 0.82, 300, 0.2), Cell("a", 0.6, 2, 0.1), Cell("b", 0.4, 300, 0.2), Cell("b", 0.6, 2, 0.1)]
    many, _, few, _, few_of_worse = shrink(cells)
    assert many.value_ratio == pytest.approx(0.8, abs=0.01)
    assert few_of_worse.value_ratio < 0.59
    assert 0.61 < few.value_ratio < 0.8
    assert many.high_ratio - many.low_ratio < few.high_ratio - few.low_ratio
    assert all(0 <= one.low_ratio <= one.value_ratio <= one.high_ratio <= 1 for one in (many, few, few_of_worse))


def test_a_cell_alone_stays_as_it_is_and_none_has_no_estimate() -> None:
    assert shrink([Cell("a", 0.3, 1, 0.0)])[0].value_ratio == pytest.approx(0.3, abs=1e-6)
    assert shrink([]) == []


def test_shrunken_means_are_nearer_to_the_truth_and_their_intervals_hold_it() -> None:
    rng = np.random.default_rng(6)
    raw_error, error, held, count = 0.0, 0.0, 0, 0
    for _ in range(40):
        truth = {
            (parent, cell): np.clip(centre + rng.normal(0, 0.1), 0, 1)
            for parent in "abcd"
            for centre in [rng.normal(0.6, 0.1)]
            for cell in range(4)
        }
        drawn = {key: rng.normal(value, 0.2, rng.integers(2, 12)) for key, value in truth.items()}
        cells = [
            Cell(parent, float(np.clip(values.mean(), 0, 1)), len(values), float(values.std(ddof=1)))
            for (parent, _), values in drawn.items()
        ]
        for cell, estimate, value in zip(cells, shrink(cells), truth.values(), strict=True):
            raw_error += (cell.mean_ratio - value) ** 2
            error += (estimate.value_ratio - value) ** 2
            held += bool(estimate.low_ratio <= value <= estimate.high_ratio)
            count += 1
    assert error < 0.8 * raw_error
    assert 0.85 < held / count < 0.96


def test_a_raters_habit_shows_against_others_in_the_same_groups() -> None:
    rng = np.random.default_rng(1)
    habits = {"kind": 0.2, "fair": 0.0, "harsh": -0.2}
    marks = [
        Mark(rater, group, float(level + habit + rng.normal(0, 0.1)))
        for group, level in (("good", 0.7), ("bad", 0.4))
        for rater, habit in habits.items()
        for _ in range(40)
    ]
    marks += [Mark("newcomer", "good", 0.1) for _ in range(MARKS_MIN - 1)]
    offsets = rater_offsets(marks)
    assert set(offsets) == set(habits)
    spread = offsets["kind"] - offsets["harsh"]
    assert spread == pytest.approx(0.4, abs=0.06)


def test_a_rater_alone_with_their_groups_has_no_habit_that_shows() -> None:
    assert rater_offsets([Mark("ann", "x", 0.9)] * 30) == {"ann": pytest.approx(0.0, abs=1e-9)}


def examples(count: int, *, seed: int = 2) -> list[Example]:
    """Answers whose feedback follows their tests; the code says nothing of it."""
    rng = np.random.default_rng(seed)
    tests, code = rng.random(count), rng.random(count)
    told = np.clip(tests + rng.normal(0, 0.1, count), 0, 1)
    return [
        Example({Component.TESTS: t, Component.CODE: c}, f) for t, c, f in zip(tests.tolist(), code.tolist(), told.tolist(), strict=True)
    ]


def test_weights_fitted_to_feedback_favour_what_foretells_it_on_unseen_answers() -> None:
    present = DEFAULT_WEIGHTS.of("")
    found = calibrate([*examples(200), Example({}, 0.5)], present)
    assert found is not None
    assert found.example_count == 200
    assert found.cross_validated_error < found.present_error
    assert found.weights[Component.TESTS] / found.weights[Component.CODE] > 2 * present[Component.TESTS] / present[Component.CODE]
    assert sum(found.weights.values()) == pytest.approx(1)
    ratio = found.weights[Component.EVALUATION] / found.weights[Component.COVERAGE]
    assert ratio == pytest.approx(present[Component.EVALUATION] / present[Component.COVERAGE])


def test_too_few_answers_fit_nothing() -> None:
    assert calibrate(examples(EXAMPLES_MIN - 1), DEFAULT_WEIGHTS.of("")) is None
