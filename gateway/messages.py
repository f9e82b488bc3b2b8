"""The services' answers as JSON objects: snake_case names, null for what is unset, short names of enum values."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from assay.access.v1.access_service_pb2 import AuditEvent, Key, Project, Role
from assay.collector.v1.collector_service_pb2 import (
    GetLedgerResponse,
    LedgerDay,
    RecordKind,
    Rejection,
    RejectionReason,
)
from assay.collector.v1.metrics_service_pb2 import GetCallResponse, PriceOrigin, Series, StoredCall
from google.protobuf.json_format import MessageToDict
from google.protobuf.message import Message

from kit.errors import invalid

Json = dict[str, Any]

_LEDGER_COUNTS = (
    "received_count",
    "stored_count",
    "rejected_count",
    "duplicate_count",
    "dead_lettered_count",
    "in_flight_count",
    "client_dropped_count",
    "too_late_count",
)


def moment(message: Message, name: str) -> str | None:
    """A timestamp field in RFC 3339, None where it is unset."""
    return getattr(message, name).ToJsonString() if message.HasField(name) else None


def ledger(response: GetLedgerResponse) -> Json:
    """The answer of GET /ledger."""
    days = [{"date": day.date, "kind": _kind(day), **_counts(day)} for day in response.days]
    return {"days": days, "totals": _by_kind(response.totals), **_waiting(response)}


def ledger_event(response: GetLedgerResponse, now: datetime) -> Json:
    """The `ledger` event: all days together, and the day of `now`, which is in UTC."""
    today = (day for day in response.days if day.date == now.date().isoformat())
    return {"totals": _by_kind(response.totals), "today": _by_kind(today), **_waiting(response)}


def _kind(day: LedgerDay) -> str:
    return RecordKind.Name(day.kind).removeprefix("RECORD_KIND_").lower()


def _counts(day: LedgerDay) -> Json:
    return {name: getattr(day, name) for name in _LEDGER_COUNTS}


def _by_kind(days: Iterable[LedgerDay]) -> Json:
    """Both kinds are always there."""
    found = {_kind(day): _counts(day) for day in days}
    return {kind: found.get(kind) or _counts(LedgerDay()) for kind in ("call", "evidence")}


def _waiting(response: GetLedgerResponse) -> Json:
    return {"lag_s": response.lag_s, "waiting_evidence_count": response.waiting_evidence_count}


def series(one: Series) -> Json:
    """A series of GET /series."""
    key = {field.name: value for field, value in one.key.ListFields()}
    return {"key": key, "first_store_time": moment(one, "first_store_time")}


def stored_call(call: StoredCall) -> Json:
    """A call as it was sent, in protobuf JSON, and beside its fields what Assay knows of it."""
    return {
        **MessageToDict(call.call, preserving_proto_field_name=True),
        "price_origin": PriceOrigin.Name(call.price_origin).removeprefix("PRICE_ORIGIN_"),
        "price_version": call.price_version,
        "quality_ratio": call.quality_ratio if call.HasField("quality_ratio") else None,
        "receive_time": moment(call, "receive_time"),
        "batch_id": call.batch_id,
    }


def call_with_evidence(response: GetCallResponse) -> Json:
    """The answer of GET /calls/{call_id}."""
    return {
        "call": stored_call(response.call),
        "evidence": [MessageToDict(each, preserving_proto_field_name=True) for each in response.evidence],
        "messages": [
            {
                "batch_id": each.batch_id,
                "part": each.part,
                "stream_sequence": each.stream_sequence,
                "receive_time": moment(each, "receive_time"),
                "store_time": moment(each, "store_time"),
            }
            for each in response.messages
        ],
    }


def rejection(one: Rejection) -> Json:
    """Why an item of a batch was refused."""
    reason = RejectionReason.Name(one.reason).removeprefix("REJECTION_REASON_")
    return {"index": one.index, "field": one.field, "reason": reason, "message": one.message}


def project(one: Project) -> Json:
    """A project."""
    return {
        "project": one.project,
        "time_zone": one.time_zone,
        "series_limit": one.series_limit,
        "create_time": moment(one, "create_time"),
        **_quota(one),
    }


def key(one: Key) -> Json:
    """A key without its secret. `project` is null for the installation."""
    return {
        "key_id": one.key_id,
        "project": one.project or None,
        "display_name": one.display_name,
        "roles": role_names(one.roles),
        "create_time": moment(one, "create_time"),
        "expire_time": moment(one, "expire_time"),
        "revoke_time": moment(one, "revoke_time"),
        **_quota(one),
    }


def _quota(one: Project | Key) -> Json:
    """What a project or a key may take of each front; 0 where it has no limit of its own."""
    return {name: getattr(one, name) for name in ("calls_per_s_limit", "calls_burst_limit", "open_streams_limit")}


def audit_event(one: AuditEvent) -> Json:
    """A line of the audit log."""
    return {
        "time": moment(one, "time"),
        "actor_key_id": one.actor_key_id,
        "action": one.action,
        "subject": one.subject,
        "details": dict(one.details),
    }


def role_names(roles: Iterable[Role.ValueType]) -> list[str]:
    """ADMIN for ROLE_ADMIN."""
    return [Role.Name(role).removeprefix("ROLE_") for role in roles]


def roles_of(names: Iterable[str]) -> list[Role.ValueType]:
    """The roles of such names, in either case. Raises FIELD_INVALID for one that does not exist."""
    known = {name.removeprefix("ROLE_"): number for name, number in Role.items() if number}
    chosen = [name.upper().removeprefix("ROLE_") for name in names]
    if not set(chosen) <= set(known):
        raise invalid("roles", f"must be of {', '.join(known)}")
    return [known[name] for name in chosen]
