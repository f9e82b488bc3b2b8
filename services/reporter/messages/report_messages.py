"""Reports and recommendations as the contract has them."""

from dataclasses import dataclass
from datetime import date, datetime
from typing import Literal
from zoneinfo import ZoneInfo

from assay.reporter.v1 import report_service_pb2 as contract
from assay.reporter.v1.report_period_pb2 import ReportPeriod

from kit.errors import invalid
from services.reporter.domain.period import Length, Period, midnight, period_of
from services.reporter.messages.limits import id_of, text_of, time_of, timestamp
from services.reporter.store.recommendations import StoredRecommendation
from services.reporter.store.reports import StoredReport

ZONE_BYTES_MAX = 64
DATE_LENGTH = len("2026-11-23")


@dataclass(frozen=True, slots=True)
class Question:
    """Which report is to be made, as it was asked: days are those of the zone. `zone` empty: the project's."""

    report_id: str
    length: Length
    start: datetime | date | None
    end: datetime | date | None
    zone: str

    @property
    def asked(self) -> str:
        """The same text for the same question."""
        return f"{self.length.value} {self.start or ''} {self.end or ''} {self.zone}"

    def period(self, zone: ZoneInfo, now: datetime) -> Period:
        """The period that is meant. Raises PERIOD_IN_FUTURE, FIELD_INVALID."""
        return period_of(self.length, _instant(self.start, zone), _instant(self.end, zone), zone, now)


def question_of(request: contract.GenerateReportRequest) -> Question:
    """The question. Raises FIELD_INVALID."""
    return Question(
        report_id=id_of(request.report_id, "report_id"),
        length=length_of(request.period, "period"),
        start=_moment(request, "start"),
        end=_moment(request, "end"),
        zone=text_of(request.time_zone, "time_zone", ZONE_BYTES_MAX),
    )


def _moment(request: contract.GenerateReportRequest, name: Literal["start", "end"]) -> datetime | date | None:
    day = text_of(getattr(request, f"{name}_date"), f"{name}_date", DATE_LENGTH)
    has_time = request.HasField("start_time" if name == "start" else "end_time")
    if not day:
        return time_of(getattr(request, f"{name}_time"), f"{name}_time") if has_time else None
    if has_time:
        raise invalid(f"{name}_date", f"is instead of {name}_time: give one of them")
    try:
        return date.fromisoformat(day)
    except ValueError:
        raise invalid(f"{name}_date", "is a day such as 2026-11-23") from None


def _instant(given: datetime | date | None, zone: ZoneInfo) -> datetime | None:
    """Of a day its first instant."""
    return given if given is None or isinstance(given, datetime) else midnight(given, zone)


def length_of(value: int, field: str) -> Length:
    """A period's length. Raises FIELD_INVALID for one that the contract has not."""
    try:
        return Length(value)
    except ValueError:
        raise invalid(field, "must be one of the contract's") from None


def report_to_message(report: StoredReport) -> contract.Report:
    """A report without its content."""
    return contract.Report(
        report_id=report.report_id,
        project=report.project,
        title=report.title,
        period=ReportPeriod.ValueType(report.period.value),
        start_time=timestamp(report.start_time),
        end_time=timestamp(report.end_time),
        time_zone=report.time_zone,
        create_time=timestamp(report.create_time),
        created_by=report.created_by,
        schedule_id=report.schedule_id,
        summary=report.summary,
        call_count=report.call_count,
        recommendation_count=report.recommendation_count,
        missing_sources=report.missing_sources,
    )


def recommendation_to_message(found: StoredRecommendation) -> contract.Recommendation:
    """What was recommended, and what became of it."""
    return contract.Recommendation(
        recommendation_id=found.recommendation_id,
        title=found.title,
        content_json=found.content.decode(),
        state=contract.RecommendationState.ValueType(found.state),
        state_time=timestamp(found.state_time),
        state_by=found.state_by,
        comment=found.comment,
        create_time=timestamp(found.create_time),
        report_id=found.report_id,
        version=found.version,
    )


def state_of(value: int, *, is_filter: bool = False) -> int:
    """A recommendation's state, for a filter 0 for any. Raises FIELD_INVALID."""
    if value not in contract.RecommendationState.values() or not (value or is_filter):
        raise invalid("state", "must be one of the contract's")
    return value
