"""Quantiles from histograms, against those of the durations themselves."""

from fractions import Fraction
from math import ceil

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.collector.domain.histogram import DURATION_US_MAX, Histogram
from services.collector.domain.quantile import quantiles
from services.collector.domain.rollup import Windows, merge, rollup_calls
from tests.collector.domain.rollup_cases import columns

RATIOS = ("0", "0.01", "0.07", "0.5", "0.9", "0.95", "0.99", "0.999", "1")


def windows_of(durations_us: dict[int, list[int]], outcome: int = 1) -> Windows:
    """One window of each series, with calls that took that long."""
    calls = [
        (series, 0, outcome, duration, duration // 2, 0, 0, 0, 0, 0, 0, 1)
        for series, durations in durations_us.items()
        for duration in durations
    ]
    return rollup_calls(columns(calls))


def nearest_rank(durations: list[int], ratio: str) -> int:
    """The smallest duration that at least `ratio` of all do not exceed, in exact arithmetic."""
    return sorted(durations)[max(ceil(Fraction(ratio) * len(durations)), 1) - 1]


durations = st.lists(st.integers(0, DURATION_US_MAX) | st.integers(0, 5_000), min_size=1, max_size=120)


@given(st.dictionaries(st.integers(1, 5), durations, min_size=1))
def test_any_quantile_is_within_one_percent(durations_us: dict[int, list[int]]) -> None:
    windows = merge([windows_of(durations_us), windows_of(durations_us, outcome=2)])
    for histogram, divisor in [
        (Histogram.SUCCEEDED_LATENCY, 1),
        (Histogram.OTHER_LATENCY, 1),
        (Histogram.FIRST_TOKEN, 2),
    ]:
        estimates = quantiles(windows, [float(ratio) for ratio in RATIOS])[:, histogram]
        exact = [
            [nearest_rank([duration // divisor for duration in durations_us[series]], ratio) / 1e6 for ratio in RATIOS]
            for series in sorted(durations_us)
        ]
        np.testing.assert_allclose(estimates, exact, rtol=0.01, atol=0)


@given(durations, st.data())
def test_merged_histograms_have_the_quantiles_of_all_durations(durations_us: list[int], data: st.DataObject) -> None:
    cut = data.draw(st.integers(0, len(durations_us)))
    parts = [windows_of({1: durations_us[:cut]}), windows_of({1: durations_us[cut:]})]
    np.testing.assert_array_equal(
        quantiles(merge(parts), (0.5, 0.99)),
        quantiles(windows_of({1: durations_us}), (0.5, 0.99)),
    )


def test_a_rank_is_not_lifted_by_rounding() -> None:
    assert 100 * 0.07 > 7
    windows = windows_of({1: [1_000_000] * 7 + [2_000_000] * 93})
    assert quantiles(windows, (0.07,))[0, Histogram.SUCCEEDED_LATENCY, 0] == pytest.approx(1, rel=0.01)


@pytest.mark.parametrize("outcome", [1, 2])
def test_an_empty_histogram_has_no_quantiles(outcome: int) -> None:
    windows = merge([windows_of({1: [1_000]}), windows_of({2: [1_000]}, outcome=2)])
    histogram = Histogram.SUCCEEDED_LATENCY if outcome == 1 else Histogram.OTHER_LATENCY
    assert np.isnan(quantiles(windows, (0.5,)))[:, histogram, 0].tolist() == [outcome != 1, outcome != 2]


def test_no_windows_have_no_quantiles() -> None:
    assert quantiles(merge([]), (0.5, 0.9)).shape == (0, len(Histogram), 2)
