"""What may not be asked."""

import math
from collections.abc import Callable

import pytest

from kit.errors import AssayError
from services.analyzer.domain.ranking.evidence import Candidate
from services.analyzer.domain.ranking.measures import Measure, RankedMetric
from services.analyzer.domain.ranking.question import PRESETS, QUALITY, SUCCESS, Constraint, Objective, Question

LATENCY = RankedMetric.LATENCY


@pytest.mark.parametrize(
    ("ask", "field"),
    [
        (lambda: Objective({}), "weights"),
        (lambda: Objective({SUCCESS: 0.0}), "weights"),
        (lambda: Objective({SUCCESS: -1.0, QUALITY: 2.0}), "weights"),
        (lambda: Objective({SUCCESS: math.nan}), "weights"),
        (lambda: Objective({Measure(LATENCY, 0.5): 1.0, Measure(LATENCY, 0.9): 1.0}), "weights"),
        (lambda: Objective({Measure(LATENCY, 1.0): 1.0}), "quantile"),
        (lambda: Constraint(SUCCESS, 0.0), "constraints"),
        (lambda: Constraint(SUCCESS, math.nan), "constraints"),
        (lambda: Constraint(SUCCESS, 0.9, probability=1.0), "constraints"),
        (lambda: Constraint(Measure(LATENCY, 0.0), 1.0), "quantile"),
        (lambda: Question("code", candidates=tuple(Candidate("p", str(number)) for number in range(501))), "candidates"),
        (lambda: Question("code", constraints=(Constraint(SUCCESS, 0.9),) * 17), "candidates"),
    ],
)
def test_what_orders_nothing_or_is_too_much_is_refused(ask: Callable[[], object], field: str) -> None:
    with pytest.raises(AssayError) as refused:
        ask()
    assert refused.value.details["field"] == field


def test_weights_are_shares_of_their_sum() -> None:
    objective = Objective({SUCCESS: 3.0, QUALITY: 1.0})
    assert objective.ratio(SUCCESS) == 0.75 and objective.ratio(Measure(LATENCY)) == 0.0


@pytest.mark.parametrize("preset", PRESETS.values(), ids=PRESETS.keys())
def test_every_preset_lets_success_count_and_sums_to_one(preset: Objective) -> None:
    assert preset.ratio(SUCCESS) >= 0.1
    assert sum(preset.weights.values()) == pytest.approx(1)
