"""Gathers what one report rests on from the collector, the analyzer and the alerter."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TypeVar

from assay.alerter.v1.alert_service_pb2 import ListAlertsRequest
from assay.analyzer.v1.anomaly_service_pb2 import ListAnomaliesRequest
from assay.analyzer.v1.prompt_service_pb2 import ComparePromptsRequest, ListPromptsRequest
from assay.collector.v1.collector_service_pb2 import GetLedgerRequest
from assay.collector.v1.metrics_service_pb2 import MetricSeries

from kit import logs
from kit.errors import AssayError
from services.reporter.domain.bounding import bounded
from services.reporter.domain.period import Period
from services.reporter.domain.period_data import (
    NO_ROWS,
    AlertNote,
    AnomalyNote,
    DayTotal,
    DurationRow,
    EarlierRecommendation,
    LedgerDay,
    PeriodData,
    PromptVerdict,
    Table,
)
from services.reporter.domain.spans import DAY_S, HOUR_S, Span, spans, zone_of
from services.reporter.messages import notes
from services.reporter.messages.metric_tables import (
    DIMENSIONS,
    DURATION_GROUPS,
    Wanted,
    day_totals,
    duration_rows,
    metrics_question,
    table_of,
    together,
)
from services.reporter.messages.verdicts import METRICS, verdict_of
from services.reporter.neighbours import Alerter, Analyzer, Collector
from services.reporter.store.recommendations import RecommendationStore

# The collector answers two questions of a project at a time; more at once would only wait there.
QUESTIONS_AT_ONCE = 2
# What the forecast of a month looks back at.
DAYS_BACK = timedelta(days=70)
# Hours of the day are looked at in periods up to this.
HOURLY_MAX = timedelta(days=31)
# Recommendations of earlier reports, the latest first.
EARLIER_MAX = 200
# Prompts whose versions are compared, the most used ones: each is a question over its whole life.
PROMPTS_MAX = 10
# An answer with more windows than the collector gives at once is asked for in halves.
_TOO_LARGE = frozenset({"RANGE_TOO_LARGE", "RESOURCE_EXHAUSTED"})

Tell = Callable[[float], None]
_Value = TypeVar("_Value")
_log = logs.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Sources:
    """Who is asked. Without analyzer or alerter, what they know is missing."""

    collector: Collector
    analyzer: Analyzer | None
    alerter: Alerter | None
    recommendations: RecommendationStore


@dataclass(frozen=True, slots=True)
class Asked:
    """What a report is about. `remarks`: sentences that stand at its top."""

    project: str
    zone: str
    period: Period
    now: datetime
    remarks: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Gathered:
    """What a report rests on, and which of the sources did not answer."""

    data: PeriodData
    missing_sources: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _FromAlerter:
    alerts: tuple[AlertNote, ...] = ()
    budget_usd: float | None = None


class Gathering:
    """Gathers for one report. `tell` is told how much of it is done, 0 to 1."""

    def __init__(self, sources: Sources, asked: Asked, tell: Tell) -> None:
        """Raises FIELD_INVALID for a zone or a period that there cannot be a report of."""
        self._sources = sources
        self._asked = asked
        self._spans = spans(asked.period.start, asked.period.end, asked.zone)
        self._turns = asyncio.Semaphore(QUESTIONS_AT_ONCE)
        self._missing: set[str] = set()
        self._tell = tell
        self._begun_count = self._done_count = 0
        self._told_ratio = 0.0

    async def gather(self) -> Gathered:
        """Raises AssayError while the collector is away; what the analyzer or the alerter knows is left out while they are."""
        asked, looked_at = self._asked, self._spans
        try:
            async with asyncio.TaskGroup() as group:
                start = group.create_task
                tables = [start(self._table(span)) for span in (looked_at.period, looked_at.previous)]
                baseline = start(self._baseline())
                hours = [start(self._hours(span)) for span in (looked_at.period, looked_at.previous)]
                durations = [start(self._durations(span)) for span in (looked_at.period, looked_at.previous)]
                days, first_call_at, ledger = start(self._days()), start(self._first_call_at()), start(self._ledger())
                anomalies, alerter, earlier = start(self._anomalies()), start(self._alerter()), start(self._earlier())
                verdicts = start(self._prompt_verdicts())
        except ExceptionGroup as failed:
            raise failed.exceptions[0] from failed  # the first that failed; the others were stopped for it
        (period, previous, usual), left_out = bounded([tables[0].result(), tables[1].result(), baseline.result()])
        data = PeriodData(
            project=asked.project,
            zone=asked.zone,
            start=asked.period.start,
            end=asked.period.end,
            made_at=asked.now,
            step_s=looked_at.step_s,
            period=period,
            previous=previous,
            baseline=usual,
            baseline_period_count=len(looked_at.baseline),
            period_hours=hours[0].result(),
            previous_hours=hours[1].result(),
            durations=durations[0].result(),
            previous_durations=durations[1].result(),
            days=days.result(),
            budget_usd=alerter.result().budget_usd,
            anomalies=anomalies.result(),
            alerts=alerter.result().alerts,
            ledger=ledger.result(),
            prompt_verdicts=verdicts.result(),
            earlier=earlier.result(),
            first_call_at=first_call_at.result(),
            data_until=min(asked.now, asked.period.end),
            notes=(
                *asked.remarks,
                *(f"The {name} could not be asked, so that what it knows is missing." for name in sorted(self._missing)),
            ),
            left_out_series_count=left_out,
        )
        return Gathered(data, tuple(sorted(self._missing)))

    async def _table(self, span: Span) -> Table:
        return table_of(await self._series(span, Wanted(DIMENSIONS, self._spans.step_s)))

    async def _baseline(self) -> Table:
        return together([await self._table(span) for span in self._spans.baseline])

    async def _hours(self, span: Span) -> Table:
        if self._asked.period.end - self._asked.period.start > HOURLY_MAX:
            return NO_ROWS
        return table_of(await self._series(span, Wanted(DIMENSIONS[:2], HOUR_S, with_durations=False)), with_durations=False)

    async def _durations(self, span: Span) -> tuple[DurationRow, ...]:
        answers = [duration_rows(await self._series(span, Wanted(by))) for by in DURATION_GROUPS]
        return tuple(row for rows in answers for row in rows)

    async def _days(self) -> tuple[DayTotal, ...]:
        """Whole local days up to the period's end, or to today."""
        zone = zone_of(self._asked.zone)
        until = min(self._asked.period.end, self._asked.now)
        start = (until - DAYS_BACK).astimezone(zone).replace(hour=0, minute=0, second=0, microsecond=0)
        return day_totals(await self._series(Span(start.astimezone(UTC), until), Wanted((), DAY_S, with_durations=False)), zone)

    async def _series(self, span: Span, wanted: Wanted) -> list[MetricSeries]:
        """The collector's answer, asked for in halves where it is too large for one."""
        end = min(span.end, self._asked.now)
        if span.start >= end:
            return []
        question = metrics_question(self._asked.project, self._asked.zone, span.start, end, wanted)
        try:
            return list((await self._turn(self._sources.collector.query(question))).series)
        except AssayError as error:
            step_count = (end - span.start) // timedelta(seconds=max(wanted.step_s, 1))
            if error.reason not in _TOO_LARGE or not wanted.step_s or step_count < 2:
                raise
            middle = span.start + timedelta(seconds=wanted.step_s) * (step_count // 2)
            return [*await self._series(Span(span.start, middle), wanted), *await self._series(Span(middle, end), wanted)]

    async def _first_call_at(self) -> datetime | None:
        series = await self._turn(self._sources.collector.series(self._asked.project))
        return min((one.first_store_time.ToDatetime(UTC) for one in series), default=None)

    async def _ledger(self) -> tuple[LedgerDay, ...]:
        request = GetLedgerRequest(project=self._asked.project)
        request.start_time.FromDatetime(self._asked.period.start)
        request.end_time.FromDatetime(min(self._asked.period.end, self._asked.now))
        return notes.ledger_days((await self._turn(self._sources.collector.ledger(request))).days)

    async def _anomalies(self) -> tuple[AnomalyNote, ...]:
        if self._sources.analyzer is None:
            return ()
        request = ListAnomaliesRequest(project=self._asked.project)
        request.start_time.FromDatetime(self._asked.period.start)
        request.end_time.FromDatetime(self._asked.period.end)
        return notes.anomaly_notes(await self._unless_away("analyzer", self._sources.analyzer.anomalies(request), []))

    async def _prompt_verdicts(self) -> tuple[PromptVerdict, ...]:
        """Comparisons of the versions of a prompt that were decided in the period, one a prompt."""
        if self._sources.analyzer is None:
            return ()
        request = ListPromptsRequest(project=self._asked.project)
        request.start_time.FromDatetime(self._asked.period.start)
        request.end_time.FromDatetime(min(self._asked.period.end, self._asked.now))
        prompts = await self._unless_away("analyzer", self._sources.analyzer.prompts(request), ())
        names = [prompt.prompt_name for prompt in prompts if len(prompt.versions) > 1]
        found = [await self._prompt_verdict(self._sources.analyzer, name) for name in names[:PROMPTS_MAX]]
        return tuple(verdict for verdict in found if verdict is not None)

    async def _prompt_verdict(self, analyzer: Analyzer, prompt_name: str) -> PromptVerdict | None:
        request = ComparePromptsRequest(project=self._asked.project, prompt_name=prompt_name, metrics=list(METRICS))
        request.end_time.FromDatetime(min(self._asked.period.end, self._asked.now))
        comparison = await self._unless_away("analyzer", analyzer.comparison(request), None)
        return None if comparison is None else verdict_of(comparison, self._asked.period)

    async def _alerter(self) -> _FromAlerter:
        alerter = self._sources.alerter
        if alerter is None:
            return _FromAlerter()
        request = ListAlertsRequest(project=self._asked.project)
        request.start_time.FromDatetime(self._asked.period.start)
        request.end_time.FromDatetime(self._asked.period.end)
        rules = await self._unless_away("alerter", alerter.rules(self._asked.project), [])
        alerts = await self._unless_away("alerter", alerter.alerts(request), [])
        return _FromAlerter(notes.alert_notes(alerts, self._asked.period, notes.heartbeats(rules)), notes.budget_usd(rules))

    async def _earlier(self) -> tuple[EarlierRecommendation, ...]:
        stored = await self._sources.recommendations.list_recommendations(self._asked.project, limit=EARLIER_MAX)
        earlier = [notes.earlier_recommendation(one) for one in stored if one.create_time < self._asked.now]
        return tuple(one for one in earlier if one is not None)

    async def _unless_away(self, name: str, question: Awaitable[_Value], without: _Value) -> _Value:
        """The answer, or what stands for it while that process cannot answer; the report says so."""
        try:
            return await self._turn(question)
        except AssayError as error:
            _log.warning(
                "a report is made without a source", source=name, project=self._asked.project, reason=error.reason, why=error.message
            )
            self._missing.add(name)
            return without

    async def _turn(self, question: Awaitable[_Value]) -> _Value:
        """The answer, in its turn; then it is told how much is done."""
        self._begun_count += 1
        async with self._turns:
            answer = await question
        self._done_count += 1
        self._told_ratio = max(self._told_ratio, self._done_count / self._begun_count)
        self._tell(self._told_ratio)
        return answer
