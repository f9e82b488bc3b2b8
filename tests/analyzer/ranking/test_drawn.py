"""What is counted in draws, against what is known exactly."""

import numpy as np
import pytest
from scipy.special import ndtr

from services.analyzer.domain.arrays import Floats
from services.analyzer.domain.ranking.drawn import DRAW_COUNT, EXPLORED_RATIO, counted, score_draws
from services.analyzer.domain.ranking.hierarchy import Posterior
from services.analyzer.domain.ranking.measures import RankedMetric


def sure(mean: list[float], deviation: float) -> Posterior:
    """Candidates that are known apart from each other."""
    count = len(mean)
    return Posterior(np.ones(1), np.array([mean]), np.full((1, count), deviation**2), np.zeros((1, count)))


def quality_draws(posterior: Posterior) -> Floats:
    return score_draws([(RankedMetric.QUALITY, 1.0, posterior)], np.arange(posterior.mean.shape[1]))


def test_draws_have_the_mean_spread_and_order_of_the_posterior() -> None:
    draws = quality_draws(sure([0.5, 0.6], 0.1))
    assert draws.shape == (DRAW_COUNT, 2)
    assert draws.mean(0) == pytest.approx([0.5, 0.6], abs=0.002)
    assert draws.std(0) == pytest.approx([0.1, 0.1], rel=0.02)
    scores = counted(draws, draws, np.array([0.5, 0.6]))
    assert scores.probability_best[0] == pytest.approx(ndtr(-1 / np.sqrt(2)), abs=0.03)
    assert scores.probability_above_first.tolist() == [scores.probability_best[0], 1.0]
    assert scores.low[0] == pytest.approx(0.5 - 0.1645, abs=0.01) and scores.high[1] == pytest.approx(0.6 + 0.1645, abs=0.01)
    assert scores.suggested_ratio == pytest.approx((1 - EXPLORED_RATIO) * scores.probability_best + EXPLORED_RATIO / 2)


def test_what_all_share_moves_no_rank() -> None:
    shared = Posterior(np.ones(1), np.array([[0.5, 0.51]]), np.full((1, 2), 1e-8), np.full((1, 2), 0.3))
    scores = counted(quality_draws(shared), quality_draws(shared), np.array([0.5, 0.51]))
    assert scores.rank_low.tolist() == scores.rank_high.tolist() == [2, 1]
    assert scores.is_tied.tolist() == [False, True]
    assert scores.high[0] - scores.low[0] > 0.9


def test_a_mixture_is_drawn_from_all_of_its_parts() -> None:
    mixture = Posterior(np.array([0.3, 0.7]), np.array([[0.0], [1.0]]), np.full((2, 1), 1e-8), np.zeros((2, 1)))
    assert (quality_draws(mixture) > 0.5).mean() == pytest.approx(0.7, abs=0.01)


def test_errors_of_metrics_that_rest_on_the_same_calls_go_together() -> None:
    columns = np.arange(1)
    time = sure([0.0], 0.5)
    both, one = (
        score_draws([(metric, 1.0, time) for metric in metrics], columns).std()
        for metrics in ((RankedMetric.LATENCY, RankedMetric.TIME_PER_ACCEPTED_TASK), (RankedMetric.LATENCY,))
    )
    assert both == pytest.approx(one * np.sqrt(2 * 1.7), rel=0.05)


def test_more_candidates_leave_the_draws_of_the_others_as_they_are() -> None:
    few, many = quality_draws(sure([0.5] * 3, 0.1)), quality_draws(sure([0.5] * 70, 0.1))
    assert many[:, :3] == pytest.approx(few)


def test_rank_intervals_hold_the_true_rank_and_are_short() -> None:
    arms, calls, repeats = 25, 100, 60
    truth = np.linspace(0.45, 0.75, arms)
    chance = np.random.default_rng(3)
    held, width = [], []
    for _ in range(repeats):
        error = np.sqrt(truth * (1 - truth) / calls)
        seen = truth + error * chance.standard_normal(arms)
        posterior = sure(seen.tolist(), 0.045)
        draws = quality_draws(posterior)
        scores = counted(draws, draws, seen)
        held.append((scores.rank_low <= np.arange(arms, 0, -1)) & (np.arange(arms, 0, -1) <= scores.rank_high))
        width.append((scores.rank_high - scores.rank_low + 1).mean())
    assert np.mean(held) > 0.93 and np.mean(width) < 17
