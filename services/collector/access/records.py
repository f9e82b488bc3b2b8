"""Projects, keys and audit events as the store returns them. Every time is timezone-aware, in UTC."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from kit.access import Quota, Role


@dataclass(frozen=True)
class Project:
    """A project. `project_id` is the number by which the large tables know it."""

    project_id: int
    project: str
    time_zone: str
    series_limit: int
    create_time: datetime
    calls_per_s_limit: int = 0
    calls_burst_limit: int = 0
    open_streams_limit: int = 0


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
    calls_per_s_limit: int = 0
    calls_burst_limit: int = 0
    open_streams_limit: int = 0

    @property
    def quota(self) -> Quota:
        """What the key may take of each front."""
        return Quota(self.calls_per_s_limit, self.calls_burst_limit, self.open_streams_limit)


@dataclass(frozen=True)
class AuditEvent:
    """One change. `actor_key_id` None: Assay itself."""

    audit_event_id: int
    time: datetime
    actor_key_id: str | None
    action: str
    subject: str
    details: Mapping[str, str]
