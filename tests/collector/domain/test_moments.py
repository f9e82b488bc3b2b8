"""Moments of logarithms from histograms, against those of the durations themselves."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from services.collector.domain.histogram import DURATION_US_MAX, Histogram
from services.collector.domain.moments import log_moments
from services.collector.domain.rollup import merge, rollup_calls
from tests.collector.domain.rollup_cases import columns

durations = st.lists(st.integers(2, DURATION_US_MAX) | st.integers(2_000, 5_000), min_size=1, max_size=60)


@given(st.dictionaries(st.integers(1, 4), durations, min_size=1))
def test_moments_are_those_of_the_durations_within_a_bucket(durations_us: dict[int, list[int]]) -> None:
    calls = [(series, 0, 1, duration, duration // 2, 0, 0, 0, 0, 0, 0, 1) for series, taken in durations_us.items() for duration in taken]
    moments = log_moments(merge([rollup_calls(columns(calls))]))
    for row, series in enumerate(sorted(durations_us)):
        for histogram, divisor in ((Histogram.SUCCEEDED_LATENCY, 1), (Histogram.FIRST_TOKEN, 2)):
            logs = np.log([duration // divisor / 1e6 for duration in durations_us[series]])
            count, mean, sd = moments[row, histogram]
            assert count == len(logs)
            np.testing.assert_allclose(mean, logs.mean(), rtol=0, atol=0.0055)
            np.testing.assert_allclose(sd, logs.std(), rtol=0, atol=0.011)
    assert np.isnan(moments[:, Histogram.OTHER_LATENCY, 1:]).all()
    assert not moments[:, Histogram.OTHER_LATENCY, 0].any()


def test_equal_durations_have_no_spread_and_zero_counts_as_the_least() -> None:
    zero, long = (0, 0, 1, 0, -1, 0, 0, 0, 0, 0, 0, 1), (1, 0, 1, 900_000_000, -1, 0, 0, 0, 0, 0, 0, 1)
    moments = log_moments(merge([rollup_calls(columns([call])) for call in (zero, zero, long, long, long)]))[:, Histogram.SUCCEEDED_LATENCY]
    assert moments[:, 0].tolist() == [2, 3]
    np.testing.assert_allclose(moments[:, 1], np.log([1e-6, 900]), rtol=0, atol=0.0055)
    np.testing.assert_allclose(moments[:, 2], 0, atol=1e-9)


def test_nothing_has_no_rows() -> None:
    assert log_moments(merge([])).shape == (0, len(Histogram), 3)
