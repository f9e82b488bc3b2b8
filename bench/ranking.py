"""Whether rankings and comparisons tell the truth, in worlds where it is known and on real calls, and how long they take."""

import time
from collections.abc import Callable

import numpy as np

from bench.figures import Figure, Report
from bench.ranking_history import history
from bench.ranking_prompts import differences, no_difference, windows_alone
from bench.ranking_regret import regrets
from bench.ranking_service import service
from bench.ranking_truth import fleets, single_measure, sized_fleet, whole_rankings
from services.analyzer.domain.ranking.measures import Measure, RankedMetric
from services.analyzer.domain.ranking.model import prepare
from services.analyzer.domain.ranking.question import SUCCESS, Constraint, Question
from services.analyzer.domain.ranking.rank import rank

AREA = "ranking"
CANDIDATES, TASK_TYPES = 40, 40
PREPARE_MS_MAX = 300.0
RANK_MS_MAX = 25.0
_REPEATS = 30


async def run(report: Report) -> None:
    """Some four minutes, in which seeds are fixed: the figures are the same every time, but for those of time."""
    await service(report)
    _speed(report)
    single_measure(report, repeats=1_000)
    whole_rankings(report, repeats=1_000)
    fleets(report, repeats=25)
    regrets(report, rows=200)
    no_difference(report, runs=2_000)
    windows_alone(report, runs=2_000)
    differences(report, runs=400)
    history(report)


def _speed(report: Report) -> None:
    evidence, _ = sized_fleet(np.random.default_rng(1), CANDIDATES, TASK_TYPES)
    prepared = prepare(evidence)
    name = evidence.task_types[0]
    usual = Question(name, candidates=evidence.candidates, constraints=(Constraint(SUCCESS, 0.5),))
    rare = Question(name, candidates=evidence.candidates, constraints=(Constraint(Measure(RankedMetric.LATENCY, 0.97), 600.0),))
    series = CANDIDATES * TASK_TYPES
    report(
        Figure(
            AREA, f"preparing {series:,} series, processor time", _processor_ms(lambda: prepare(evidence)), "ms", PREPARE_MS_MAX, "lower"
        )
    )
    report(
        Figure(
            AREA,
            f"ranking {CANDIDATES} candidates, processor time",
            _processor_ms(lambda: rank(prepared, usual)),
            "ms",
            RANK_MS_MAX,
            "lower",
        )
    )
    report(
        Figure(AREA, "ranking by a rare quantile, processor time", _processor_ms(lambda: rank(prepared, rare)), "ms", RANK_MS_MAX, "lower")
    )


def _processor_ms(work: Callable[[], object]) -> float:
    took = []
    for _ in range(_REPEATS):
        began = time.process_time()
        work()
        took.append(time.process_time() - began)
    return float(np.median(took)) * 1e3
