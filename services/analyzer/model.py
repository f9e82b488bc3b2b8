"""What is known of one project: its monitor, what has been taken of its windows, and what of that is to be kept. Not safe for threads."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from services.analyzer.domain.anomaly import Anomaly
from services.analyzer.domain.arrays import Floats, Ints
from services.analyzer.domain.curve import NotedCurves
from services.analyzer.domain.metric import Metric
from services.analyzer.domain.monitor import DEFAULT, Monitor
from services.analyzer.domain.monitor_state import MonitorState
from services.analyzer.domain.seen import Seen, pack, unpack
from services.analyzer.domain.series import SeriesKey
from services.analyzer.domain.signals import AcceptedShift, BaselineColumns
from services.analyzer.domain.window_columns import WindowColumns
from services.analyzer.store.records import ProjectWork

_UNNUMBERED = -1


class Model:
    """Series have a number here, in the order in which they came, and another one in the database."""

    def __init__(self) -> None:
        self._monitor = Monitor()
        self.seen = Seen()
        self.versions = NotedCurves()
        # Start of the earliest window that was left out since it is yet to come, None where there is none.
        self.ahead_s: int | None = None
        self._series_ids: Ints = np.zeros(0, np.int64)
        self._known_ids: frozenset[int] = frozenset()
        self._news: list[WindowColumns] = []
        self._changed: set[int] = set()
        self._taught: set[int] = set()

    @property
    def series_count(self) -> int:
        """How many series there are."""
        return len(self._monitor.engine.keys)

    @property
    def has_news(self) -> bool:
        """Whether something is to be kept."""
        self._note_changed()
        return bool(self._news or self._changed)

    @property
    def unnumbered(self) -> list[SeriesKey]:
        """The series that have no number in the database yet."""
        known = len(self._series_ids)
        missing = np.flatnonzero(self._series_ids == _UNNUMBERED).tolist()
        return [self._monitor.engine.keys[number] for number in (*missing, *range(known, self.series_count))]

    def numbers(self, keys: Sequence[SeriesKey]) -> Ints:
        """The numbers of series here; new ones are added."""
        return self._monitor.engine.add(keys)

    def take_numbers(self, series_ids: Mapping[SeriesKey, int]) -> None:
        """Takes in the numbers that series have in the database."""
        self._series_ids = np.array([series_ids.get(key, _UNNUMBERED) for key in self._monitor.engine.keys], np.int64)
        self._known_ids = frozenset(self._series_ids.tolist()) - {_UNNUMBERED}

    def series_ids(self, numbers: Ints) -> Ints:
        """What these series are in the database."""
        return self._series_ids[numbers]

    def knows(self, series_id: int) -> bool:
        """Whether a series of the database is here."""
        return series_id in self._known_ids

    def numbers_of(self, series_ids: Ints) -> Ints:
        """What these series of the database are here, which must all be known."""
        order = np.argsort(self._series_ids)
        return order[np.searchsorted(self._series_ids, series_ids, sorter=order)]

    def learn(self, windows: WindowColumns) -> None:
        """Teaches history."""
        self._monitor.learn((), windows)
        self._taught.update(np.unique(windows.series).tolist())

    def observe(self, windows: WindowColumns, now_s: float) -> tuple[int, list[Anomaly]]:
        """Takes in what is new in windows given with their present values; how many have something new, and what was found."""
        is_ahead = windows.start_s > now_s + DEFAULT.ahead_s
        if is_ahead.any():
            first_s = int(windows.start_s[is_ahead].min())
            self.ahead_s = first_s if self.ahead_s is None else min(first_s, self.ahead_s)
        new = self.seen.increments(windows.select(~is_ahead))
        found = self._monitor.observe(new, now_s)
        if len(new):
            self._news.append(new)
            self._taught.update(np.unique(new.series).tolist())
        return len(new), found

    def tick(self, now_s: float) -> list[Anomaly]:
        """Time has passed; what that tells."""
        return self._monitor.tick(now_s)

    def accept(self, series: int, metric: Metric) -> AcceptedShift:
        """Makes the present level normal. Raises AssayError NOT_IN_ALARM."""
        accepted = self._monitor.engine.accept(series, metric)
        self._changed.add(series)
        self._taught.add(series)
        return accepted

    def take_accepted(self) -> list[AcceptedShift]:
        """The levels that became normal by themselves since this was asked last."""
        return self._monitor.take_accepted()

    def take_taught(self) -> Ints:
        """The series that something was learnt of since this was asked last, ascending."""
        taught, self._taught = sorted(self._taught), set()
        return np.array(taught, np.int64)

    def baselines(self, series: Ints, metric: Metric, time_s: Floats) -> BaselineColumns:
        """What is normal, as the engine has it."""
        return self._monitor.engine.baselines(series, metric, time_s)

    def restore(self, work: ProjectWork) -> None:
        """Puts back what was kept. Raises AssayError STATE_UNREADABLE."""
        states = {work.series[series_id]: state for series_id, state in work.series_states.items()}
        self._monitor.restore(MonitorState(states, work.state or b""))
        self._monitor.engine.add(list(work.series.values()))
        self.take_numbers({key: series_id for series_id, key in work.series.items()})
        for body in work.intake:
            self.seen.add(unpack(body, self.numbers_of))
        self._taught.update(range(self.series_count))

    def project_state(self) -> bytes:
        """What is known of the project beside its series."""
        return self._monitor.state(np.zeros(0, np.int64)).project

    def changed_states(self) -> dict[int, bytes]:
        """What is known of the series that have changed, by their numbers in the database."""
        self._note_changed()
        changed = np.array(sorted(self._changed), np.int64)
        states = self._monitor.state(changed).series
        return {series_id: states[self._monitor.engine.keys[number]] for number, series_id in self._pairs(changed)}

    def packed_intake(self) -> tuple[bytes | None, int]:
        """What was taken of windows since the last time, and the start of the latest of them; None for nothing."""
        if not self._news:
            return None, 0
        news = WindowColumns.concatenated(self._news)
        return pack(news, self.series_ids), int(news.start_s[-1])

    def forget_news(self) -> None:
        """Notes that all is kept."""
        self._news.clear()
        self._changed.clear()

    def _note_changed(self) -> None:
        self._changed.update(self._monitor.changed_series().tolist())

    def _pairs(self, numbers: Ints) -> list[tuple[int, int]]:
        return list(zip(numbers.tolist(), self.series_ids(numbers).tolist(), strict=True))
