"""Makes reports: gathers, computes, keeps, announces. The same id gives the same report, whoever asks and however often."""

import asyncio
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncEngine

from kit.bus import Bus
from kit.errors import AssayError, Kind
from kit.threads import in_turn
from services.reporter.announce import announce
from services.reporter.domain.build import build
from services.reporter.domain.period import Length, Period
from services.reporter.domain.period_data import Sum
from services.reporter.domain.report import Report, to_json
from services.reporter.gathering import Asked, Gathered, Gathering, Sources
from services.reporter.messages.notes import recommendation_content
from services.reporter.messages.report_messages import report_to_message
from services.reporter.store.recommendations import note_recommendations
from services.reporter.store.reports import ReportStore, StoredReport, add_report

# Each takes up to 300 MB.
MADE_AT_ONCE = 2
# Those that wait for their turn: the last of them waits a minute or so.
WAITING_MAX = 20
RETRY_S = 10.0
# Far beyond what years of many series take.
MAKE_TIMEOUT_S = 120.0
LINK_KEY_BYTES = 32
# Gathering takes most of the time.
GATHERED_RATIO = 0.8

Tell = Callable[[float], None]


@dataclass(frozen=True, slots=True)
class Order:
    """What is to be made. `asked`: the question as it was put, by which a repeat is known; one of `created_by`, `schedule_id` is empty."""

    report_id: str
    asked: str
    length: Length
    about: Asked
    created_by: str = ""
    schedule_id: str = ""


class Making:
    """Makes reports of all projects."""

    def __init__(self, engine: AsyncEngine, bus: Bus, sources: Sources, reports: ReportStore) -> None:
        self._engine = engine
        self._bus = bus
        self._sources = sources
        self._reports = reports
        self._turns = asyncio.Semaphore(MADE_AT_ONCE)
        self._building = asyncio.Semaphore(MADE_AT_ONCE)
        self._waiting_count = 0

    async def known(self, project: str, report_id: str, asked: str) -> StoredReport | None:
        """The report of this id, if it was made already. Raises REPORT_EXISTS where it is about something else."""
        found = await self._reports.find(project, report_id)
        if found is not None and found.asked != asked:
            raise AssayError(Kind.ALREADY_EXISTS, "REPORT_EXISTS", "there is a report of this id about another period")
        return found

    async def make(self, order: Order, tell: Tell) -> StoredReport:
        """The report, when it is kept. `tell` is told how much is done, 0 to 1. Raises AssayError."""
        gathering = Gathering(self._sources, order.about, lambda ratio: tell(ratio * GATHERED_RATIO))
        if self._waiting_count >= WAITING_MAX:
            message = "many reports are being made: try again in a moment"
            raise AssayError(Kind.RESOURCE_EXHAUSTED, "TOO_MANY_REPORTS", message, retry_after_s=RETRY_S)
        self._waiting_count += 1
        try:
            async with asyncio.timeout(MAKE_TIMEOUT_S), self._turns:
                gathered = await gathering.gather()
                tell(GATHERED_RATIO)
                report = await in_turn(self._building, lambda: build(gathered.data))
                return await self._keep(order, gathered, report)
        except TimeoutError:
            message = f"the report was not made within {MAKE_TIMEOUT_S:g} s: try again, or about a shorter period"
            raise AssayError(Kind.DEADLINE_EXCEEDED, "REPORT_TIMEOUT", message) from None
        finally:
            self._waiting_count -= 1

    async def _keep(self, order: Order, gathered: Gathered, report: Report) -> StoredReport:
        """Keeps the report and what it recommends. Whoever was faster with this id has made the one that counts."""
        made = _stored(order, gathered, report)
        advice = [(one.recommendation_id, one.title, recommendation_content(one)) for one in report.recommendations]
        async with self._engine.begin() as connection:
            is_new = await add_report(connection, made, to_json(report), secrets.token_bytes(LINK_KEY_BYTES))
            if is_new:
                await note_recommendations(connection, made.project, made.report_id, advice, made.create_time)
        if not is_new:
            return await self._reports.get(made.project, made.report_id)
        await announce(self._bus, report_to_message(made))
        return made


def _stored(order: Order, gathered: Gathered, report: Report) -> StoredReport:
    period: Period = order.about.period
    made_at: datetime = order.about.now
    return StoredReport(
        project=order.about.project,
        report_id=order.report_id,
        asked=order.asked,
        title=report.title,
        period=order.length,
        start_time=period.start,
        end_time=period.end,
        time_zone=order.about.zone,
        create_time=made_at,
        created_by=order.created_by,
        schedule_id=order.schedule_id,
        summary=report.summary,
        call_count=round(gathered.data.period.sums[Sum.CALLS].sum()),
        recommendation_count=len(report.recommendations),
        missing_sources=gathered.missing_sources,
    )
