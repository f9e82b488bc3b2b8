"""Schedules and their runs as the contract has them."""

from datetime import datetime

from assay.reporter.v1 import schedule_pb2 as contract
from assay.reporter.v1.report_period_pb2 import ReportPeriod

from kit.errors import invalid
from services.reporter.domain.period import Length
from services.reporter.domain.timing import Timing, check_timing, next_times
from services.reporter.messages.limits import id_of, text_of, timestamp
from services.reporter.messages.report_messages import ZONE_BYTES_MAX, length_of
from services.reporter.store.runs import Run, RunState
from services.reporter.store.schedules import Schedule, StoredSchedule

SCHEDULE_ID_LENGTH_MAX = 40  # reports of runs are called by it and their time
NAME_LENGTH_MAX = 128
RECEIVERS_MAX = 50
SHOWN_TIMES = 5
_NAME_BYTES_MAX = 4 * NAME_LENGTH_MAX
_CRON_BYTES_MAX = 1_024  # the domain is stricter


def schedule_id_of(value: str) -> str:
    """A schedule's id. Raises FIELD_INVALID."""
    return id_of(value, "schedule_id", SCHEDULE_ID_LENGTH_MAX)


def receivers_of(values: list[str]) -> tuple[str, ...]:
    """Receivers, each once. Raises FIELD_INVALID."""
    found = tuple(dict.fromkeys(id_of(value, "receiver_ids") for value in values))
    if len(found) > RECEIVERS_MAX:
        raise invalid("receiver_ids", f"must be at most {RECEIVERS_MAX}")
    return found


def schedule_from_message(message: contract.Schedule, project_zone: str, now: datetime) -> Schedule:
    """The schedule. Raises FIELD_INVALID, SCHEDULE_NEVER_FIRES."""
    name = text_of(message.display_name, "display_name", _NAME_BYTES_MAX)
    if len(name) > NAME_LENGTH_MAX:
        raise invalid("display_name", f"must be at most {NAME_LENGTH_MAX} characters")
    length = length_of(message.period, "period")
    if length is Length.CUSTOM:
        raise invalid("period", "must be a day or a week")
    return Schedule(
        schedule_id=schedule_id_of(message.schedule_id),
        display_name=name,
        period=length,
        timing=check_timing(_timing(message, project_zone), now),
        receiver_ids=receivers_of(list(message.receiver_ids)),
        is_paused=message.is_paused,
    )


def next_time(schedule: Schedule, now: datetime) -> datetime | None:
    """When it is due next, None while it rests."""
    return None if schedule.is_paused else next_times(schedule.timing, now, 1)[0]


def schedule_to_message(stored: StoredSchedule) -> contract.Schedule:
    """The schedule as it is, and its next times."""
    schedule, timing = stored.schedule, stored.schedule.timing
    message = contract.Schedule(
        schedule_id=schedule.schedule_id,
        display_name=schedule.display_name,
        period=ReportPeriod.ValueType(schedule.period.value),
        time_zone=timing.zone,
        receiver_ids=schedule.receiver_ids,
        is_paused=schedule.is_paused,
        create_time=timestamp(stored.create_time),
        update_time=timestamp(stored.update_time),
        updated_by=stored.updated_by,
        version=stored.version,
    )
    if timing.cron:
        message.cron = timing.cron
    else:
        message.local_time.CopyFrom(contract.LocalTime(weekday=timing.weekday, minute_of_day=timing.minute_of_day))
    if stored.next_time is not None:
        later = next_times(timing, stored.next_time, SHOWN_TIMES - 1)
        message.next_run_times.extend(filter(None, map(timestamp, [stored.next_time, *later])))
    return message


def run_to_message(run: Run) -> contract.ScheduleRun:
    """A run."""
    return contract.ScheduleRun(
        due_time=timestamp(run.due_time),
        state=contract.ScheduleRunState.ValueType(run.state.value),
        start_time=timestamp(run.start_time),
        end_time=timestamp(run.end_time),
        attempt_count=run.attempt_count,
        is_late=run.is_late,
        report_id=run.report_id,
        detail=run.detail,
        retry_time=timestamp(run.retry_time) if run.state is RunState.WAITING else None,
    )


def _timing(message: contract.Schedule, project_zone: str) -> Timing:
    zone = text_of(message.time_zone, "time_zone", ZONE_BYTES_MAX) or project_zone
    match message.WhichOneof("timing"):
        case "cron" if message.cron.strip():
            return Timing(zone, " ".join(text_of(message.cron, "cron", _CRON_BYTES_MAX).split()))
        case "local_time":
            local = message.local_time
            return Timing(zone, weekday=local.weekday if local.HasField("weekday") else None, minute_of_day=local.minute_of_day)
    raise invalid("timing", "say when: a time of the day, or a line of a crontab")
