"""What `assay keys`, `projects`, `audit` and `login` ask of AccessService, and how they show the answers."""

import sys
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from datetime import timedelta
from typing import TYPE_CHECKING, Any, TypeAlias, TypeVar

import grpc.aio
from assay.access.v1 import access_service_pb2 as contract
from assay.access.v1.access_service_pb2_grpc import AccessServiceStub
from assay.alerter.v1 import audit_service_pb2 as alerting
from assay.alerter.v1.audit_service_pb2_grpc import AuditServiceStub
from google.protobuf.duration_pb2 import Duration
from google.protobuf.message import Message

from cli.work.connection import ASK_TIMEOUT_S, Target, ask
from cli.work.output import Json, as_json, print_json, print_table

if TYPE_CHECKING:  # exists in the type stubs alone
    from assay.access.v1.access_service_pb2_grpc import AccessServiceAsyncStub
    from assay.alerter.v1.audit_service_pb2_grpc import AuditServiceAsyncStub

PAGE_SIZE = 1_000  # the contract's largest

Response = TypeVar("Response", bound=Message)
Quota: TypeAlias = Mapping[str, int]

_QUOTA_COLUMNS = ("calls_per_s_limit", "calls_burst_limit", "open_streams_limit")
_KEY_COLUMNS = ("key_id", "display_name", "roles", "create_time", "expire_time", "revoke_time", *_QUOTA_COLUMNS)
_PROJECT_COLUMNS = ("project", "time_zone", "series_limit", "create_time", *_QUOTA_COLUMNS)


def quota(calls_per_s: int | None, calls_burst: int | None, open_streams: int | None) -> Quota:
    """The limits that are given, by their fields in requests."""
    given = zip(_QUOTA_COLUMNS, (calls_per_s, calls_burst, open_streams), strict=True)
    return {name: limit for name, limit in given if limit is not None}


def create_key(
    target: Target, project: str, name: str, roles: Sequence[str], lifetime: timedelta | None, *, quota: Quota, json: bool
) -> None:
    """Prints the key, alone on standard output unless as JSON."""
    request = contract.CreateKeyRequest(
        project=project,
        display_name=name,
        roles=[contract.Role.Value(f"ROLE_{role}") for role in roles],
        lifetime=_lifetime(lifetime),
        **quota,
    )
    response = _asked(target, lambda service: service.CreateKey(request, timeout=ASK_TIMEOUT_S))
    if json:
        print_json({"key": response.secret, **_key(response.key)})
    else:
        print("The key is shown this once; keep it where nobody else reads it:", file=sys.stderr)
        print(response.secret)


def list_keys(target: Target, project: str, *, json: bool) -> None:
    """Prints a project's keys, or with "" the installation's."""

    def page(service: "AccessServiceAsyncStub", token: str) -> Awaitable[contract.ListKeysResponse]:
        request = contract.ListKeysRequest(project=project, page_size=PAGE_SIZE, page_token=token)
        return service.ListKeys(request, timeout=ASK_TIMEOUT_S)

    found = [_key(each) for each in _pages(target, page, "keys")]
    _print_all("keys", found, _KEY_COLUMNS, json=json)


def revoke_key(target: Target, project: str, key_id: str, *, json: bool) -> None:
    """Ends a key and says so."""
    request = contract.RevokeKeyRequest(project=project, key_id=key_id)
    response = _asked(target, lambda service: service.RevokeKey(request, timeout=ASK_TIMEOUT_S))
    if json:
        print_json(_key(response.key))
    else:
        print(f"{response.key.key_id} is revoked")


def create_project(target: Target, project: str, time_zone: str, series_limit: int, quota: Quota, *, json: bool) -> None:
    """Makes a project and shows it; "" and 0 mean the collector's defaults."""
    request = contract.CreateProjectRequest(project=project, time_zone=time_zone, series_limit=series_limit, **quota)
    response = _asked(target, lambda service: service.CreateProject(request, timeout=ASK_TIMEOUT_S))
    _print_one(as_json(response.project), _PROJECT_COLUMNS, json=json)


def update_project(target: Target, project: str, time_zone: str | None, series_limit: int | None, quota: Quota, *, json: bool) -> None:
    """Changes what is not None and shows the project."""
    request = contract.UpdateProjectRequest(project=project, time_zone=time_zone, series_limit=series_limit, **quota)
    response = _asked(target, lambda service: service.UpdateProject(request, timeout=ASK_TIMEOUT_S))
    _print_one(as_json(response.project), _PROJECT_COLUMNS, json=json)


