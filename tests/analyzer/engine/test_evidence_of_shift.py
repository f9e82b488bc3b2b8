"""Evidence against normal: bounded on average while all is normal, and great when something changed."""

import numpy as np
import pytest
from scipy.special import betaln, gammaln
from scipy.stats import t as student

from services.analyzer.domain.evidence.evidence_of_shift import mean_log_e, ratio_log_e


@pytest.mark.parametrize("is_up", [True, False])
@pytest.mark.parametrize(("ratio", "calls_behind", "count"), [(0.02, 50, 10), (0.02, 2_000, 40), (0.3, 200, 100), (0.5, 1e6, 1)])
def test_evidence_on_a_ratio_is_one_on_average_while_it_is_normal(ratio: float, calls_behind: float, count: int, is_up: bool) -> None:
    hits, misses = np.arange(count + 1.0), count - np.arange(count + 1.0)
    error = ratio * (1 - ratio) / (calls_behind + 1)
    log_e = ratio_log_e(np.full(count + 1, float(count)), hits, np.full(count + 1, ratio), np.full(count + 1, error), is_up=is_up)
    alpha, beta = ratio * calls_behind, (1 - ratio) * calls_behind
    choose = gammaln(count + 1) - gammaln(hits + 1) - gammaln(misses + 1)
    probability = np.exp(choose + betaln(alpha + hits, beta + misses) - betaln(alpha, beta))
    expected = float((probability * np.exp(log_e)).sum())
    if is_up:
        # Where nothing was hit half a hit is supposed, which costs next to nothing.
        assert expected < 1.25
    else:
        assert expected == pytest.approx(1, abs=1e-6)


@pytest.mark.parametrize("sign", [1.0, -1.0])
@pytest.mark.parametrize(("count", "error", "freedom"), [(1.0, 0.0, 1e6), (30.0, 0.01, 10.0), (500.0, 0.001, 200.0)])
def test_evidence_on_a_mean_is_one_on_average_while_it_is_normal(count: float, error: float, freedom: float, sign: float) -> None:
    scale = np.sqrt(count * 0.25 + count**2 * error)
    total = np.linspace(-4_000, 4_000, 800_001) * scale
    ones = np.ones_like(total)
    log_e = mean_log_e(
        count * ones, total, spread=0.25 * ones, error=error * ones, freedom=freedom * ones, shift_spread=1.5, sign=sign * ones
    )
    log_density = student.logpdf(total / scale, freedom) - np.log(scale)
    expected = float(np.trapezoid(np.exp(log_density + log_e), total))
    assert expected == pytest.approx(1, abs=0.02)


def test_evidence_grows_with_the_calls_and_with_what_is_known_of_normal() -> None:
    def of_ratio(count: float, calls_behind: float) -> float:
        error = 0.02 * 0.98 / calls_behind
        return float(ratio_log_e(np.array([count]), np.array([0.22 * count]), np.array([0.02]), np.array([error]), is_up=True)[0])

    assert of_ratio(20, 2_000) < of_ratio(40, 2_000) < of_ratio(80, 2_000)
    assert of_ratio(40, 50) < of_ratio(40, 200) < of_ratio(40, 2_000)


def test_evidence_stays_finite_for_what_cannot_be() -> None:
    extreme = np.array([1e9])
    log_e = ratio_log_e(extreme, extreme, np.array([1e-4]), np.array([1e-9]), is_up=True)
    assert np.isfinite(log_e).all()
    assert np.isfinite(ratio_log_e(extreme, extreme, np.array([0.3]), np.array([1e-9]), is_up=False)).all()
