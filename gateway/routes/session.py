"""Logging in and out of a browser. The cookie holds a session key that ends, never the key that it was made with."""

from assay.access.v1.access_service_pb2 import (
    CheckKeyRequest,
    CreateLoginTokenRequest,
    ExchangeLoginTokenRequest,
    ListProjectsRequest,
    RevokeKeyRequest,
)
from fastapi import Request, Response
from pydantic import BaseModel, ConfigDict, Field

from gateway import access_models, messages
from gateway.auth import CallerOf, clear_session, is_from_browser, require_own_page, set_session
from gateway.parts import CollectorOf, PartsOf, answer
from gateway.routes.described import answers, api_router
from kit.access import SECRET_LENGTH_MAX, secret_from_header
from kit.errors import AssayError, Kind, invalid

PROJECTS_SHOWN_MAX = 1_000  # the largest page; more projects than that are found by typing

router = api_router("session")


class Login(BaseModel):
    """A login link's token, or a key: exactly one of them."""

    model_config = ConfigDict(extra="forbid")

    token: str = Field(default="", max_length=SECRET_LENGTH_MAX)
    key: str = Field(default="", max_length=SECRET_LENGTH_MAX)


@router.post("/session", status_code=204)
async def log_in(request: Request, parts: PartsOf, login: Login) -> Response:
    """Starts a session and sets its cookie."""
    if is_from_browser(request):
        require_own_page(request)
    if bool(login.token) == bool(login.key):
        raise invalid("token", "send either a token or a key")
    parts.logins.admit(request.client.host if request.client else "")
    collector = parts.collector
    token = login.token
    if login.key:
        secret = secret_from_header(f"Bearer {login.key}")
        token = (await collector.ask(collector.access.CreateLoginToken, CreateLoginTokenRequest(), secret)).token
    started = await collector.ask(collector.access.ExchangeLoginToken, ExchangeLoginTokenRequest(token=token), None)
    response = Response(status_code=204, headers={"cache-control": "no-store"})
    set_session(request, response, started.secret, started.key)
    return response


@router.delete("/session", status_code=204)
async def log_out(request: Request, collector: CollectorOf, caller: CallerOf) -> Response:
    """Ends the session: its key is revoked and the cookie taken back. A key that is no session's is left alone."""
    checked = await collector.ask(collector.access.CheckKey, CheckKeyRequest(), caller.secret)
    if not caller.is_session:
        raise AssayError(Kind.FAILED_PRECONDITION, "SESSION_MISSING", "this is a key and no session: revoke it instead")
    own = RevokeKeyRequest(project=checked.key.project, key_id=checked.key.key_id)
    await collector.ask(collector.access.RevokeKey, own, caller.secret)
    response = Response(status_code=204, headers={"cache-control": "no-store"})
    clear_session(request, response)
    return response


@router.get("/session", **answers(access_models.Session))
async def get_session(parts: PartsOf, caller: CallerOf) -> Response:
    """Who the caller is, what it may see, and where calls are sent to."""
    collector = parts.collector
    key = (await collector.ask(collector.access.CheckKey, CheckKeyRequest(), caller.secret)).key
    page = ListProjectsRequest(page_size=PROJECTS_SHOWN_MAX)
    projects = (await collector.ask(collector.access.ListProjects, page, caller.secret)).projects
    return answer(
        {
            "key_id": key.key_id,
            "project": key.project or None,
            "roles": messages.role_names(key.roles),
            "projects": [{"project": each.project, "time_zone": each.time_zone} for each in projects],
            "expire_time": messages.moment(key, "expire_time"),
            "collector_address": parts.settings.collector_address,
        }
    )
