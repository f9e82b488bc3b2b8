"""Failures of a provider's, or a model's, series taken together: an outage is told before any one series has had enough calls."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from services.analyzer.domain.arrays import Bools, Floats, Ints
from services.analyzer.domain.monitor_configuration import MonitorConfiguration
from services.analyzer.domain.roster import MODEL, NO_GROUP, PROVIDER, Roster, grown
from services.analyzer.domain.window_columns import WindowColumns

_LEVELS = (PROVIDER, MODEL)
# What is looked for: this part of the calls that would have succeeded fails.
_PARTS_FAILING = np.array([0.25, 0.5, 0.9])
_DAILY_MIN = 100.0
_DECIDED, _FAILED, _EXPECTED = range(3)
_ONSET, _SEEN, _TOLD, _PART, _BACK = range(5)
STATE_OCTETS = 8 * len(_LEVELS) * 3


@dataclass(frozen=True, slots=True)
class FailingSeries:
    """Series that fail in a group that does: columns of one length. Counts are since the onset; `expected` are failures."""

    series: Ints
    onset_s: Floats
    seen_s: Floats
    log10_e: Floats
    decided: Ints
    failed: Ints
    expected: Floats


class FailureWatch:
    """A likelihood ratio for each group, call by call: of what would have succeeded, a quarter, half, or nine tenths fails.

    Each call is held against the failure ratio of its own series, so that groups may be of any mixture. The sum of the logarithms, never
    below 0, is Page's CUSUM (Biometrika 1954); one for each part that may fail, the greatest counts. At a bar of b at least b calls go by
    on average until it is reached for no reason (Lorden, Annals of Mathematical Statistics 1971), so the bar is the calls of a day, times
    the parts, by the alarms allowed a day: 10^7.8 at fifteen calls a minute. Failure ratios are taken two standard errors greater than
    known, and 1 % at least: a failure's ratio is then at most 90, and five in a row suffice where nearly all calls succeed.
    """

    def __init__(self, roster: Roster, configuration: MonitorConfiguration) -> None:
        self._roster = roster
        self._configuration = configuration
        self.evidence: Floats = np.zeros((0, len(_PARTS_FAILING)))
        self.groups: Floats = np.zeros((0, 5))
        self.counts: Floats = np.zeros((0, len(_LEVELS), 3))

    def grow(self) -> None:
        """Makes room for what the roster has now."""
        self.evidence = grown(self.evidence, len(self._roster.groups))
        self.groups = grown(self.groups, len(self._roster.groups))
        self.counts = grown(self.counts, len(self._roster.keys))

    def observe(self, windows: WindowColumns, failure_ratio: Floats, known_calls: Floats, daily_calls: Floats, now_s: float) -> None:
        """Takes new calls in. `failure_ratio`: what is normal for each row, NaN where nothing is known, from so many calls.

        `daily_calls`: calls a day of each group.
        """
        error = np.sqrt(failure_ratio * (1 - failure_ratio) / (known_calls + 1))
        ratio = np.clip(failure_ratio + 2 * error + 1 / (known_calls + 2), self._configuration.failure_ratio_min, 1.0)
        known = np.isfinite(ratio) & (windows.decided_count > 0)
        windows, ratio = windows.select(known), ratio[known]
        if not len(windows):
            return
        decided = windows.decided_count.astype(np.float64)
        failed = decided - windows.succeeded_count
        steps = _log10_ratio(decided, failed, ratio)
        step = np.stack([self._roster.summed(windows.series, steps[:, part]) for part in range(len(_PARTS_FAILING))], axis=1)
        touched = self._roster.touched(windows.series) & np.isin(self._roster.group_level, _LEVELS)
        self._advance(touched, step, windows, failed)
        for place, level in enumerate(_LEVELS):
            values = np.stack([decided, failed, decided * failure_ratio[known]], axis=1)
            np.add.at(self.counts[:, place], windows.series, values)
            self._clear_counts(place, level)
        bar = np.log10(np.maximum(daily_calls, _DAILY_MIN) * len(_PARTS_FAILING) / self._configuration.failure_alarms_a_day)
        self._tell(touched, bar, now_s)

    def pass_time(self, now_s: float) -> None:
        """An alarm that has stood for long must be raised anew; by then series have their own."""
        told_s = self.groups[:, _TOLD]
        self._end((told_s > 0) & (now_s - told_s > self._configuration.failure_alarm_s))

    def failing(self) -> FailingSeries:
        """The series that speak for the alarm of their group, each once."""
        columns: list[list[float]] = []
        for group in np.flatnonzero(self.groups[:, _TOLD] > 0):
            place = _LEVELS.index(int(self._roster.group_level[group]))
            members = self._roster.members(int(group))
            decided, failed, expected = self.counts[members, place].T
            ratio = np.clip(expected / np.maximum(decided, 1), self._configuration.failure_ratio_min, 1.0)
            log10_e = _log10_ratio(decided, failed, ratio)[:, int(self.groups[group, _PART])]
            onset_s, seen_s = self.groups[group, [_ONSET, _SEEN]]
            columns += [
                [float(members[row]), onset_s, seen_s, log10_e[row], decided[row], failed[row], expected[row]]
                for row in np.flatnonzero(log10_e > 0)
            ]
        # Of a series in two groups that fail, the stronger.
        columns.sort(key=lambda row: (row[0], -row[3]))
        table = np.array(columns).reshape(-1, 7)
        _, first = np.unique(table[:, 0], return_index=True)
        series, onset_s, seen_s, evidence, decided, failed, expected = table[first].T
        counts = decided.astype(np.int64), failed.astype(np.int64)
        return FailingSeries(series.astype(np.int64), onset_s, seen_s, evidence, *counts, expected)

    def state(self, series: int) -> bytes:
        """What is kept of a series, STATE_OCTETS long."""
        return bytes(self.counts[series].astype("<f8").tobytes())

    def restore(self, series: int, state: bytes) -> None:
        """Puts back what `state` gave."""
        self.counts[series] = np.frombuffer(state, "<f8").reshape(self.counts.shape[1:])

    def _advance(self, touched: Bools, step: Floats, windows: WindowColumns, failed: Floats) -> None:
        begins = touched & ~(self.evidence > 0).any(axis=1) & (step > 0).any(axis=1)
        for group in np.flatnonzero(begins):
            of_group = (self._roster.memberships[windows.series] == group).any(axis=1) & (failed > 0)
            self.groups[group, _ONSET] = windows.start_s[of_group].min()
        for level in _LEVELS:
            group_of = self._roster.memberships[windows.series, level]
            np.maximum.at(self.groups[:, _SEEN], group_of, windows.end_s)
        self.evidence[touched] = np.maximum(self.evidence[touched] + step[touched], 0.0)
        part = self.groups[touched, _PART].astype(np.int64)
        back = np.maximum(self.groups[touched, _BACK] - np.take_along_axis(step[touched], part[:, None], axis=1)[:, 0], 0.0)
        self.groups[touched, _BACK] = np.where(self.groups[touched, _TOLD] > 0, back, 0.0)

    def _clear_counts(self, place: int, level: int) -> None:
        """Counts since the onset are of groups that are suspected of something."""
        group_of = self._roster.memberships[:, level]
        is_clear = ~(self.evidence > 0).any(axis=1) & (self.groups[:, _TOLD] == 0)
        self.counts[is_clear[group_of] & (group_of != NO_GROUP), place] = 0.0

    def _tell(self, touched: Bools, bar: Floats, now_s: float) -> None:
        told_s = self.groups[:, _TOLD]
        begins = touched & (told_s == 0) & (self.evidence.max(axis=1) >= bar)
        self.groups[begins, _PART] = self.evidence[begins].argmax(axis=1)
        told_s[begins] = now_s
        self._end((told_s > 0) & (self.groups[:, _BACK] >= self._configuration.recovery_log10_e))

    def _end(self, is_over: Bools) -> None:
        self.evidence[is_over] = 0.0
        self.groups[is_over] = 0.0
        for place, level in enumerate(_LEVELS):
            self._clear_counts(place, level)


def _log10_ratio(decided: Floats, failed: Floats, ratio: Floats) -> Floats:
    """Logarithm of the likelihood ratio of each part failing, shape (rows, parts), where `ratio` of the calls fail normally."""
    if_failed = np.log10(1 + _PARTS_FAILING * ((1 - ratio) / ratio)[:, None])
    ratio_by_part: Floats = failed[:, None] * if_failed + (decided - failed)[:, None] * np.log10(1 - _PARTS_FAILING)
    return ratio_by_part
