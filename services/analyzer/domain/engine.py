"""The statistics of all series of one project: learns what is normal for each metric, and says when it no longer is."""

from __future__ import annotations

import zlib
from collections.abc import Iterator, Sequence

import numpy as np

from kit.errors import AssayError, Kind
from services.analyzer.domain.arrays import Floats, Ints
from services.analyzer.domain.evidence import history
from services.analyzer.domain.evidence.clock import Clocks
from services.analyzer.domain.evidence.configuration import (
    DAY_HOURS,
    DAY_S,
    DEFAULT_CONFIGURATION,
    HOUR_S,
    PLANS,
    EngineConfiguration,
    Scale,
)
from services.analyzer.domain.evidence.observations import Observations, observations, volumes
from services.analyzer.domain.evidence.parents import Families
from services.analyzer.domain.evidence.table import Table
from services.analyzer.domain.evidence.track import Track
from services.analyzer.domain.evidence.units import in_range, in_unit
from services.analyzer.domain.metric import Metric
from services.analyzer.domain.series import SeriesKey
from services.analyzer.domain.signals import AcceptedShift, BaselineColumns, Season, Signals
from services.analyzer.domain.window_columns import WindowColumns

# To be raised with every change of what a state contains or means.
STATE_VERSION = 1
# A longer time without calls says nothing on their volume by the hour: silence is not a matter of this engine.
_ZERO_HOURS_MAX = 24
_CONFIDENT_CALLS = 100.0
_NORMAL_95 = 1.96
# A series is held against its baseline once so many calls have come since it began or came back.
_FRESH_CALLS_MIN = 30
# Rows for which the 168 hours of a week are looked at in one go: bounds the memory that this takes.
_ROWS_AT_ONCE = 2_000
# The same for series whose history is taught: 30 days of hours are 720 rows each.
_ROWS_TAUGHT_AT_ONCE = 250


