"""Requests to read, as questions to the stores; and the tokens of their pages."""

from collections.abc import Iterable
from datetime import UTC, date, datetime, timedelta

from assay.collector.v1 import collector_service_pb2 as collector
from assay.collector.v1 import metrics_service_pb2 as metrics
from google.protobuf.timestamp_pb2 import Timestamp

from kit import paging
from kit.errors import AssayError, invalid
from services.collector.domain import limits
from services.collector.domain.measures import Outcome
from services.collector.store.read_calls import CallRow, CallsQuestion
from services.collector.store.read_series import SeriesFilter, SeriesRow

# Values of one dimension of a filter: a person picks a few, a program that wants more should take all and pick itself.
FILTER_VALUES_MAX = 1_000
BATCH_IDS_MAX = 1_000
SERIES_PAGE_DEFAULT = 100
CALLS_PAGE_DEFAULT = 50
PAGE_MAX = 1_000

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_SERIES_ID_MAX = 2**31 - 1
# What a Timestamp may say: the years 1 to 9999.
_SECONDS_MIN, _SECONDS_MAX = -62_135_596_800, 253_402_300_799
_START_US, _END_US = 0, (_SECONDS_MAX + 1) * 1_000_000


def unix_us(timestamp: Timestamp, field: str) -> int:
    """A time in microseconds since 1970, a part of one rounded up. Raises FIELD_INVALID for what is no time."""
    if not (_SECONDS_MIN <= timestamp.seconds <= _SECONDS_MAX and 0 <= timestamp.nanos < 1_000_000_000):
        raise invalid(field, "must be a time of the years 1 to 9999")
    return timestamp.seconds * 1_000_000 + -(-timestamp.nanos // 1_000)


def text_of(value: str, field: str) -> str:
    """A text as it may be stored. Raises FIELD_INVALID for U+0000, which none contains."""
    if "\0" in value:
        raise invalid(field, "must not contain U+0000")
    return value


def series_filter(message: metrics.SeriesFilter) -> SeriesFilter:
    """Which series are meant. Raises FIELD_INVALID."""
    return SeriesFilter(
        providers=_values(message.providers, "filter.providers"),
        models=_values(message.models, "filter.models"),
        task_types=_values(message.task_types, "filter.task_types"),
        prompt_names=_values(message.prompt_names, "filter.prompt_names"),
        prompt_versions=_values(message.prompt_versions, "filter.prompt_versions"),
    )


def batch_ids(request: collector.GetBatchesRequest) -> list[str]:
    """The batches that are asked for. Raises FIELD_INVALID."""
    if len(request.batch_ids) > BATCH_IDS_MAX:
        raise invalid("batch_ids", f"must be at most {BATCH_IDS_MAX:,}")
    return sorted({text_of(batch_id, "batch_ids") for batch_id in request.batch_ids})


def ledger_days(request: collector.GetLedgerRequest) -> tuple[date, date]:
    """The first and the last UTC day of which a part is asked for. Raises FIELD_INVALID."""
    has_start, has_end = request.HasField("start_time"), request.HasField("end_time")
    start_us = unix_us(request.start_time, "start_time") if has_start else None
    end_us = unix_us(request.end_time, "end_time") if has_end else None
    _check_range(start_us, end_us)
    return (
        date.min if start_us is None else _day(start_us),
        date.max if end_us is None else _day(end_us - 1),
    )


def calls_question(request: metrics.ListCallsRequest, project: str, project_id: int) -> tuple[CallsQuestion, str]:
    """The calls that are asked for, and the query that its page tokens belong to. Raises FIELD_INVALID or PAGE_TOKEN_INVALID."""
    start_us = unix_us(request.start_time, "start_time") if request.HasField("start_time") else None
    end_us = unix_us(request.end_time, "end_time") if request.HasField("end_time") else None
    _check_range(start_us, end_us)
    series, outcomes = series_filter(request.filter), sorted(set(request.outcomes))
    if not set(outcomes) <= set(Outcome):
        raise invalid("outcomes", "must be outcomes of the contract")
    task_id, agent = text_of(request.task_id, "task_id"), text_of(request.agent, "agent")
    # Without the start: a range that begins an hour ago begins later with each page.
    query = repr(("calls", project, end_us, series, outcomes, task_id, agent))
    question = CallsQuestion(
        project_id=project_id,
        start_us=max(_START_US, start_us or 0),
        end_us=_END_US if end_us is None else end_us,
        series=series,
        outcomes=outcomes,
        task_id=task_id,
        agent=agent,
        before=_call_position(request.page_token, query),
    )
    return question, query


def call_token(last: CallRow, query: str) -> str:
    """The token of the page behind this call."""
    return paging.encode_token(query, [last.start_us, last.call_id])


def series_query(request: metrics.ListSeriesRequest, project: str) -> tuple[SeriesFilter, str, int | None]:
    """The series that are asked for, the query, and the number of the series that the page begins behind. The same errors."""
    wanted = series_filter(request.filter)
    query = repr(("series", project, wanted))
    return wanted, query, _series_position(request.page_token, query)


def series_token(last: SeriesRow, query: str) -> str:
    """The token of the page behind this series."""
    return paging.encode_token(query, last.series_id)


def _call_position(token: str, query: str) -> tuple[int, str] | None:
    if not token:
        return None
    match paging.decode_token(token, query):
        case [int(start_us), str(call_id)] if _START_US <= start_us < _END_US and _may_be_id(call_id):
            return start_us, call_id
    raise _token_invalid()


def _series_position(token: str, query: str) -> int | None:
    if not token:
        return None
    match paging.decode_token(token, query):
        case int(series_id) if 0 <= series_id <= _SERIES_ID_MAX:
            return series_id
    raise _token_invalid()


def _may_be_id(call_id: str) -> bool:
    try:
        return "\0" not in call_id and len(call_id.encode()) <= limits.ID_BYTES_MAX
    except UnicodeEncodeError:
        return False  # half of a surrogate pair, which JSON can spell


def _values(values: Iterable[str], field: str) -> tuple[str, ...]:
    found = tuple(sorted({text_of(value, field) for value in values}))
    if len(found) > FILTER_VALUES_MAX:
        raise invalid(field, f"must be at most {FILTER_VALUES_MAX:,}")
    return found


def _check_range(start_us: int | None, end_us: int | None) -> None:
    if start_us is not None and end_us is not None and end_us <= start_us:
        raise invalid("end_time", "must be after start_time")


def _day(us: int) -> date:
    return max(date.min, (_EPOCH + timedelta(microseconds=us)).date()) if us >= _SECONDS_MIN * 1_000_000 else date.min


def _token_invalid() -> AssayError:
    return invalid("page_token", "not a token of this query; start again without one", "PAGE_TOKEN_INVALID")
