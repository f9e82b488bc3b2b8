"""Projects, keys and audit events as the store returns them. Every time is timezone-aware, in UTC."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from kit.access import Role


@dataclass(frozen=True)
class Project:
    """A project. `project_id` is the number by which the large tables know it."""

    project_id: int
    project: str
    time_zone: str
    series_limit: int
    create_time: datetime


@dataclass(frozen=True)
class Key:
    """A key without its secret. `project` None: the installation. A session's parent is the key that it came from."""

    key_id: str
    project: str | None
    display_name: str
    roles: frozenset[Role]
    parent_key_id: str | None
    create_time: datetime
    expire_time: datetime | None
    revoke_time: datetime | None


@dataclass(frozen=True)
class AuditEvent:
    """One change. `actor_key_id` None: Assay itself."""

    audit_event_id: int
    time: datetime
    actor_key_id: str | None
    action: str
    subject: str
    details: Mapping[str, str]
