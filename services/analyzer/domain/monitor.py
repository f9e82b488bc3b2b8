"""Watches one project: from windows of calls to anomalies, each told once, as long as it lasts, and when it is over."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from services.analyzer.domain import findings as told
from services.analyzer.domain.anomaly import Anomaly
from services.analyzer.domain.arrays import Floats, Ints
from services.analyzer.domain.engine import Engine
from services.analyzer.domain.episode import Episode, record
from services.analyzer.domain.episodes import Episodes
from services.analyzer.domain.failures import FailureWatch
from services.analyzer.domain.fields import FieldWatch
from services.analyzer.domain.finding import Finding, FindingId
from services.analyzer.domain.metric import Direction, Metric
from services.analyzer.domain.monitor_configuration import HOUR_S, MonitorConfiguration
from services.analyzer.domain.monitor_state import MonitorState, Parts, project_state, restore_project, restore_series, series_state
from services.analyzer.domain.recent_calls import RecentCalls
from services.analyzer.domain.roster import Roster
from services.analyzer.domain.series import SeriesKey
from services.analyzer.domain.signals import AcceptedShift, Signals
from services.analyzer.domain.silence import SilenceWatch
from services.analyzer.domain.window_columns import WindowColumns

DEFAULT = MonitorConfiguration()
# What is told again when numbers alone changed: no sooner than after this part of the time that it has lasted.
_UPDATE_SHARE = 0.02


class Monitor:
    """Not safe for threads: one caller at a time. The same calls of its methods give the same anomalies, ids and versions.

    `now_s` is the time until which everything that was known has been handed over, seconds since 1970. It does not go back.
    """

    def __init__(self, configuration: MonitorConfiguration = DEFAULT, engine: Engine | None = None) -> None:
        self.engine = engine or Engine()
        self._configuration = configuration
        self._roster = Roster()
        self._recent = RecentCalls()
        self._silence = SilenceWatch(self._roster, configuration)
        self._fields = FieldWatch(configuration)
        self._failures = FailureWatch(self._roster, configuration)
        self._episodes = Episodes(self._roster, self._recent, configuration)
        self._reader = told.SilenceReader(self._roster, self._recent, self._silence, self.engine)
        self._signals: dict[FindingId, Finding] = {}
        self._accepted: list[AcceptedShift] = []
        self._changed: set[int] = set()

    def learn(self, keys: Sequence[SeriesKey], windows: WindowColumns) -> None:
        """Takes in history, ordered by start, of windows of up to an hour: teaches what is normal, and raises nothing.

        `keys` are series to be added first; `windows` has numbers as the engine gives them.
        """
        self.engine.add(keys)
        self._grow()
        if not len(windows):
            return
        self.engine.learn(windows)
        self._recent.add(windows)
        self._silence.learn(windows)
        self._fields.learn(windows)
        self._changed.update(np.unique(windows.series).tolist())

    def observe(self, windows: WindowColumns, now_s: float) -> list[Anomaly]:
        """Takes in what is new. Returns the anomalies that are new or changed, each with its whole present value.

        Windows that ended over 15 minutes before the newest of their series teach and raise nothing; those of the future are left out.
        """
        self._grow()
        windows = windows.select(windows.end_s - windows.length_s <= now_s + self._configuration.ahead_s)
        if len(windows):
            self._take_in(windows, now_s)
        return self._review(now_s)

    def tick(self, now_s: float) -> list[Anomaly]:
        """Time has passed until now, and all calls that came were told. To be called every few seconds, and every minute at least."""
        self._grow()
        before = self._silence.marks()
        self._silence.pass_time(now_s, self._rates)
        self._failures.pass_time(now_s)
        self._changed.update(self._fields.pass_time(now_s).tolist())
        self._changed.update(np.flatnonzero(self._silence.marks() != before).tolist())
        return self._review(now_s)

    def open(self) -> list[Anomaly]:
        """The anomalies that go on, the oldest first."""
        episodes = sorted(self._episodes.open.values(), key=lambda episode: (episode.start_s, episode.anomaly_id))
        return [record(episode) for episode in episodes]

    def take_accepted(self) -> list[AcceptedShift]:
        """Shifts that stood long enough to become normal by themselves, since this was asked last."""
        accepted, self._accepted = self._accepted, []
        return accepted

    def changed_series(self) -> Ints:
        """Numbers of the series whose state changed since this was asked last, ascending."""
        changed, self._changed = sorted(self._changed), set()
        return np.array(changed, np.int64)

    def state(self, series: Ints | None = None) -> MonitorState:
        """All that is known: of the project, and of these series (all by default)."""
        numbers = np.arange(len(self._roster.keys)) if series is None else series
        parts = self._parts()
        engine_states = self.engine.state(numbers)
        states = {
            self._roster.keys[number]: series_state(parts, number, engine_state)
            for number, engine_state in zip(numbers.tolist(), engine_states, strict=True)
        }
        return MonitorState(states, project_state(parts))

    def restore(self, state: MonitorState) -> None:
        """Puts a monitor that was just made back to where it was. Raises AssayError STATE_UNREADABLE if a state is of another version."""
        for key, content in state.series.items():
            restore_series(self._parts(), key, content, self.engine, self._grow)
        if state.project:
            restore_project(self._parts(), state.project)

    def _parts(self) -> Parts:
        return Parts(self._roster, self._recent, self._silence, self._fields, self._failures, self._episodes, self._signals)

    def _grow(self) -> None:
        known = len(self._roster.keys)
        if len(self.engine.keys) == known:
            return
        self._roster.add(range(known, len(self.engine.keys)), self.engine.keys[known:])
        self._recent.grow(len(self._roster.keys))
        self._fields.grow(len(self._roster.keys))
        self._silence.grow()
        self._failures.grow()

    def _rates(self, time_s: float) -> Floats:
        """Calls expected an hour of each series."""
        count = len(self._roster.keys)
        return self.engine.baselines(np.arange(count), Metric.CALL_VOLUME, np.full(count, time_s)).centre

    def _take_in(self, windows: WindowColumns, now_s: float) -> None:
        here = np.unique(windows.series)
        before = self._silence.marks()
        baseline = self.engine.baselines(windows.series, Metric.SUCCESS_RATIO, windows.start_s.astype(np.float64))
        confidence = np.minimum(baseline.confidence_ratio, 0.999)
        signals = self.engine.observe(windows)
        self._recent.add(windows)
        # What came long after it was over says nothing on who is silent now.
        self._silence.observe(windows.select(windows.end_s > now_s - HOUR_S), now_s)
        newest_s = self._recent.newest_s(windows.series)
        in_time = windows.end_s >= newest_s - self._configuration.late_s
        punctual = windows.select(in_time)
        self._fields.observe(punctual)
        self._failures.observe(
            punctual,
            1 - baseline.centre[in_time],
            (100 * confidence / (1 - confidence))[in_time],
            self._silence.groups.column("daily_calls"),
            now_s,
        )
        self._hear(signals, here)
        self._episodes.count_calls(windows)
        self._changed.update(here.tolist())
        self._changed.update(np.flatnonzero(self._silence.marks() != before).tolist())

    def _hear(self, signals: Signals, observed: Ints) -> None:
        """Brings what the engine has in alarm up to date: of the series that were observed it tells all."""
        keys = {self._roster.keys[number] for number in observed.tolist()}
        for each in [each for each in self._signals if each.key in keys]:
            del self._signals[each]
        for row in range(len(signals)):
            finding = told.of_signal(signals, row, self._roster)
            if signals.is_alarm[row]:
                self._signals[finding.id] = finding
            elif signals.is_accepted[row]:
                shift = finding.expected, finding.observed, finding.onset_s, finding.seen_s
                self._accepted.append(AcceptedShift(int(signals.series[row]), finding.metric, *shift))

    def _findings(self, now_s: float) -> dict[FindingId, Finding]:
        """All that is in alarm now. Where two tests find the same, what the engine says counts."""
        found = [
            *told.of_failing(self._failures.failing(), self._roster, self.engine, self._configuration.failure_alone_log10_e),
            *told.of_missing(self._fields.missing(), self._roster),
            *self._reader.findings(self._silence.silences(), now_s),
            *(finding for finding in self._signals.values() if not self._is_of_a_silence(finding)),
        ]
        return {finding.id: finding for finding in found}

    def _is_of_a_silence(self, finding: Finding) -> bool:
        """The volume of the hours in which a series was silent is low, which is known by the time that these hours are over."""
        if finding.metric is not Metric.CALL_VOLUME or finding.direction is not Direction.DOWN:
            return False
        series = self._roster.number(finding.key)
        until_s = self._silence.series.column("silent_until_s")[series]
        return bool(finding.onset_s <= until_s or self._silence.series.column("silent_since_s")[series] > 0)

    def _review(self, now_s: float) -> list[Anomaly]:
        findings = self._findings(now_s)
        changed = {episode.anomaly_id: episode for episode in self._episodes.review(findings, now_s)}
        due = {episode.anomaly_id: episode for episode in self._episodes.open.values() if self._is_due(episode, now_s)}
        return [self._told(episode, now_s) for _, episode in sorted({**due, **changed}.items())]

    def _is_due(self, episode: Episode, now_s: float) -> bool:
        """Whether its numbers are worth telling again."""
        wait_s = max(self._configuration.update_s, _UPDATE_SHARE * (now_s - episode.start_s))
        return now_s - episode.told_s >= wait_s and episode.counts() != episode.told_counts

    def _told(self, episode: Episode, now_s: float) -> Anomaly:
        episode.version += 1
        episode.told_s, episode.told_counts = now_s, episode.counts()
        return record(episode)
