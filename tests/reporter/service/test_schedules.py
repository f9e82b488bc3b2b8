"""Schedules: kept, and their runs done once whatever the number of replicas, late rather than never, and again where something was away."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from assay.reporter.v1 import report_service_pb2 as reports
from assay.reporter.v1 import schedule_pb2 as contract
from assay.reporter.v1.report_period_pb2 import REPORT_PERIOD_WEEKLY
from assay.reporter.v1.report_service_pb2_grpc import ReportServiceStub

from tests.alerter.rules.installation import eventually
from tests.reporter.service.desk import Desk, Reporter, daily, refusal

DONE, FAILED, SKIPPED, WAITING = (
    contract.ScheduleRunState.Value(f"SCHEDULE_RUN_STATE_{name}") for name in ("DONE", "FAILED", "SKIPPED", "WAITING")
)
_DUE = "UPDATE reporter.schedule SET next_time = :due WHERE project = :project"


async def create(one: Reporter, project: str, schedule: contract.Schedule) -> contract.Schedule:
    answer = await one.reports.CreateSchedule(contract.CreateScheduleRequest(project=project, schedule=schedule))
    return answer.schedule  # type: ignore[no-any-return]


async def runs(one: Reporter, project: str, state: int, count: int = 1) -> list[contract.ScheduleRun]:
    """All runs, the latest first, as soon as so many are in that state."""

    async def found() -> list[contract.ScheduleRun] | None:
        answer = await one.reports.ListScheduleRuns(contract.ListScheduleRunsRequest(project=project, schedule_id="daily"))
        return list(answer.runs) if sum(run.state == state for run in answer.runs) == count else None

    return await eventually(found, f"{count} runs in {state}")


def minute(ago: timedelta) -> datetime:
    return (datetime.now(UTC) - ago).replace(second=0, microsecond=0)


def local_time(at: datetime) -> dict[str, int]:
    return {"minute_of_day": at.hour * 60 + at.minute}


# The first, since any other reporter would do the run.
async def test_a_run_is_tried_again_while_the_alerter_is_away(office: Desk) -> None:
    project = await office.project_with_calls()
    due = minute(timedelta(minutes=1))
    async with office.reporter(alerter_address="127.0.0.1:1") as lonely:
        await create(lonely, project, daily(local_time=local_time(due)))
        await office.sql(_DUE, project=project, due=due)

        async def is_tried() -> contract.ScheduleRun | None:
            (run, *_) = await runs(lonely, project, WAITING)
            return run if run.detail else None

        run = await eventually(is_tried, "the run was tried")
    assert "alerter cannot be reached" in run.detail
    assert run.retry_time.ToDatetime(UTC) > datetime.now(UTC)
    await office.sql("UPDATE reporter.schedule_run SET retry_time = now() WHERE project = :project", project=project)
    async with office.reporter() as back:
        (again,) = await runs(back, project, DONE)
        assert (again.report_id, again.attempt_count) == (run.report_id, 2)


async def test_a_schedule_is_made_read_changed_and_ended(office: Desk, one: Reporter) -> None:
    project = await office.made.new_project()
    made = await create(one, project, daily(time_zone="Europe/Berlin"))
    assert made == await create(one, project, daily(time_zone="Europe/Berlin"))
    assert (made.version, made.time_zone, len(made.next_run_times)) == (1, "Europe/Berlin", 5)
    assert await refusal(create(one, project, daily())) == "SCHEDULE_EXISTS"
    weekly = daily("weekly", cron="30 8 * * MON", period=REPORT_PERIOD_WEEKLY, receiver_ids=[])
    weekly.ClearField("local_time")
    weekly.cron = "30 8 * * MON"
    await create(one, project, weekly)

    page = await one.reports.ListSchedules(contract.ListSchedulesRequest(project=project, page_size=1))
    rest = await one.reports.ListSchedules(contract.ListSchedulesRequest(project=project, page_token=page.next_page_token))
    assert [each.schedule_id for each in (*page.schedules, *rest.schedules)] == ["daily", "weekly"]
    assert rest.schedules[0].next_run_times[0].ToDatetime(UTC).weekday() == 0

    paused = daily(time_zone="Europe/Berlin", is_paused=True)
    change = contract.UpdateScheduleRequest(project=project, schedule=paused, expected_version=1)
    changed = (await one.reports.UpdateSchedule(change)).schedule
    assert (changed.version, changed.is_paused, changed.next_run_times[:]) == (2, True, [])
    assert changed == (await one.reports.UpdateSchedule(contract.UpdateScheduleRequest(project=project, schedule=paused))).schedule
    assert changed == (await one.reports.GetSchedule(contract.GetScheduleRequest(project=project, schedule_id="daily"))).schedule
    change.schedule.is_paused = False
    assert await refusal(one.reports.UpdateSchedule(change)) == "SCHEDULE_CHANGED"

    named: dict[str, Any] = {"project": project, "schedule_id": "daily"}
    await one.reports.DeleteSchedule(contract.DeleteScheduleRequest(**named))
    for call in (
        one.reports.DeleteSchedule(contract.DeleteScheduleRequest(**named)),
        one.reports.GetSchedule(contract.GetScheduleRequest(**named)),
        one.reports.ListScheduleRuns(contract.ListScheduleRunsRequest(**named)),
        one.reports.UpdateSchedule(change),
    ):
        assert await refusal(call) == "SCHEDULE_UNKNOWN"


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"schedule_id": "no id"}, "FIELD_INVALID"),
        ({"schedule_id": "x" * 41}, "FIELD_INVALID"),
        ({"display_name": "x" * 129}, "FIELD_INVALID"),
        ({"period": 0}, "FIELD_INVALID"),
        ({"period": 9}, "FIELD_INVALID"),
        ({"time_zone": "Mars/Olympus"}, "FIELD_INVALID"),
        ({"local_time": None}, "FIELD_INVALID"),
        ({"local_time": {"minute_of_day": 1_440}}, "FIELD_INVALID"),
        ({"local_time": {"weekday": 8}}, "FIELD_INVALID"),
        ({"local_time": None, "cron": "* * * * *"}, "FIELD_INVALID"),
        ({"local_time": None, "cron": "0 0 31 2 *"}, "SCHEDULE_NEVER_FIRES"),
        ({"receiver_ids": ["no id"]}, "FIELD_INVALID"),
        ({"receiver_ids": [f"r{number}" for number in range(51)]}, "FIELD_INVALID"),
    ],
)
async def test_what_there_can_be_no_schedule_of_is_refused(office: Desk, one: Reporter, fields: dict[str, Any], reason: str) -> None:
    assert await refusal(create(one, "default", daily(**fields))) == reason


async def test_of_two_replicas_one_makes_and_sends_the_report(office: Desk, one: Reporter) -> None:
    project = await office.project_with_calls()
    await office.add_receiver(project, "others")
    async with office.reporter() as two:
        due = minute(timedelta(minutes=1))
        await create(one, project, daily(local_time=local_time(due), receiver_ids=["ops", "others"]))
        await office.sql(_DUE, project=project, due=due)
        (run,) = await runs(two, project, DONE)
    assert (run.due_time.ToDatetime(UTC), run.is_late, run.attempt_count, run.detail) == (due, False, 1, "")
    (report,) = (await one.reports.ListReports(reports.ListReportsRequest(project=project, schedule_id="daily"))).reports
    assert (report.report_id, report.call_count, report.schedule_id, report.created_by) == (run.report_id, 40, "daily", "")
    for receiver in ("ops", "others"):

        async def is_delivered(path: str = f"/{project}/{receiver}") -> bool:
            return len(office.sent_to(path)) == 1

        await eventually(is_delivered, "the report is delivered")
    found = await one.reports.GetSchedule(contract.GetScheduleRequest(project=project, schedule_id="daily"))
    assert found.schedule.next_run_times[0].ToDatetime(UTC) == due + timedelta(days=1)


async def test_after_a_downtime_two_runs_are_made_up_for_and_older_ones_are_skipped(office: Desk, one: Reporter) -> None:
    project = await office.project_with_calls()
    first = minute(timedelta(days=4, hours=3))
    await create(one, project, daily(local_time=local_time(first), receiver_ids=[]))
    await office.sql(_DUE, project=project, due=first)
    latest, earlier, skipped = await runs(one, project, DONE, 2)
    assert [run.due_time.ToDatetime(UTC) - first for run in (latest, earlier, skipped)] == [timedelta(days=days) for days in (4, 3, 2)]
    assert (latest.is_late, earlier.is_late, skipped.state) == (True, True, SKIPPED)
    assert "2 before it" in skipped.detail
    found = await one.reports.GetReport(reports.GetReportRequest(project=project, report_id=earlier.report_id))
    assert found.report.start_time.ToDatetime(UTC).date() == (first + timedelta(days=2)).date()  # of the day before it was due
    assert "This report is late" in found.content_json


async def test_a_run_whose_process_was_killed_is_anothers(office: Desk, one: Reporter) -> None:
    project = await office.made.new_project()
    due = minute(timedelta(days=1))
    await create(one, project, daily(is_paused=True))
    await office.sql(
        "INSERT INTO reporter.schedule_run (project, schedule_id, due_time, state, attempt_count, is_late, report_id, detail, retry_time,"
        " lease_end_time) VALUES (:project, 'daily', :due, 1, 1, false, '', '', :due, :due)",
        project=project,
        due=due,
    )
    (run,) = await runs(one, project, FAILED)
    assert (run.attempt_count, bool(run.report_id)) == (2, True)  # its receiver is not there


_OF_ANOTHER_VERSION = {
    "a period that this one does not know": "period = 9",
    "a crontab that this one cannot read": "cron = 'every full moon', minute_of_day = NULL",
    "a zone that this one does not know": "time_zone = 'Moon/Tranquillity'",
}


async def test_a_schedule_that_another_version_wrote_is_left_to_it_and_holds_up_nobody(
    office: Desk, one: Reporter, caplog: pytest.LogCaptureFixture
) -> None:
    project = await office.project_with_calls()
    due = minute(timedelta(minutes=1))
    for number, what in enumerate(_OF_ANOTHER_VERSION.values()):
        await create(one, project, daily(f"odd-{number}", local_time=local_time(due), receiver_ids=[]))
        await office.sql(
            f"UPDATE reporter.schedule SET {what}, next_time = :due WHERE project = :project AND schedule_id = :schedule_id",
            project=project,
            schedule_id=f"odd-{number}",
            due=due - timedelta(hours=1),
        )
    await create(one, project, daily(local_time=local_time(due), receiver_ids=[]))
    await office.sql(f"{_DUE} AND schedule_id = 'daily'", project=project, due=due)
    await runs(one, project, DONE)
    listed = await one.reports.ListSchedules(contract.ListSchedulesRequest(project=project))
    assert [each.schedule_id for each in listed.schedules] == ["daily"]
    asked = contract.GetScheduleRequest(project=project, schedule_id="odd-0")
    assert await refusal(one.reports.GetSchedule(asked)) == "SCHEDULE_UNREADABLE"
    told = [record for record in caplog.records if record.message.startswith("a schedule cannot be read")]
    assert len(told) == len(_OF_ANOTHER_VERSION)
    await one.reports.DeleteSchedule(contract.DeleteScheduleRequest(project=project, schedule_id="odd-0"))


async def test_a_receiver_that_is_gone_fails_the_run_and_the_report_stays(office: Desk, one: Reporter) -> None:
    project = await office.project_with_calls()
    due = minute(timedelta(minutes=1))
    await create(one, project, daily(local_time=local_time(due), receiver_ids=["gone", "ops"]))
    await office.sql(_DUE, project=project, due=due)
    (run,) = await runs(one, project, FAILED)
    assert "gone" in run.detail
    await one.reports.GetReport(reports.GetReportRequest(project=project, report_id=run.report_id))

    async def is_delivered() -> bool:
        return len(office.sent_to(f"/{project}/ops")) == 1

    await eventually(is_delivered, "the other one gets it")


async def test_a_key_sees_the_schedules_of_its_own_project_alone(office: Desk, one: Reporter) -> None:
    mine, others = await office.made.new_project(), await office.made.new_project()
    await create(one, others, daily())
    stub = ReportServiceStub(office.made.channel(one.address, await office.made.new_key(mine, "ADMIN")))
    assert not (await stub.ListSchedules(contract.ListSchedulesRequest())).schedules
    assert await refusal(stub.GetSchedule(contract.GetScheduleRequest(schedule_id="daily"))) == "SCHEDULE_UNKNOWN"
    assert await refusal(stub.DeleteSchedule(contract.DeleteScheduleRequest(schedule_id="daily"))) == "SCHEDULE_UNKNOWN"
    assert await refusal(stub.ListSchedules(contract.ListSchedulesRequest(project=others))) == "PROJECT_FORBIDDEN"
