"""What reports, recommendations and schedules look like; see gateway/models.py."""

# ruff: noqa: RUF012 - pydantic copies defaults; that these are its models is not seen across modules

from typing import Annotated, Any, Literal

from pydantic import Field

from gateway.alerter_models import Part
from gateway.models import Answer, Moment
from gateway.notification_models import GivenMoment, Id

ReportPeriodName = Literal["DAILY", "WEEKLY"]
ReportFormatName = Literal["html", "markdown", "json", "csv", "pdf"]
RecommendationStateName = Literal["OPEN", "ACCEPTED", "REJECTED", "DONE"]
ScheduleRunStateName = Literal["WAITING", "DONE", "FAILED", "SKIPPED"]

Comment = Annotated[str, Field(max_length=1_024)]
Zone = Annotated[str, Field(max_length=64, description="IANA name of a time zone. Empty: the project's.")]
Day = Annotated[str, Field(max_length=10, description="A day such as 2026-11-23, whose first instant is meant.")]
Receivers = Annotated[list[Id], Field(max_length=50)]


class ReportBody(Part):
    """A report to be made under an id that the caller chooses.

    Of a day or a week, `start_time` is any instant of it, by default one of the last that is over, and there is no `end_time`. Otherwise it
    is from `start_time` to `end_time`, by default now. Instead of both, days of the zone can be given.
    """

    report_id: Id
    period: ReportPeriodName | None = None
    start_time: GivenMoment = ""
    end_time: GivenMoment = ""
    start_date: Day = ""
    end_date: Day = ""
    time_zone: Zone = ""


class ReportSummary(Answer):
    """A report without its content. `period` is null for one from a time to another; one of `created_by` and `schedule_id` is empty."""

    report_id: str
    project: str
    title: str
    period: ReportPeriodName | None
    start_time: Moment
    end_time: Moment
    time_zone: str
    create_time: Moment
    created_by: str
    schedule_id: str
    summary: list[str]
    call_count: int
    recommendation_count: int
    missing_sources: list[str]


class ReportsPage(Answer):
    """A page of reports, the latest first; the token is empty on the last one."""

    reports: list[ReportSummary]
    next_page_token: str


class LiveReports(Answer):
    """Data of the event `reports`: those that are new. One may come more than once.

    With `list_again` there may be others: whoever shows reports asks for them again. Without the reporter, `reason` says why.
    """

    is_available: bool
    reason: str | None
    list_again: bool
    reports: list[ReportSummary]


class ReportWithContent(Answer):
    """A report and its content, as docs/reports.md describes it."""

    report: ReportSummary
    content: dict[str, Any]


class SendBody(Part):
    """Who gets a report: receivers of its project."""

    receiver_ids: Annotated[list[Id], Field(min_length=1, max_length=50)]


class Sent(Answer):
    """The deliveries, in the order of the receivers; GET /deliveries tells what becomes of them."""

    delivery_ids: list[str]


class ReportLinkBody(Part):
    """Until when a link works, at most 90 days from now; by default 14 days."""

    expire_time: GivenMoment = ""


class ReportLink(Answer):
    """A link that shows one report to whoever has it."""

    url: str
    expire_time: Moment


class Recommendation(Answer):
    """What was recommended, and what became of it. `content` as docs/reports.md describes it."""

    recommendation_id: str
    title: str
    content: dict[str, Any]
    state: RecommendationStateName
    state_time: Moment | None
    state_by: str
    comment: str
    create_time: Moment
    report_id: str
    version: int


class RecommendationsPage(Answer):
    """A page of recommendations, the latest first; the token is empty on the last one."""

    recommendations: list[Recommendation]
    next_page_token: str


class RecommendationChange(Part):
    """What became of a recommendation."""

    state: RecommendationStateName
    comment: Comment = ""


class LocalTime(Part):
    """A time of the day, every day, or on one day of the week (1 is Monday)."""

    weekday: Annotated[int, Field(ge=1, le=7)] | None = None
    minute_of_day: Annotated[int, Field(ge=0, le=1_439)] = 0


class ReportScheduleBody(Part):
    """When the report of the last day or week that is over is made, and who gets it. One of `cron` and `local_time` is given."""

    schedule_id: Annotated[str, Field(max_length=40)]
    display_name: Annotated[str, Field(max_length=128)] = ""
    period: ReportPeriodName
    cron: Annotated[str, Field(max_length=128)] | None = None
    local_time: LocalTime | None = None
    time_zone: Zone = ""
    receiver_ids: Receivers = []
    is_paused: bool = False


class ReportSchedule(Answer):
    """A schedule, and its next times."""

    schedule_id: str
    display_name: str
    period: ReportPeriodName
    cron: str | None
    local_time: LocalTime | None
    time_zone: str
    receiver_ids: list[str]
    is_paused: bool
    next_run_times: list[Moment]
    create_time: Moment
    update_time: Moment
    updated_by: str
    version: int


class ReportSchedulesPage(Answer):
    """A page of schedules by id; the token is empty on the last one."""

    schedules: list[ReportSchedule]
    next_page_token: str


class ScheduleRun(Answer):
    """One time at which a schedule was due."""

    due_time: Moment
    state: ScheduleRunStateName
    start_time: Moment | None
    end_time: Moment | None
    attempt_count: int
    is_late: bool
    report_id: str
    detail: str
    retry_time: Moment | None


class ScheduleRunsPage(Answer):
    """A page of runs, the latest first; the token is empty on the last one."""

    runs: list[ScheduleRun]
    next_page_token: str
