"""Silence: series, and groups of them, that should have calls and have none."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from services.analyzer.domain.arrays import Bools, Floats, Ints
from services.analyzer.domain.gaps import Gaps
from services.analyzer.domain.monitor_configuration import DAY_S, HOUR_S, MonitorConfiguration
from services.analyzer.domain.roster import LEVEL_COUNT, NO_GROUP, Roster, grown
from services.analyzer.domain.window_columns import WindowColumns

# Calls expected an hour of each series at an instant.
RateSource = Callable[[float], Floats]
_DAY_HOURS = 24


@dataclass(frozen=True, slots=True)
class Silences:
    """Series that are silent now: columns of one length."""

    series: Ints
    since_s: Floats
    expected: Floats  # calls that were expected since
    rate: Floats  # calls expected an hour
    log10_p: Floats  # of the series' own gap, or its group's


class SilenceWatch:
    """Holds the gap of each series and each group against the calls that were expected in it.

    The evidence is counted only while someone looks: `pass_time` adds what was expected since it was called last, unless that is too
    long ago. Calls end a silence when they arrive, whenever they were started. When a group is heard of again its series begin anew, since
    those with few calls have not had the chance to have any.
    """

    def __init__(self, roster: Roster, configuration: MonitorConfiguration) -> None:
        self._roster = roster
        self._configuration = configuration
        self.series = Gaps(configuration)
        self.groups = Gaps(configuration)
        self.looked_s: float | None = None
        self.rate: Floats = np.zeros(0)
        self.rate_hour = 0
        self._rated_count = 0

    def grow(self) -> None:
        """Makes room for what the roster has now."""
        self.series.grow(len(self._roster.keys))
        self.groups.grow(len(self._roster.groups))
        self.rate = grown(self.rate, len(self._roster.keys))

    def learn(self, windows: WindowColumns) -> None:
        """Takes in history, ordered by start: calls, hours, and how uneven calls come."""
        self._count(windows)
        _learn_gaps(self.series, windows.series, windows)
        for level in range(LEVEL_COUNT):
            group = self._roster.memberships[windows.series, level]
            inside = group != NO_GROUP
            if inside.any():  # no series may have a prompt
                _learn_gaps(self.groups, group[inside], windows.select(inside))

    def observe(self, windows: WindowColumns, now_s: float) -> None:
        """Calls have come."""
        self._count(windows)
        heard = np.unique(windows.series)
        heard_groups = np.flatnonzero(self._roster.touched(heard))
        returned = heard_groups[self.groups.column("silent_since_s")[heard_groups] > 0]
        self.series.end_gaps(heard, now_s)
        self.groups.end_gaps(heard_groups, now_s)
        for group in returned:
            members = self._roster.members(int(group))
            self.series.forget(members, now_s)
            self.groups.forget(np.flatnonzero(self._roster.touched(members)), now_s)

    def pass_time(self, now_s: float, rates: RateSource) -> None:
        """Time has passed until now, during which no calls came but those that `observe` told."""
        elapsed_s = 0.0 if self.looked_s is None else now_s - self.looked_s
        self.looked_s = now_s if self.looked_s is None else max(now_s, self.looked_s)
        if not 0 < elapsed_s <= self._configuration.away_s or not self._roster.keys:
            return
        self._look_up(now_s, rates)
        rate = np.where(self.series.is_armed(), self.rate, 0.0)
        self.series.go_on(rate * elapsed_s / HOUR_S)
        # What is known to be silent is not expected of its groups.
        told = self.series.column("silent_since_s") > 0
        group_rate = self._roster.summed(np.arange(len(rate)), np.where(told, 0.0, rate))
        self.groups.go_on(group_rate * elapsed_s / HOUR_S)
        for gaps in (self.series, self.groups):
            self._tell(gaps, now_s)

    def restore_clock(self, looked_s: float | None, rate_hour: int) -> None:
        """Puts back when was looked last, and of which hour the rates are."""
        self.looked_s, self.rate_hour, self._rated_count = looked_s, rate_hour, len(self._roster.keys)

    def silences(self) -> Silences:
        """The series that are silent: by themselves, or as part of a group that is. Then the group's last call is where it begins."""
        since_s = self.series.column("silent_since_s").copy()
        log10_p = self.series.log10_p()
        is_expected = self.series.is_armed() & (self.series.column("expected") > 0)
        for group in np.flatnonzero(self.groups.column("silent_since_s") > 0):
            members = self._roster.members(int(group))
            members = members[is_expected[members]]
            group_s = self.groups.column("silent_since_s")[group]
            since_s[members] = np.where(since_s[members] > 0, np.maximum(since_s[members], group_s), group_s)
            log10_p[members] = np.minimum(log10_p[members], self.groups.log10_p()[group])
        silent = np.flatnonzero(since_s > 0)
        return Silences(silent, since_s[silent], self.series.column("expected")[silent], self.rate[silent], log10_p[silent])

    def marks(self) -> Ints:
        """For each series a number that changes when its state is worth keeping again: a call more was expected, or it was told."""
        return self.series.column("expected").astype(np.int64) * 2 + (self.series.column("silent_since_s") > 0)

    def _look_up(self, now_s: float, rates: RateSource) -> None:
        """Rates are those of the hour, looked up once in it."""
        hour = int(now_s // HOUR_S)
        if hour != self.rate_hour or self._rated_count < len(self._roster.keys):
            self.rate = np.maximum(np.nan_to_num(rates(now_s), posinf=0.0), 0.0)
            self.rate_hour, self._rated_count = hour, len(self._roster.keys)

    def _count(self, windows: WindowColumns) -> None:
        calls = windows.call_count.astype(np.float64)
        self.series.count_calls(windows.series, windows.start_s, windows.length_s, calls)
        for level in range(LEVEL_COUNT):
            group = self._roster.memberships[windows.series, level]
            inside = group != NO_GROUP
            self.groups.count_calls(group[inside], windows.start_s[inside], windows.length_s[inside], calls[inside])

    def _tell(self, gaps: Gaps, now_s: float) -> None:
        since_s = gaps.column("silent_since_s")
        is_new: Bools = gaps.is_beyond() & (since_s == 0)
        since_s[is_new] = np.maximum(gaps.column("last_call_s")[is_new], 1.0)
        gaps.rest(np.flatnonzero((since_s > 0) & (now_s - since_s > self._configuration.silence_rest_s)), now_s)


def _learn_gaps(gaps: Gaps, units: Ints, windows: WindowColumns) -> None:
    """Teaches the gaps between windows of the same unit, by the calls that its own rates by hour of day let expect in them."""
    days = max((int(windows.end_s.max()) - int(windows.start_s[0])) / DAY_S, 1.0)
    hour = windows.start_s % int(DAY_S) // int(HOUR_S)
    hourly = np.bincount(units * _DAY_HOURS + hour, windows.call_count, len(gaps.columns) * _DAY_HOURS).reshape(-1, _DAY_HOURS) / days
    order = np.lexsort((windows.start_s, units))
    units, start_s, end_s = units[order], windows.start_s[order], windows.end_s[order]
    is_gap = (units[1:] == units[:-1]) & (start_s[1:] > end_s[:-1])
    unit = units[1:][is_gap]
    running = np.concatenate([np.zeros((len(hourly), 1)), np.cumsum(hourly, axis=1)], axis=1)
    expected = _running(running, unit, start_s[1:][is_gap]) - _running(running, unit, end_s[:-1][is_gap])
    gaps.learn_gaps(unit, expected)


def _running(running: Floats, unit: Ints, time_s: Ints) -> Floats:
    """Calls expected from 1970 to the instants, from running sums over the hours of a day."""
    hour, of_hour_s = np.divmod(time_s % int(DAY_S), int(HOUR_S))
    whole = running[unit, -1] * (time_s // int(DAY_S)) + running[unit, hour]
    total: Floats = whole + (running[unit, hour + 1] - running[unit, hour]) * of_hour_s / HOUR_S
    return total