def list_projects(target: Target, *, json: bool) -> None:
    """Prints the projects that the key may see."""

    def page(service: "AccessServiceAsyncStub", token: str) -> Awaitable[contract.ListProjectsResponse]:
        return service.ListProjects(contract.ListProjectsRequest(page_size=PAGE_SIZE, page_token=token), timeout=ASK_TIMEOUT_S)

    found = [as_json(each) for each in _pages(target, page, "projects")]
    _print_all("projects", found, _PROJECT_COLUMNS, json=json)


def list_audit_events(target: Target, project: str, limit: int, *, json: bool) -> None:
    """Prints the latest `limit` changes of a project, or with "" of the installation."""

    def page(service: "AccessServiceAsyncStub", token: str) -> Awaitable[contract.ListAuditEventsResponse]:
        request = contract.ListAuditEventsRequest(project=project, page_size=min(limit, PAGE_SIZE), page_token=token)
        return service.ListAuditEvents(request, timeout=ASK_TIMEOUT_S)

    _show_events(_pages(target, page, "events", limit), json=json)


def list_alerting_events(target: Target, project: str, limit: int, *, json: bool) -> None:
    """Prints the latest `limit` changes of rules, silences, receivers and the notification policy; `target` is the alerter."""

    def page(service: "AuditServiceAsyncStub", token: str) -> Awaitable[alerting.ListAuditEventsResponse]:
        request = alerting.ListAuditEventsRequest(project=project, page_size=min(limit, PAGE_SIZE), page_token=token)
        return service.ListAuditEvents(request, timeout=ASK_TIMEOUT_S)

    _show_events(_pages(target, page, "events", limit, stub=AuditServiceStub), json=json)


def _show_events(events: Iterable[contract.AuditEvent], *, json: bool) -> None:
    found = [as_json(each) for each in events]
    for each in found:
        del each["page_token"]  # of no use to who has all of them
    if json:
        print_json({"events": found})
        return
    rows = ([e["time"], e["actor_key_id"] or "Assay", e["action"], e["subject"], _details(e["details"])] for e in found)
    print_table(("time", "actor", "action", "subject", "details"), rows, empty="nothing was changed yet")


def show_login_link(target: Target, gateway_url: str, *, json: bool) -> None:
    """Prints a link that logs a browser in once, with the roles of the target's key."""
    link = login_link(gateway_url, ask(target, create_login_token))
    if json:
        print_json({"url": link})
    else:
        print(link)


def login_link(gateway_url: str, token: str) -> str:
    """The page at which a browser turns the token into a session."""
    return f"{gateway_url.rstrip('/')}/login?token={token}"


async def create_login_token(channel: grpc.aio.Channel) -> str:
    """A token for one login in a browser, with the roles of the channel's key."""
    response = await AccessServiceStub(channel).CreateLoginToken(contract.CreateLoginTokenRequest(), timeout=ASK_TIMEOUT_S)
    return response.token


def _asked(target: Target, call: Callable[["AccessServiceAsyncStub"], Awaitable[Response]]) -> Response:
    async def work(channel: grpc.aio.Channel) -> Response:
        return await call(AccessServiceStub(channel))

    return ask(target, work)


def _pages(
    target: Target,
    page: Callable[[Any, str], Awaitable[Any]],
    field: str,
    limit: int | None = None,
    *,
    stub: Callable[[grpc.aio.Channel], Any] = AccessServiceStub,
) -> list[Any]:
    """The items in `field` of all pages, at most `limit`."""

    async def work(channel: grpc.aio.Channel) -> list[Any]:
        service = stub(channel)
        items: list[Any] = []
        token = ""
        while True:
            response = await page(service, token)
            items += getattr(response, field)
            token = response.next_page_token
            if not token or (limit is not None and len(items) >= limit):
                return items[:limit]

    return ask(target, work)


def _key(key: contract.Key) -> Json:
    return {**as_json(key), "project": key.project or None}


def _print_all(name: str, items: list[Json], columns: Sequence[str], *, json: bool) -> None:
    if json:
        print_json({name: items})
    else:
        print_table(columns, _rows(items, columns), empty=f"there are no {name}")


def _print_one(item: Json, columns: Sequence[str], *, json: bool) -> None:
    if json:
        print_json(item)
    else:
        print_table(columns, _rows([item], columns), empty="")


def _rows(items: Iterable[Json], columns: Sequence[str]) -> list[list[object]]:
    return [[item[column] for column in columns] for item in items]


def _details(details: dict[str, str]) -> str:
    return " ".join(f"{name}={value}" for name, value in sorted(details.items()))


def _lifetime(lifetime: timedelta | None) -> Duration | None:
    if lifetime is None:
        return None
    duration = Duration()
    duration.FromTimedelta(lifetime)
    return duration
