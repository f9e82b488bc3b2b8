"""Does what schedules ask for: each run once, whatever the number of replicas; late rather than never; again where something was away."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta

from kit import logs, patience
from kit.errors import AssayError
from services.reporter.domain.period import Length, period_of
from services.reporter.domain.spans import zone_of
from services.reporter.gathering import Asked
from services.reporter.making import Making, Order
from services.reporter.projects import Projects
from services.reporter.sending import PASSING, Sending
from services.reporter.store.reports import StoredReport
from services.reporter.store.runs import Run, RunState, RunStore
from services.reporter.store.schedules import Schedule, ScheduleStore

# By one replica: as many as are made at once.
RUNS_AT_ONCE = 2
# Longer than making and sending may take: whoever has not told by then what became of a run is gone.
LEASE = timedelta(minutes=5)
RUN_TIMEOUT_S = 240.0
LATE_AFTER = timedelta(minutes=10)
# 30 s, a minute, two … an hour: what was away for some hours is made up for.
RETRY_FIRST = timedelta(seconds=30)
RETRY_MAX = timedelta(hours=1)
ATTEMPTS_MAX = 14
_DETAIL_LENGTH_MAX = 300

_log = logs.get_logger(__name__)


class Scheduler:
    """Every replica runs one."""

    def __init__(
        self, schedules: ScheduleStore, runs: RunStore, projects: Projects, making: Making, sending: Sending, *, look_every_s: float
    ) -> None:
        self._schedules = schedules
        self._runs = runs
        self._projects = projects
        self._making = making
        self._sending = sending
        self._look_every_s = look_every_s
        self._unreadable: set[tuple[str, str]] = set()  # those that the log has told of

    async def run(self, stop: asyncio.Event) -> None:
        """Works until asked to stop; what is under way is finished."""
        while not stop.is_set():
            with _patiently():
                self._tell_unreadable(await self._runs.note_due(datetime.now(UTC)))
            await asyncio.gather(*(self._do_all(stop) for _ in range(RUNS_AT_ONCE)))
            await patience.pause(stop, self._look_every_s)

    def _tell_unreadable(self, found: set[tuple[str, str]]) -> None:
        """Logs each of them once: a replica of the version that wrote it does what it asks for."""
        for project, schedule_id in found - self._unreadable:
            _log.warning("a schedule cannot be read: another version of Assay wrote it", project=project, schedule=schedule_id)
        self._unreadable |= found

    async def _do_all(self, stop: asyncio.Event) -> None:
        with _patiently():
            while not stop.is_set():
                run = await self._runs.claim(datetime.now(UTC), LEASE, LATE_AFTER)
                if run is None:
                    return
                await self._do(run)

    async def _do(self, run: Run) -> None:
        """Tries once, and tells what became of it."""
        report_id = run.report_id
        try:
            async with asyncio.timeout(RUN_TIMEOUT_S):
                schedule = (await self._schedules.get(run.project, run.schedule_id)).schedule
                report = await self._report(run, schedule)
                report_id = report.report_id
                if schedule.receiver_ids:
                    await self._sending.send(report, schedule.receiver_ids)
        except Exception as error:  # noqa: BLE001 - what is wrong with one run must not hold up the others
            await self._failed(run, report_id, error)
        else:
            await self._runs.end(run, RunState.DONE, report_id, "", datetime.now(UTC))

    async def _report(self, run: Run, schedule: Schedule) -> StoredReport:
        report_id = f"{run.schedule_id}-{run.due_time:%Y%m%dT%H%MZ}"
        asked = f"due {run.due_time.isoformat()}"
        known = await self._making.known(run.project, report_id, asked)
        if known is not None:
            return known
        await self._projects.require(run.project)
        zone = schedule.timing.zone
        period = period_of(schedule.period, None, None, zone_of(zone), run.due_time)
        remarks = (f"This report is late: it was due at {_moment(run.due_time, zone)}.",) if run.is_late else ()
        about = Asked(run.project, zone, period, datetime.now(UTC), remarks)
        order = Order(report_id, asked, Length(schedule.period), about, schedule_id=run.schedule_id)
        return await self._making.make(order, lambda _ratio: None)

    async def _failed(self, run: Run, report_id: str, error: Exception) -> None:
        """Has it tried again where that may help, and gives it up where not."""
        now = datetime.now(UTC)
        is_refused = isinstance(error, AssayError) and error.kind not in PASSING
        detail = error.message if isinstance(error, AssayError) else "something went wrong here; the log says what"
        if isinstance(error, TimeoutError) or patience.is_passing(error):
            _log.warning("a run of a schedule waits", project=run.project, schedule=run.schedule_id, why=str(error) or repr(error))
        elif not isinstance(error, AssayError):
            _log.error("a run of a schedule failed", project=run.project, schedule=run.schedule_id, error=error)
        if is_refused or run.attempt_count >= ATTEMPTS_MAX:
            await self._runs.end(run, RunState.FAILED, report_id, detail[:_DETAIL_LENGTH_MAX], now)
            return
        pause = min(RETRY_FIRST * 2 ** (run.attempt_count - 1), RETRY_MAX)
        await self._runs.retry(run, report_id, detail[:_DETAIL_LENGTH_MAX], now + pause)


@contextmanager
def _patiently() -> Iterator[None]:
    """Tells of a database that is away, which the next look may find; anything else is raised."""
    try:
        yield
    except Exception as error:
        if not patience.is_passing(error):
            raise
        _log.warning("schedules wait for the database", why=str(error) or repr(error))


def _moment(moment: datetime, zone: str) -> str:
    return f"{moment.astimezone(zone_of(zone)):%Y-%m-%d %H:%M} ({zone})"
