"""What is normal over a week, as a curve that can be kept: which versions are worth keeping, and what they say of a moment."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields

import numpy as np

from services.analyzer.domain.arrays import Bools, Floats, Ints
from services.analyzer.domain.metric import Metric
from services.analyzer.domain.signals import BaselineColumns, Season

HOUR_S = 3_600
DAY_S = 24 * HOUR_S
WEEK_S = 7 * DAY_S
# Points of a curve: one for each hour of its season.
POINTS = {Season.FLAT: 1, Season.HOUR_OF_DAY: 24, Season.HOUR_OF_WEEK: 168}

# A version is kept when the centre has moved by so much of the band's half width, or the band's width by so much of itself.
NOTICED_RATIO = 0.25

Asked = Callable[[Ints, Metric, Floats], BaselineColumns]


@dataclass(frozen=True, slots=True)
class Curves:
    """What is normal for one metric of some series. `points[i]` has the shape (3, points): centre, low and high by hour of the season."""

    series: Ints
    spread: Floats
    season: Ints
    parent: Ints
    call_count: Ints
    confidence_ratio: Floats
    borrowed_ratio: Floats
    points: list[Floats]

    @property
    def level(self) -> Floats:
        """Mean of each curve's centre."""
        return np.array([points[0].mean() for points in self.points])

    @property
    def half_width(self) -> Floats:
        """Half of the mean width of each curve's band."""
        return np.array([(points[2] - points[1]).mean() / 2 for points in self.points])

    def select(self, rows: Bools) -> Curves:
        """Those where the mask is true."""
        columns = {field.name: getattr(self, field.name)[rows] for field in fields(self) if field.name != "points"}
        return Curves(**columns, points=[points for points, is_taken in zip(self.points, rows, strict=True) if is_taken])


def curves(asked: Asked, series: Ints, metric: Metric, now_s: float) -> Curves:
    """The curves of a metric of these series as they are now; series of which nothing is known are left out."""
    now = asked(series, metric, np.full(len(series), now_s))
    known = np.isfinite(now.centre) & np.isfinite(now.low) & np.isfinite(now.high)
    series = series[known]
    points: list[Floats] = [np.zeros((3, 0))] * len(series)
    for season, count in POINTS.items():
        rows = np.flatnonzero(now.season[known] == season)
        for row, its in zip(rows, _points(asked, series[rows], metric, now_s, count), strict=True):
            points[row] = its
    names = ("spread", "season", "parent", "call_count", "confidence_ratio", "borrowed_ratio")
    return Curves(series=series, **{name: getattr(now, name)[known] for name in names}, points=points)


def _points(asked: Asked, series: Ints, metric: Metric, now_s: float, count: int) -> Floats:
    """Shape (series, 3, count), at the middle of each hour of the present week."""
    week = now_s // WEEK_S * WEEK_S + np.arange(count) * HOUR_S + HOUR_S / 2
    moments = np.array([now_s]) if count == 1 else week
    told = asked(np.repeat(series, count), metric, np.tile(moments, len(series)))
    columns = [column.reshape(len(series), count) for column in (told.centre, told.low, told.high)]
    return np.stack(columns, axis=1)


def pack(points: Floats) -> bytes:
    """Points as bytes, each within 6e-8 of itself."""
    return points.astype("<f4").tobytes()


def unpack(body: bytes) -> Floats:
    """What `pack` packed."""
    return np.frombuffer(body, "<f4").reshape(3, -1).astype(np.float64)


def at(points: Floats, time_s: Floats) -> Floats:
    """Centre, low and high at these moments, shape (3, moments)."""
    hour = np.asarray(time_s, np.float64) // HOUR_S
    return points[:, (hour % points.shape[1]).astype(np.int64)]


class NotedCurves:
    """What of each metric of each series was kept last: level, half width and season, and when."""

    def __init__(self) -> None:
        self._noted: Floats = np.full((0, len(Metric) + 1, 4), np.nan)

    def note(self, series: Ints, metric: Metric, curves_: Curves, time_s: float | Floats) -> None:
        """Takes in what was kept."""
        missing = int(series.max(initial=-1)) + 1 - len(self._noted)
        if missing > 0:
            self._noted = np.concatenate([self._noted, np.full((missing, *self._noted.shape[1:]), np.nan)])
        values = (curves_.level, curves_.half_width, curves_.season, np.broadcast_to(time_s, len(series)))
        self._noted[series, metric.value] = np.stack(values, axis=1)

    def is_first(self, metric: Metric, series: Ints) -> Bools:
        """Of which of these series nothing was kept so far."""
        first = np.ones(len(series), np.bool_)
        known = series < len(self._noted)
        first[known] = np.isnan(self._noted[series[known], metric.value, 0])
        return first

    def is_due(self, metric: Metric, curves_: Curves, now_s: float) -> Bools:
        """Which curves are to be kept: new ones, those that have changed noticeably, and after a day those that have changed at all."""
        noted = np.full((len(curves_.series), 4), np.nan)
        known = curves_.series < len(self._noted)
        noted[known] = self._noted[curves_.series[known], metric.value]
        level, half_width, season, time_s = noted.T
        moved = np.abs(curves_.level - level)
        widened = np.abs(curves_.half_width - half_width)
        is_noticeable: Bools = (moved > NOTICED_RATIO * half_width) | (widened > NOTICED_RATIO * half_width) | (curves_.season != season)
        is_old = (now_s - time_s >= DAY_S) & ((moved > 0) | (widened > 0))
        due: Bools = np.isnan(time_s) | is_noticeable | is_old
        return due


@dataclass(frozen=True, slots=True)
class Held:
    """A curve that held from a moment on, seconds since 1970."""

    from_s: float
    points: Floats


def held(versions: Sequence[Held], time_s: Floats) -> Floats:
    """What held at these moments, shape (3, moments); versions are in the order of time. NaN before the first."""
    values = np.full((3, len(time_s)), np.nan)
    for version in versions:
        later = time_s >= version.from_s
        values[:, later] = at(version.points, time_s[later])
    return values


def combined(values: Floats, weights: Floats, *, is_sum: bool) -> Floats:
    """What is normal for several series together: values of shape (series, 3, moments), weights of shape (series, moments).

    Means are weighted; sums are sums. Ends of bands likewise, as if all series moved together, which makes the band too wide rather than
    too narrow. NaN where nothing is known of any.
    """
    is_known: Bools = np.asarray(np.isfinite(values).all(axis=1))
    values = np.where(is_known[:, None], values, 0.0)
    if is_sum:
        total = values.sum(axis=0)
    else:
        weights = np.where(is_known, np.nan_to_num(weights), 0.0)
        # Where no numbers of calls are known, all series count alike.
        weights = np.where((weights.sum(axis=0) > 0)[None], weights, is_known)
        total = (values * weights[:, None]).sum(axis=0) / np.where(is_known.any(axis=0), weights.sum(axis=0), np.nan)
    joined: Floats = np.where(is_known.any(axis=0), total, np.nan)
    return joined
