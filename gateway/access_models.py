"""What the answers about sessions, projects, keys and the audit log look like; see gateway/models.py."""

from typing import Literal

from gateway.models import Answer, Moment

RoleName = Literal["RECORD", "READ", "OPERATE", "ADMIN", "INSTALLATION_ADMIN"]


class SessionProject(Answer):
    """A project that the session may see."""

    project: str
    time_zone: str


class Session(Answer):
    """Who is logged in. `project` is null for the installation. `collector_address` is where the gateway finds gRPC, host and port."""

    key_id: str
    project: str | None
    roles: list[RoleName]
    projects: list[SessionProject]
    expire_time: Moment | None
    collector_address: str


class Project(Answer):
    """A project."""

    project: str
    time_zone: str
    series_limit: int
    create_time: Moment | None
    calls_per_s_limit: int
    calls_burst_limit: int
    open_streams_limit: int


class ProjectsPage(Answer):
    """A page of projects by id."""

    projects: list[Project]
    next_page_token: str


class Key(Answer):
    """A key without its secret."""

    key_id: str
    project: str | None
    display_name: str
    roles: list[RoleName]
    create_time: Moment | None
    expire_time: Moment | None
    revoke_time: Moment | None
    calls_per_s_limit: int
    calls_burst_limit: int
    open_streams_limit: int


class CreatedKey(Answer):
    """A key and its secret, shown this once."""

    secret: str
    key: Key


class KeysPage(Answer):
    """A page of keys, the newest first."""

    keys: list[Key]
    next_page_token: str


class AuditEvent(Answer):
    """A change: which key did what to which subject, and how."""

    time: Moment | None
    actor_key_id: str
    action: str
    subject: str
    details: dict[str, str]


class AuditPage(Answer):
    """A page of the audit log, the latest first. What a service keeps that is away is missing, and named."""

    events: list[AuditEvent]
    next_page_token: str
    missing_sources: list[Literal["alerter"]]
