"""The work on one project: learns its history, looks at what is announced, keeps what was found, and tells of it."""

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from kit import logs, metrics, patience
from kit.errors import AssayError
from services.analyzer.collector import MINUTE_S, Collector
from services.analyzer.domain.anomaly import Anomaly
from services.analyzer.domain.window_columns import WindowColumns
from services.analyzer.inbox import Changes, Inbox
from services.analyzer.model import Model
from services.analyzer.notes import Notes
from services.analyzer.publish import Publisher
from services.analyzer.store.records import Claim, Position, Progress
from services.analyzer.store.work import WorkStore

_log = logs.get_logger(__name__)
_SECONDS = metrics.histogram("assay_analyzer_batch_seconds", "From announcements of a project to what was found in them, kept.")
_WINDOWS = metrics.counter("assay_analyzer_windows_total", "Windows in which something was new.")

# Announcements within this time are looked at together.
GATHER_S = 2.0
# What only time tells, such as silence, is looked for so often.
TICK_S = 5.0
# A project without series has nothing to be silent.
EMPTY_TICK_S = 60.0
# What was learnt is kept so often, and at once when something was found; where that takes long, for there are very many series, less often.
KEEP_EVERY_S = 10.0
KEEP_SHARE_MAX = 0.1
# What normal looks like is noted so often, where it has changed.
NOTE_EVERY_S = 300.0
FORGET_EVERY_S = 6 * 3_600.0
# Calls may come so late and still count: an hour, and some for what comes before that.
LATE_S = 70 * MINUTE_S
# Minutes of a slice when what was missed is looked at.
CATCH_UP_SLICE_S = 10 * MINUTE_S
# Whoever was away for longer learns the time between by the hour, and tests what is recent.
AWAY_S = 6 * 3_600
HOUR_S = 3_600
HISTORY_SLICE_S = 6 * HOUR_S
# Windows that are learnt at once: 50 MB, and as much again while they are sorted. More is better: the unusual is held against the rest.
LEARN_WINDOWS = 200_000
# Between tries while the collector is away.
RETRY_S = 1.0
# A project that was met so recently may get its history after that, as by a replay; it is learnt anew when no more comes.
YOUNG = timedelta(days=1)
QUIET_S = 10.0


@dataclass(frozen=True)
class Tools:
    """What the work on every project needs."""

    collector: Collector
    store: WorkStore
    publisher: Publisher
    notes: Notes
    history: timedelta
    now_s: Callable[[], float] = time.time


