"""Curves of what is normal: made, kept, noticed, looked up and put together."""

import numpy as np
import pytest

from services.analyzer.domain import curve
from services.analyzer.domain.arrays import Floats, Ints
from services.analyzer.domain.curve import DAY_S, HOUR_S, WEEK_S, Curves, Held, NotedCurves
from services.analyzer.domain.metric import Metric
from services.analyzer.domain.signals import BaselineColumns, Parent, Season

NOW_S = 1_800_000_000.0
SEASONS = (Season.FLAT, Season.HOUR_OF_DAY, Season.HOUR_OF_WEEK)


def asked(series: Ints, _metric: Metric, time_s: Floats) -> BaselineColumns:
    """Series 0 is flat, 1 goes with the hour of the day, 2 with that of the week; nothing is known of 3."""
    hour = time_s // HOUR_S
    wave = np.select([series == 1, series == 2], [hour % 24, hour % 168], 0.0)
    centre = np.where(series == 3, np.nan, 10 + wave)
    count = len(series)
    return BaselineColumns(
        series=series,
        time_s=time_s,
        centre=centre,
        spread=np.full(count, 0.5),
        low=centre - 1,
        high=centre + 2,
        season=np.minimum(series, 2),
        call_count=np.full(count, 100),
        confidence_ratio=np.full(count, 0.5),
        borrowed_ratio=np.zeros(count),
        parent=np.full(count, int(Parent.NONE)),
    )


def curves(*series: int) -> Curves:
    return curve.curves(asked, np.array(series), Metric.LATENCY, NOW_S)


def moved(found: Curves, by: float) -> Curves:
    """The same curves, elsewhere."""
    columns = {name: getattr(found, name) for name in ("series", "spread", "season", "parent", "call_count")}
    ratios = {name: getattr(found, name) for name in ("confidence_ratio", "borrowed_ratio")}
    return Curves(**columns, **ratios, points=[points + by for points in found.points])


def test_a_curve_has_a_point_for_each_hour_of_its_season() -> None:
    found = curves(0, 1, 2, 3)
    assert found.series.tolist() == [0, 1, 2]
    assert [points.shape for points in found.points] == [(3, curve.POINTS[season]) for season in SEASONS]
    assert found.half_width.tolist() == [1.5] * 3
    assert found.level.tolist() == [10, 10 + 11.5, 10 + 83.5]


@pytest.mark.parametrize("series", [0, 1, 2])
def test_a_curve_that_was_kept_says_of_any_moment_what_was_asked(series: int) -> None:
    moments = NOW_S + np.arange(0, 3 * WEEK_S, 5_000.0)
    kept = curve.unpack(curve.pack(curves(series).points[0]))
    told = asked(np.full(len(moments), series), Metric.LATENCY, moments)
    assert np.allclose(curve.at(kept, moments), np.stack([told.centre, told.low, told.high]), rtol=1e-6)


def test_of_no_series_there_is_nothing() -> None:
    assert curves().points == []


def test_a_curve_is_kept_when_it_is_new_has_changed_noticeably_or_a_day_has_passed() -> None:
    noted, found = NotedCurves(), curves(0, 2)
    assert noted.is_due(Metric.LATENCY, found, NOW_S).tolist() == [True, True]
    assert noted.is_first(Metric.LATENCY, found.series).tolist() == [True, True]
    noted.note(found.series, Metric.LATENCY, found, NOW_S)
    cases = [
        (found, NOW_S + 2 * DAY_S, False),
        (moved(found, 0.1), NOW_S + HOUR_S, False),
        (moved(found, 0.1), NOW_S + DAY_S, True),
        (moved(found, 0.5), NOW_S + HOUR_S, True),
    ]
    for now, now_s, is_due in cases:
        assert noted.is_due(Metric.LATENCY, now, now_s).tolist() == [is_due] * 2
    assert noted.is_due(Metric.QUALITY, found, NOW_S).all()
    noted.note(found.series, Metric.LATENCY, moved(found, 0.5), NOW_S + HOUR_S)
    assert noted.is_due(Metric.LATENCY, found, NOW_S + HOUR_S).tolist() == [True, True]
    assert noted.is_first(Metric.LATENCY, np.array([0, 1, 2, 7])).tolist() == [False, True, False, True]
    assert found.select(np.array([False, True])).series.tolist() == [2]


def test_what_held_is_told_by_the_version_of_that_time() -> None:
    moments = NOW_S + np.arange(5.0)
    versions = [Held(NOW_S + 1, np.full((3, 1), 7.0)), Held(NOW_S + 3, np.full((3, 1), 8.0))]
    assert np.array_equal(curve.held(versions, moments)[0], [np.nan, 7, 7, 8, 8], equal_nan=True)


def test_series_together_are_a_weighted_mean_or_a_sum_of_what_is_known() -> None:
    nothing = np.nan
    values = np.array([[[1.0, 1, nothing, nothing]] * 3, [[4.0, nothing, 4, nothing]] * 3])
    weights = np.array([[2.0, 2, 2, 2], [1.0, 1, nothing, 1]])
    assert np.array_equal(curve.combined(values, weights, is_sum=False)[0], [2, 1, 4, nothing], equal_nan=True)
    assert np.array_equal(curve.combined(values, weights, is_sum=True)[0], [5, 1, 4, nothing], equal_nan=True)
