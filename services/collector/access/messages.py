"""Projects, keys and events as the contract has them, and where a page of them begins."""

from datetime import UTC, datetime, timedelta

from assay.access.v1 import access_service_pb2
from google.protobuf.timestamp_pb2 import Timestamp

from kit import paging
from kit.access import PROJECT_PATTERN, roles_to_message
from kit.errors import AssayError, invalid
from services.collector.access.keys import is_key_id
from services.collector.access.records import AuditEvent, Key, Project

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_TIME_US_MAX = (datetime.max.replace(tzinfo=UTC) - _EPOCH) // _MICROSECOND
_EVENT_ID_MAX = 2**63 - 1  # PostgreSQL's bigint


def timestamp(time: datetime | None) -> Timestamp | None:
    """A time as the contract has it; None stays unset."""
    if time is None:
        return None
    message = Timestamp()
    message.FromDatetime(time)
    return message


def project_to_message(project: Project) -> access_service_pb2.Project:
    """A project as the contract has it."""
    return access_service_pb2.Project(
        project=project.project,
        time_zone=project.time_zone,
        series_limit=project.series_limit,
        create_time=timestamp(project.create_time),
        calls_per_s_limit=project.calls_per_s_limit,
        calls_burst_limit=project.calls_burst_limit,
        open_streams_limit=project.open_streams_limit,
    )


def key_to_message(key: Key) -> access_service_pb2.Key:
    """A key as the contract has it."""
    return access_service_pb2.Key(
        key_id=key.key_id,
        project=key.project or "",
        display_name=key.display_name,
        roles=roles_to_message(key.roles),
        create_time=timestamp(key.create_time),
        expire_time=timestamp(key.expire_time),
        revoke_time=timestamp(key.revoke_time),
        calls_per_s_limit=key.calls_per_s_limit,
        calls_burst_limit=key.calls_burst_limit,
        open_streams_limit=key.open_streams_limit,
    )


def event_to_message(event: AuditEvent, query: str) -> access_service_pb2.AuditEvent:
    """An event of the audit log as the contract has it."""
    return access_service_pb2.AuditEvent(
        time=timestamp(event.time),
        actor_key_id=event.actor_key_id or "",
        action=event.action,
        subject=event.subject,
        details=event.details,
        page_token=event_token(event, query),
    )


def project_token(last: Project, query: str) -> str:
    """The token of the page behind this project."""
    return paging.encode_token(query, last.project)


def project_position(token: str, query: str) -> str:
    """The id behind which a page of projects begins; empty for the first page. Raises PAGE_TOKEN_INVALID."""
    position = paging.decode_token(token, query) if token else ""
    if not isinstance(position, str) or (token and not PROJECT_PATTERN.fullmatch(position)):
        raise _token_invalid()
    return position


def key_token(last: Key, query: str) -> str:
    """The token of the page behind this key."""
    return paging.encode_token(query, [(last.create_time - _EPOCH) // _MICROSECOND, last.key_id])


def key_position(token: str, query: str) -> tuple[datetime, str] | None:
    """The time of creation and id behind which a page of keys begins. Raises PAGE_TOKEN_INVALID."""
    if not token:
        return None
    match paging.decode_token(token, query):
        case [int(time_us), str(key_id)] if 0 <= time_us <= _TIME_US_MAX and is_key_id(key_id):
            return _EPOCH + timedelta(microseconds=time_us), key_id
    raise _token_invalid()


def event_token(last: AuditEvent, query: str) -> str:
    """The token of the page behind this event."""
    return paging.encode_token(query, last.audit_event_id)


def event_position(token: str, query: str) -> int | None:
    """The id before which a page of events begins. Raises PAGE_TOKEN_INVALID."""
    if not token:
        return None
    match paging.decode_token(token, query):
        case int(event_id) if 0 <= event_id <= _EVENT_ID_MAX:
            return event_id
    raise _token_invalid()


def _token_invalid() -> AssayError:
    return invalid("page_token", "not a token of this query; start again without one", "PAGE_TOKEN_INVALID")
