"""Schedules of reports: made, listed and ended, and what became of their runs."""

import re
from collections.abc import Sequence

from assay.reporter.v1 import schedule_pb2 as contract
from assay.reporter.v1.report_period_pb2 import ReportPeriod
from assay.reporter.v1.report_service_pb2_grpc import ReportServiceStub

from cli.work.connection import ASK_TIMEOUT_S, Target, ask
from cli.work.output import Json, as_json, print_json, print_table
from kit.errors import invalid

PAGE_SIZE = 1_000
RUNS_SHOWN = 100
_DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_AT = re.compile(r"(?:([A-Za-z]{3})\w* +)?([01]?\d|2[0-3]):([0-5]\d)")


def described(schedule_id: str, period: str, *, at: str, cron: str, zone: str, receiver_ids: Sequence[str]) -> contract.Schedule:
    """The schedule. Raises FIELD_INVALID."""
    if bool(at) == bool(cron):
        raise invalid("at", "say when: with --at, or with --cron")
    schedule = contract.Schedule(
        schedule_id=schedule_id,
        period=ReportPeriod.Value(f"REPORT_PERIOD_{period}"),
        time_zone=zone,
        receiver_ids=receiver_ids,
    )
    if cron:
        schedule.cron = cron
        return schedule
    found = _AT.fullmatch(at.strip())
    day = (found[1] or "").lower() if found else ""
    if found is None or (day and day not in _DAYS):
        raise invalid("at", "is a time such as 08:00, or a day of the week and a time such as mon 08:00")
    schedule.local_time.minute_of_day = int(found[2]) * 60 + int(found[3])
    if day:
        schedule.local_time.weekday = _DAYS.index(day) + 1
    return schedule


def create(target: Target, project: str, schedule: contract.Schedule, *, json: bool) -> None:
    """Makes a schedule, and prints when it is due."""
    request = contract.CreateScheduleRequest(project=project, schedule=schedule)
    made = as_json(ask(target, lambda channel: ReportServiceStub(channel).CreateSchedule(request, timeout=ASK_TIMEOUT_S)).schedule)
    if json:
        print_json(made)
        return
    print(f"{made['schedule_id']} is due at {', '.join(made['next_run_times'][:3])}, and so on.")


def show_list(target: Target, project: str, *, json: bool) -> None:
    """Prints schedules by id."""
    request = contract.ListSchedulesRequest(project=project, page_size=PAGE_SIZE)
    schedules = ask(target, lambda channel: ReportServiceStub(channel).ListSchedules(request, timeout=ASK_TIMEOUT_S)).schedules
    found = [as_json(schedule) for schedule in schedules]
    if json:
        print_json({"schedules": found})
        return
    rows = [
        (one["schedule_id"], one["period"].lower(), _when(one), one["time_zone"], one["receiver_ids"], (one["next_run_times"] or ["-"])[0])
        for one in found
    ]
    print_table(("schedule", "about a", "when", "zone", "to", "next"), rows, empty="There are no schedules.")


def show_runs(target: Target, project: str, schedule_id: str, *, json: bool) -> None:
    """Prints the latest runs of a schedule."""
    request = contract.ListScheduleRunsRequest(project=project, schedule_id=schedule_id, page_size=RUNS_SHOWN)
    runs = ask(target, lambda channel: ReportServiceStub(channel).ListScheduleRuns(request, timeout=ASK_TIMEOUT_S)).runs
    found = [as_json(run) for run in runs]
    if json:
        print_json({"runs": found})
        return
    rows = [(one["due_time"], one["state"].lower(), one["is_late"], one["attempt_count"], one["report_id"], one["detail"]) for one in found]
    print_table(("due", "state", "late", "tries", "report", "detail"), rows, empty="It was not due yet.")


def delete(target: Target, project: str, schedule_id: str) -> None:
    """Ends a schedule."""
    request = contract.DeleteScheduleRequest(project=project, schedule_id=schedule_id)
    ask(target, lambda channel: ReportServiceStub(channel).DeleteSchedule(request, timeout=ASK_TIMEOUT_S))
    print(f"{schedule_id} is ended.")


def _when(schedule: Json) -> str:
    """In words: the crontab's line, or day and time."""
    if schedule["is_paused"]:
        return "rests"
    if schedule["cron"]:
        return str(schedule["cron"])
    local = schedule["local_time"]
    hour, minute = divmod(local["minute_of_day"], 60)
    day = "daily" if local["weekday"] is None else _DAYS[local["weekday"] - 1]
    return f"{day} {hour:02}:{minute:02}"