class Worker:
    """Works on one project that is ours."""

    def __init__(self, tools: Tools, claim: Claim, inbox: Inbox) -> None:
        self._tools = tools
        self._claim = claim
        self._project = claim.project
        self._inbox = inbox
        self._model = Model()
        self._position = Position(0, 0)
        self._is_young_until = datetime.now(UTC)
        self._found: dict[str, Anomaly] = {}
        self._kept_at = self._noted_at = self._forgotten_at = float("-inf")
        self._keep_every_s = KEEP_EVERY_S
        self._relearn_at: float | None = None

    async def run(self) -> None:
        """Works for ever. Raises OwnershipLostError when somebody else works on the project, and the errors of neighbours that are away."""
        await self._begin()
        while True:
            changes, has_requests = await self._inbox.take(TICK_S if self._model.series_count else EMPTY_TICK_S, GATHER_S)
            try:
                await self._look_at(changes)
                await self._keep_if_due()
                if has_requests:
                    await self._apply_shifts()
                    await self._tools.publisher.publish(self._project)
            except AssayError as error:
                # The collector or the bus is away. (The database's errors are others: after those, what was kept is the truth.)
                if not patience.is_passing(error):
                    raise
                _log.warning("waiting for the collector or the bus", project=self._project, reason=error.reason)
                self._inbox.put_back(changes)
                await asyncio.sleep(RETRY_S)

    async def _begin(self) -> None:
        work = await self._tools.store.load(self._claim, LATE_S)
        self._is_young_until = work.create_time + YOUNG
        if work.position is None:
            await self._learn()
            return
        self._position = work.position
        self._model.seen.forget(_minute(work.position.position_s - LATE_S))
        try:
            await asyncio.to_thread(self._model.restore, work)
        except AssayError as error:
            if error.reason != "STATE_UNREADABLE":
                raise
            _log.warning("what was learnt cannot be read: it is learnt anew", project=self._project, why=error.message)
            await self._learn()
            return
        self._model.versions = await self._tools.notes.load(self._project, self._model)
        await self._tools.publisher.publish(self._project)
        await self._catch_up()

    async def _learn(self) -> None:
        """Learns the history, in place of all that was known, and looks at what is recent."""
        self._model = Model()
        self._relearn_at = None
        self._noted_at = float("-inf")
        now_s = int(self._tools.now_s())
        until_s = _hour(now_s - LATE_S)
        start_s = _hour(now_s - int(self._tools.history.total_seconds()))
        learnt_from_s = await self._learn_hours(start_s, until_s)
        self._position = Position(until_s, min(learnt_from_s, until_s))
        self._model.seen.forget(until_s)
        await self._number_series()
        await self._tools.store.begin_anew(self._claim, await asyncio.to_thread(self._progress))
        self._model.versions = await self._tools.notes.load(self._project, self._model)
        self._note_that_all_is_kept()
        _log.info("history learnt", project=self._project, series=self._model.series_count)
        await self._catch_up()

    async def _learn_hours(self, start_s: int, until_s: int) -> int:
        """Teaches windows of an hour, as many at once as memory allows; returns when the first began, or `until_s` for none."""
        first_s = until_s
        gathered: list[WindowColumns] = []
        slices = self._tools.collector.slices(self._project, start_s, until_s, self._model.numbers, step_s=HOUR_S, slice_s=HISTORY_SLICE_S)
        async for _, windows in slices:
            if len(windows):
                first_s = min(first_s, int(windows.start_s[0]))
                gathered.append(windows)
            if sum(map(len, gathered)) >= LEARN_WINDOWS:
                await asyncio.to_thread(self._model.learn, WindowColumns.concatenated(gathered))
                gathered.clear()
        if gathered:
            await asyncio.to_thread(self._model.learn, WindowColumns.concatenated(gathered))
        return first_s

    async def _catch_up(self) -> None:
        """Looks at all windows since the position, and at those before it that late calls may have come to."""
        now_s = int(self._tools.now_s())
        if now_s - self._position.position_s > AWAY_S:
            until_s = _hour(now_s - LATE_S)
            await self._learn_hours(_hour(self._position.position_s + HOUR_S - 1), until_s)
            self._model.seen.forget(until_s)
        slices = self._tools.collector.slices(
            self._project,
            self._model.seen.first_s,
            _minute(now_s) + MINUTE_S,
            self._model.numbers,
            step_s=MINUTE_S,
            slice_s=CATCH_UP_SLICE_S,
        )
        async for until_s, windows in slices:
            await self._observe(windows, min(until_s, now_s))
        self._position = Position(max(self._position.position_s, now_s), self._position.learnt_from_s)
        await self._keep()

    async def _look_at(self, changes: Changes) -> None:
        now_s = int(self._tools.now_s())
        if changes.is_incomplete:
            await self._catch_up()
        elif not changes.is_empty:
            await self._look_at_windows(changes)
            self._position = Position(max(self._position.position_s, now_s), self._position.learnt_from_s)
        self._look_at_what_was_ahead(now_s)
        if self._relearn_at is not None and time.monotonic() >= self._relearn_at:
            # What was noted of a project that was hardly known says nothing on the days that are learnt now.
            await self._tools.notes.drop(self._project)
            await self._learn()
        self._note(await asyncio.to_thread(self._model.tick, self._tools.now_s()))

    async def _look_at_windows(self, changes: Changes) -> None:
        with _SECONDS.time():
            self._model.seen.forget(_minute(self._position.position_s - LATE_S))
            start_s = max(changes.first_s, self._model.seen.first_s)
            if start_s < changes.end_s:
                series_ids = sorted(changes.series_ids or ())
                windows = await self._tools.collector.windows(
                    self._project, start_s, changes.end_s, self._model.numbers, series_ids=series_ids
                )
                await self._observe(windows, self._tools.now_s())
            if self._found:
                await self._keep()
        if changes.first_s < self._model.seen.first_s - HOUR_S and datetime.now(UTC) < self._is_young_until:
            quiet_at = time.monotonic() + QUIET_S
            self._relearn_at = max(quiet_at, self._relearn_at or 0.0)

    def _look_at_what_was_ahead(self, now_s: int) -> None:
        """Has windows that were yet to come, by clocks that are ahead, looked at when their time has come."""
        first_s = self._model.ahead_s
        if first_s is not None and first_s <= now_s:
            self._model.ahead_s = None
            self._inbox.put_back(Changes(series_ids=None, first_s=first_s, end_s=_minute(now_s) + MINUTE_S))

    async def _observe(self, windows: WindowColumns, now_s: float) -> None:
        new_count, found = await asyncio.to_thread(self._model.observe, windows, now_s)
        _WINDOWS.inc(new_count)
        self._note(found)

    def _note(self, found: list[Anomaly]) -> None:
        self._found.update((anomaly.anomaly_id, anomaly) for anomaly in found)

    async def _keep_if_due(self) -> None:
        now = time.monotonic()
        if self._found or (self._model.has_news and now - self._kept_at >= self._keep_every_s):
            await self._keep()
        if now - self._noted_at >= NOTE_EVERY_S:
            self._noted_at = now
            await self._tools.notes.note(self._model, self._position, self._tools.now_s())
        if now - self._forgotten_at >= FORGET_EVERY_S:
            self._forgotten_at = now
            await self._tools.notes.forget(self._project)

    async def _keep(self) -> None:
        """Keeps what is new, all or none, and then tells of it."""
        began = time.monotonic()
        await self._number_series()
        await self._tools.store.keep(self._claim, await asyncio.to_thread(self._progress))
        self._keep_every_s = max(KEEP_EVERY_S, (time.monotonic() - began) / KEEP_SHARE_MAX)
        await self._tools.notes.add_accepted(self._project, self._model)
        has_found = bool(self._found)
        self._note_that_all_is_kept()
        if has_found:
            await self._tools.publisher.publish(self._project)

    async def _number_series(self) -> None:
        if self._model.unnumbered:
            self._model.take_numbers(await self._tools.store.number_series(self._project, self._model.unnumbered))

    def _progress(self) -> Progress:
        intake, last_start_s = self._model.packed_intake()
        return Progress(
            position=self._position,
            state=self._model.project_state(),
            series_states=self._model.changed_states(),
            anomalies=list(self._found.values()),
            intake=intake,
            intake_last_start_s=last_start_s,
            intake_first_s=_minute(self._position.position_s - LATE_S),
        )

    def _note_that_all_is_kept(self) -> None:
        self._model.forget_news()
        self._found.clear()
        self._kept_at = time.monotonic()

    async def _apply_shifts(self) -> None:
        await self._tools.notes.apply_shifts(self._project, self._model)
        await self._keep()


def _minute(unix_s: int) -> int:
    return unix_s // MINUTE_S * MINUTE_S


def _hour(unix_s: int) -> int:
    return unix_s // HOUR_S * HOUR_S