class Engine:
    """Series are numbered from 0 in the order in which they are added. Not safe for threads: one caller at a time."""

    def __init__(self, configuration: EngineConfiguration = DEFAULT_CONFIGURATION) -> None:
        self._configuration = configuration
        self.keys: list[SeriesKey] = []
        self._numbers: dict[SeriesKey, int] = {}
        self._clocks = Clocks(configuration)
        self._tracks = {plan.metric: Track(plan, configuration) for plan in PLANS}
        self._families = Families()
        self._prior_hour = 0

    def add(self, keys: Sequence[SeriesKey]) -> Ints:
        """Numbers of the series; those that are new are appended."""
        for key in keys:
            if key not in self._numbers:
                self._numbers[key] = len(self.keys)
                self.keys.append(key)
                self._families.add(key)
        for table in self._tables():
            table.grow(len(self.keys))
        for track in self._tracks.values():
            track.grow(len(self.keys))
        return np.array([self._numbers[key] for key in keys], np.int64)

    def learn(self, windows: WindowColumns) -> None:
        """Teaches history, of windows of up to an hour in any order, and tells nothing of it."""
        if not len(windows):
            return
        order = np.argsort(windows.series, kind="stable")
        series = windows.series[order]
        rows = np.unique(series)
        for place in np.split(order, np.searchsorted(series, rows[_ROWS_TAUGHT_AT_ONCE::_ROWS_TAUGHT_AT_ONCE])):
            self._teach(windows.select(place))
        self._borrow()
        for begin in range(0, len(rows), _ROWS_AT_ONCE):
            some = rows[begin : begin + _ROWS_AT_ONCE]
            hour = (self._clocks.newest_s[some] // HOUR_S).astype(np.int64)
            for track in self._tracks.values():
                track.baselines.refresh(some, hour, track.prior)

    def _teach(self, windows: WindowColumns) -> None:
        self._learn_clocks(windows)
        for metric, track in self._tracks.items():
            seen = _volumes(windows) if metric is Metric.CALL_VOLUME else observations(windows, metric)
            history.teach(track.baselines, seen, track.prior)

    def observe(self, windows: WindowColumns) -> Signals:
        """Takes new calls in: tests them, then lets what was normal teach. Rows are ordered by start.

        Tells what stands of the observed series: those in alarm, and those that were when this began and are no longer.
        """
        told = [ended for step in _steps(windows) for ended in self._step(windows.select(step))]
        rows = np.unique(windows.series)
        told += [track.signals(track.in_alarm(rows), is_alarm=True) for track in self._tracks.values()]
        return Signals.concatenated(told)

    def baselines(self, series: Ints, metric: Metric, time_s: Floats) -> BaselineColumns:
        """What is normal for these series at these instants, seconds since 1970, one answer a pair."""
        track, plan = self._tracks[metric], self._tracks[metric].plan
        hour = np.asarray(time_s // HOUR_S, np.int64)
        expected = track.expect(series, hour[:, None])
        centre, error, spread = expected.centre[:, 0], expected.error[:, 0], expected.spread
        with np.errstate(invalid="ignore", divide="ignore"):
            calls_an_hour = np.maximum(
                np.where(plan.scale is Scale.COUNT, 1, track.baselines.call_count[series] / self._known_hours(series)), 1
            )
            margin = _NORMAL_95 * np.sqrt(error + spread / calls_an_hour)
            worth = spread / error
        ends = np.sort(np.stack([in_unit(plan, in_range(plan.scale, centre + side * margin)) for side in (-1, 1)]), axis=0)
        profile = expected.profile
        season = np.where(profile.day_ratio[:, 0] >= 0.5, Season.HOUR_OF_DAY, Season.FLAT)
        season = np.where(profile.week_ratio[:, 0] >= 0.5, Season.HOUR_OF_WEEK, season)
        borrowed = np.nan_to_num(expected.borrowed_ratio)
        return BaselineColumns(
            series=series,
            time_s=time_s,
            centre=in_unit(plan, centre),
            spread=np.sqrt(spread),
            low=ends[0],
            high=ends[1],
            season=season,
            call_count=np.rint(track.baselines.call_count[series]).astype(np.int64),
            confidence_ratio=np.nan_to_num(worth / (worth + _CONFIDENT_CALLS)),
            borrowed_ratio=borrowed,
            parent=np.where(borrowed > 0, track.prior.parent[series], 0),
        )

    def accept(self, series: int, metric: Metric) -> AcceptedShift:
        """Makes the level of an alarm normal. Raises AssayError NOT_IN_ALARM if there is none."""
        accepted = self._tracks[metric].accept(series)
        if accepted is None:
            raise AssayError(
                Kind.FAILED_PRECONDITION, "NOT_IN_ALARM", f"{metric.name} of this series is in no alarm: there is no other level to accept"
            )
        return accepted

    def state(self, series: Ints) -> list[bytes]:
        """All that was learnt of each of these series, for `restore`."""
        version = bytes([STATE_VERSION])
        return [version + zlib.compress(b"".join(table.row_state(row) for table in self._tables()), 1) for row in series.tolist()]

    def restore(self, key: SeriesKey, state: bytes) -> int:
        """Puts a series back as it was; its number. Raises AssayError STATE_UNREADABLE if the state is of another version or is none."""
        tables = self._tables()
        size = sum(table.row_bytes for table in tables)
        try:
            content = zlib.decompress(state[1:]) if state[:1] == bytes([STATE_VERSION]) else b""
        except zlib.error:
            content = b""
        if len(content) != size:
            raise AssayError(
                Kind.FAILED_PRECONDITION,
                "STATE_UNREADABLE",
                f"this is no state of a series of version {STATE_VERSION}: learn the series from its history",
            )
        row = int(self.add([key])[0])
        place = 0
        for table in tables:
            table.restore_row(row, content[place : place + table.row_bytes])
            place += table.row_bytes
        return row

    def _tables(self) -> list[Table]:
        return [self._clocks, *(table for track in self._tracks.values() for table in track.tables)]

    def _step(self, windows: WindowColumns) -> Iterator[Signals]:
        """One window of each of some series."""
        rows, clocks = windows.series, self._clocks
        end_s = windows.end_s.astype(np.float64)
        is_late, is_paused = clocks.pass_to(rows, end_s)
        for track in self._tracks.values():
            track.restart(rows[is_paused])
        hour = windows.start_s // HOUR_S
        self._borrow_hourly(int(hour.max()))
        yield from self._begin_hours(rows, np.where(is_late, 0, hour))
        clocks.hour_calls[rows] += np.where(hour == clocks.hour[rows], windows.call_count, 0)
        clocks.fresh_count[rows] += windows.call_count
        is_tested = np.zeros(len(self.keys), np.bool_)
        is_tested[rows] = ~is_late & (clocks.fresh_count[rows] >= _FRESH_CALLS_MIN)
        for metric, track in self._tracks.items():
            if metric is not Metric.CALL_VOLUME:
                seen = observations(windows, metric)
                yield track.observe(seen, clocks.windows_per_day(seen.series), is_tested[seen.series])

    def _begin_hours(self, rows: Ints, hour: Ints) -> Iterator[Signals]:
        """Series whose hour is over: their volume is looked at, and what was normal teaches."""
        clocks = self._clocks
        is_new = clocks.hour[rows] == 0
        first = rows[is_new & (hour > 0)]
        clocks.first_hour[first] = clocks.hour[first] = hour[is_new & (hour > 0)]
        is_over = hour > clocks.hour[rows]
        begun = np.concatenate([first, rows[is_over]])
        begun_hour = np.concatenate([clocks.hour[first], hour[is_over]])
        yield from self._close_hours(rows[is_over], hour[is_over])
        for begin in range(0, len(begun), _ROWS_AT_ONCE):
            part = slice(begin, begin + _ROWS_AT_ONCE)
            for track in self._tracks.values():
                track.begin_hour(begun[part], begun_hour[part])

    def _close_hours(self, rows: Ints, hour: Ints) -> Iterator[Signals]:
        clocks, track = self._clocks, self._tracks[Metric.CALL_VOLUME]
        for _ in range(_ZERO_HOURS_MAX):
            is_open = clocks.hour[rows] < hour
            rows, hour = rows[is_open], hour[is_open]
            if not len(rows):
                return
            present = clocks.hour[rows]
            whole = present > clocks.first_hour[rows]
            seen = volumes(rows[whole], present[whole], clocks.hour_calls[rows[whole]])
            yield track.observe(seen, np.full(len(seen.series), float(DAY_HOURS)), np.ones(len(seen.series), np.bool_))
            clocks.hour[rows] += 1
            clocks.hour_calls[rows] = 0
            track.begin_hour(rows, clocks.hour[rows])
        clocks.hour[rows] = clocks.first_hour[rows] = hour

    def _borrow_hourly(self, hour: int) -> None:
        if hour > self._prior_hour:
            self._prior_hour = hour
            self._borrow()

    def _borrow(self) -> None:
        for track in self._tracks.values():
            track.prior = self._families.prior(track.baselines)

    def _known_hours(self, rows: Ints) -> Floats:
        """Hours behind the baselines, old ones counting less as calls do."""
        return np.maximum(self._tracks[Metric.CALL_VOLUME].baselines.call_count[rows], 1)

    def _learn_clocks(self, windows: WindowColumns) -> None:
        rows, place = np.unique(windows.series, return_inverse=True)
        newest, oldest = np.zeros(len(rows)), np.full(len(rows), np.inf)
        np.maximum.at(newest, place, windows.end_s)
        np.minimum.at(oldest, place, windows.start_s)
        calls = np.bincount(place, windows.call_count).astype(np.float64)
        minutes = np.bincount(place, np.minimum(windows.call_count, windows.length_s / 60))
        days = np.maximum(newest - oldest, HOUR_S) / DAY_S
        self._clocks.learn(rows, newest, minutes / days, calls)


def _steps(windows: WindowColumns) -> Iterator[Ints]:
    """Places of the rows in steps that have each series once: the windows of one start, and what came again in a step of its own."""
    order = np.lexsort((windows.series, windows.start_s))
    start, series = windows.start_s[order], windows.series[order]
    place = np.arange(len(order))
    is_first = np.ones(len(order), np.bool_)
    is_first[1:] = (start[1:] != start[:-1]) | (series[1:] != series[:-1])
    rank = place - np.maximum.accumulate(np.where(is_first, place, 0))
    order = order[np.lexsort((rank, start))]
    rank = np.sort(np.rec.fromarrays([start, rank]))
    changes = np.flatnonzero(rank[1:] != rank[:-1]) + 1
    return iter(np.split(order, changes) if len(order) else [])


def _volumes(windows: WindowColumns) -> Observations:
    """Calls of each whole hour between the first and the last of a series, on the scale of roots."""
    hour = windows.start_s // HOUR_S
    rows, place = np.unique(windows.series, return_inverse=True)
    first, last = np.full(len(rows), np.iinfo(np.int64).max), np.zeros(len(rows), np.int64)
    np.minimum.at(first, place, hour)
    np.maximum.at(last, place, hour)
    length = last - first + 1
    begin = np.cumsum(length) - length
    count = np.bincount(begin[place] + hour - first[place], windows.call_count, minlength=int(length.sum()))
    series = np.repeat(rows, length)
    hours = np.arange(len(series)) - np.repeat(begin - first, length)
    is_whole = (hours > np.repeat(first, length)) & (hours < np.repeat(last, length))
    return volumes(series[is_whole], hours[is_whole], count[is_whole])
