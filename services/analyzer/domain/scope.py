"""Of how many series something is: the coarsest group of which enough series show the same, begun at about the same time."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from services.analyzer.domain.arrays import Floats, Ints
from services.analyzer.domain.finding import Finding, Form
from services.analyzer.domain.monitor_configuration import DAY_S, MonitorConfiguration
from services.analyzer.domain.recent_calls import RecentCalls
from services.analyzer.domain.roster import LEVEL_COUNT, MODEL, NO_GROUP, PROJECT, PROVIDER, TASK_TYPE, Roster
from services.analyzer.domain.series import Scope, SeriesKey

# So many series that show it make a group; two, where a group has hardly more.
_SHOWING_MIN = 3
_SMALL_GROUP = 4
# What has so much of the evidence is what it is about. The evidence of a series counts within bounds: one does not outweigh many.
_NEARLY_ALL = 0.85
_EVIDENCE_MIN = 0.25
_EVIDENCE_MAX = 4.0
_PROVIDER_FIELD, _MODEL_FIELD, _, _PROMPT_FIELD, _VERSION_FIELD = range(len(SeriesKey._fields))
_NAMED_BY = {_MODEL_FIELD: _PROVIDER_FIELD, _VERSION_FIELD: _PROMPT_FIELD}


@dataclass(frozen=True, slots=True)
class Widest:
    """A group that explains findings; `rows` are their places among those that were asked about."""

    scope: Scope
    rows: Ints


class ScopeFinder:
    """Looks for groups. The findings of one look are of one family.

    A group is taken if at least three of its series show it (two, if no more than four had calls that day), and these have at least 60 %
    of the weight. A series that shows it weighs as many calls as it had since the onset, up to 20 and at least 1: evidence counts, not
    volume. One that does not weighs its calls beyond the first 10: until then it may yet show it. So a group whose slow series had no time
    to fail is recognised by its fast ones, and a healthy fast series speaks against it. The scope is then narrowed to what has nearly all
    of the evidence: an outage of one model's tasks is that model's, though a call of another one failed meanwhile. Where all active series
    of the group agree anyway, it is not narrowed: the outage of a provider with one model is the provider's.
    """

    def __init__(self, roster: Roster, recent: RecentCalls, configuration: MonitorConfiguration) -> None:
        self._roster = roster
        self._recent = recent
        self._configuration = configuration

    def widest(self, findings: Sequence[Finding], fresh_count: int) -> Widest | None:
        """The coarsest group that explains some of the findings, one of the first `fresh_count` among them; None if there is none."""
        if len(findings) < 2:
            return None
        series = np.array([self._roster.number(finding.key) for finding in findings])
        onset_s = np.array([finding.onset_s for finding in findings])
        for level in range(LEVEL_COUNT):
            group_of = self._roster.memberships[series, level]
            groups, counts = np.unique(group_of[group_of != NO_GROUP], return_counts=True)
            # The greatest first; groups of one size in an order that does not depend on their numbers.
            sizes = dict(zip(groups.tolist(), counts.tolist(), strict=True))
            for group in sorted((group for group in sizes if sizes[group] > 1), key=lambda group: (-sizes[group], self._name(group))):
                rows = self._together(np.flatnonzero(group_of == group), series, onset_s)
                if not self._holds(level, group, [findings[row] for row in rows], series[rows]):
                    continue
                widest = self._narrowed(group, findings, rows)
                if len(widest.rows) > 1 and (widest.rows < fresh_count).any():
                    return widest
        return None

    def is_near(self, finding: Finding, time_s: float) -> bool:
        """Whether the finding began at about this time, as far as its series' calls can tell."""
        return bool(abs(finding.onset_s - time_s) <= self._tolerance_s(np.array([self._roster.number(finding.key)]))[0])

    def _name(self, group: int) -> tuple[str, ...]:
        return tuple(part or "" for part in self._roster.groups[group])

    def _tolerance_s(self, series: Ints) -> Floats:
        interval_s = np.nan_to_num(self._recent.interval_s(series))
        return np.maximum(self._configuration.onset_near_s, self._configuration.onset_near_intervals * interval_s)

    def _together(self, rows: Ints, series: Ints, onset_s: Floats) -> Ints:
        """Those of the rows that began close to the middle one."""
        middle_s = float(np.sort(onset_s[rows])[len(rows) // 2])
        return rows[np.abs(onset_s[rows] - middle_s) <= self._tolerance_s(series[rows])]

    def _holds(self, level: int, group: int, showing: Sequence[Finding], series: Ints) -> bool:
        if len(showing) < 2 or not self._is_diverse(level, showing):
            return False
        quiet = np.setdiff1d(self._roster.members(group), series)
        first_s = min(finding.onset_s for finding in showing)
        calls = self._recent.calls_since(quiet, first_s)
        active_count = len(showing) + int((self._recent.newest_s(quiet) > first_s - DAY_S).sum())
        if len(showing) < (2 if active_count <= _SMALL_GROUP else _SHOWING_MIN):
            return False
        calls_max = self._configuration.scope_calls_max
        for_it = sum(min(max(finding.call_count, 1), calls_max) for finding in showing)
        against = float(np.clip(calls - self._configuration.scope_calls_undecided, 0, calls_max).sum())
        return bool(for_it >= self._configuration.scope_share_min * (for_it + against))

    def _is_diverse(self, level: int, showing: Sequence[Finding]) -> bool:
        """Whether it is more than one of what a group is made of: a project is several providers, unless it is silent as a whole."""
        if level == PROJECT:
            return showing[0].form is Form.SILENCE or len({finding.key.provider for finding in showing}) > 1
        if level == TASK_TYPE:
            return len({(finding.key.provider, finding.key.model) for finding in showing}) > 1
        return level in {PROVIDER, MODEL} or len({finding.key for finding in showing}) > 1

    def _narrowed(self, group: int, findings: Sequence[Finding], rows: Ints) -> Widest:
        """The part of the group that has nearly all of the evidence, and those of the rows that are in it."""
        scope = list(self._roster.groups[group])
        members = self._roster.members(group)
        active = [self._roster.keys[number] for number in members[self._recent.newest_s(members) > 0]]
        for place in range(len(SeriesKey._fields)):
            # A model's name means nothing without its provider, nor a prompt's version without its name.
            if scope[place] is not None or (place in _NAMED_BY and scope[_NAMED_BY[place]] is None):
                continue
            evidence: dict[str, float] = defaultdict(float)
            for row in rows.tolist():
                evidence[findings[row].key[place]] += min(max(findings[row].log10_e, _EVIDENCE_MIN), _EVIDENCE_MAX)
            value = max(evidence, key=lambda value: (evidence[value], value))
            if evidence[value] >= _NEARLY_ALL * sum(evidence.values()) and len({key[place] for key in active}) > 1:
                scope[place] = value
                rows = np.array([row for row in rows.tolist() if findings[row].key[place] == value])
        return Widest(Scope(*scope), rows)
