"""Projects, keys and the audit log."""

from datetime import timedelta

from assay.access.v1.access_service_pb2 import (
    CreateKeyRequest,
    CreateProjectRequest,
    ListKeysRequest,
    ListProjectsRequest,
    RevokeKeyRequest,
    UpdateProjectRequest,
)
from fastapi import Response
from google.protobuf.duration_pb2 import Duration
from pydantic import BaseModel, ConfigDict, Field

from gateway import access_models, messages
from gateway.audit import AuditLog
from gateway.auth import CallerOf
from gateway.parameters import PageSize, PageToken, Project
from gateway.parts import AlerterOf, CollectorOf, answer
from gateway.routes.described import answers, api_router

INT32_MAX = 2**31 - 1
LIFETIME_MAX_S = 100 * 366 * 86_400  # a century, so that every sum with it is a date

router = api_router("access")


class _Change(BaseModel):
    model_config = ConfigDict(extra="forbid")


class NewProject(_Change):
    """A project to be made; time zone and limit have defaults."""

    project: str
    time_zone: str = ""
    series_limit: int = Field(default=0, ge=0, le=INT32_MAX)
    calls_per_s_limit: int = Field(default=0, ge=0, le=INT32_MAX)
    calls_burst_limit: int = Field(default=0, ge=0, le=INT32_MAX)
    open_streams_limit: int = Field(default=0, ge=0, le=INT32_MAX)


class ProjectChange(_Change):
    """What is to be changed of a project. What it may take of each front is for the installation's admin to say."""

    time_zone: str | None = None
    series_limit: int | None = Field(default=None, ge=0, le=INT32_MAX)
    calls_per_s_limit: int | None = Field(default=None, ge=0, le=INT32_MAX)
    calls_burst_limit: int | None = Field(default=None, ge=0, le=INT32_MAX)
    open_streams_limit: int | None = Field(default=None, ge=0, le=INT32_MAX)


class NewKey(_Change):
    """A key to be made. Without a lifetime, in seconds, it works until it is revoked."""

    display_name: str = ""
    roles: list[str]
    lifetime_s: int | None = Field(default=None, gt=0, le=LIFETIME_MAX_S)
    calls_per_s_limit: int = Field(default=0, ge=0, le=INT32_MAX)
    calls_burst_limit: int = Field(default=0, ge=0, le=INT32_MAX)
    open_streams_limit: int = Field(default=0, ge=0, le=INT32_MAX)


@router.get("/projects", **answers(access_models.ProjectsPage))
async def list_projects(collector: CollectorOf, caller: CallerOf, page_size: PageSize = 0, page_token: PageToken = "") -> Response:
    """The projects that the caller may see."""
    question = ListProjectsRequest(page_size=page_size, page_token=page_token)
    response = await collector.ask(collector.access.ListProjects, question, caller.secret)
    projects = list(map(messages.project, response.projects))
    return answer({"projects": projects, "next_page_token": response.next_page_token})


@router.post("/projects", **answers(access_models.Project, 201))
async def create_project(collector: CollectorOf, caller: CallerOf, new: NewProject) -> Response:
    """Makes a project. Needs the installation's admin."""
    request = CreateProjectRequest(**new.model_dump())
    response = await collector.ask(collector.access.CreateProject, request, caller.secret)
    return answer(messages.project(response.project), 201)


@router.patch("/projects/{project}", **answers(access_models.Project))
async def update_project(collector: CollectorOf, caller: CallerOf, project: str, change: ProjectChange) -> Response:
    """Changes what is given."""
    request = UpdateProjectRequest(project=project, **change.model_dump(exclude_none=True))
    response = await collector.ask(collector.access.UpdateProject, request, caller.secret)
    return answer(messages.project(response.project))


@router.get("/keys", **answers(access_models.KeysPage))
async def list_keys(
    collector: CollectorOf,
    caller: CallerOf,
    project: Project = "",
    page_size: PageSize = 0,
    page_token: PageToken = "",
) -> Response:
    """Keys without their secrets, the newest first."""
    question = ListKeysRequest(project=project, page_size=page_size, page_token=page_token)
    response = await collector.ask(collector.access.ListKeys, question, caller.secret)
    return answer({"keys": list(map(messages.key, response.keys)), "next_page_token": response.next_page_token})


@router.post("/keys", **answers(access_models.CreatedKey, 201))
async def create_key(collector: CollectorOf, caller: CallerOf, new: NewKey, project: Project = "") -> Response:
    """Makes a key and shows its secret, this once."""
    request = CreateKeyRequest(
        project=project,
        display_name=new.display_name,
        roles=messages.roles_of(new.roles),
        lifetime=_lifetime(new),
        calls_per_s_limit=new.calls_per_s_limit,
        calls_burst_limit=new.calls_burst_limit,
        open_streams_limit=new.open_streams_limit,
    )
    response = await collector.ask(collector.access.CreateKey, request, caller.secret)
    return answer({"secret": response.secret, "key": messages.key(response.key)}, 201)


@router.delete("/keys/{key_id}", **answers(access_models.Key))
async def revoke_key(collector: CollectorOf, caller: CallerOf, key_id: str, project: Project = "") -> Response:
    """Ends a key; it stops working everywhere within 5 seconds."""
    request = RevokeKeyRequest(project=project, key_id=key_id)
    response = await collector.ask(collector.access.RevokeKey, request, caller.secret)
    return answer(messages.key(response.key))


@router.get("/audit", **answers(access_models.AuditPage))
async def list_audit_events(
    *,
    collector: CollectorOf,
    alerter: AlerterOf,
    caller: CallerOf,
    project: Project = "",
    page_size: PageSize = 0,
    page_token: PageToken = "",
) -> Response:
    """Who changed what, the latest first: projects, keys, and how people are told of alerts."""
    return answer(await AuditLog(collector, alerter, caller.secret).page(project, page_size, page_token))


def _lifetime(new: NewKey) -> Duration | None:
    if new.lifetime_s is None:
        return None
    lifetime = Duration()
    lifetime.FromTimedelta(timedelta(seconds=new.lifetime_s))
    return lifetime
