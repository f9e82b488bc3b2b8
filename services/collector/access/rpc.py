"""AccessService: converts, checks what the caller may, and delegates to the store."""

from collections.abc import Awaitable, Callable
from typing import Any, TypeAlias

import grpc.aio
from assay.access.v1 import access_service_pb2 as contract
from assay.access.v1 import access_service_pb2_grpc

from kit import paging
from kit.access import Guard, Identity, Role, roles_from_message
from kit.errors import invalid
from services.collector.access import keys, messages, rules
from services.collector.access.checker import StoreKeyChecker
from services.collector.access.store import AccessStore, key_unknown

SERVICE_NAME = contract.DESCRIPTOR.services_by_name["AccessService"].full_name
PAGE_SIZE_DEFAULT = 100
PAGE_SIZE_MAX = 1_000

Context: TypeAlias = grpc.aio.ServicerContext[Any, Any]
OnZoneChange: TypeAlias = Callable[[int], Awaitable[None]]


class AccessServicer(access_service_pb2_grpc.AccessServiceServicer):
    """Serves projects, keys and the audit log. Its guard remembers nothing, as others remember CheckKey's answers."""

    def __init__(self, store: AccessStore, on_zone_change: OnZoneChange) -> None:
        """`on_zone_change` is given a project_id when its zone is stored, and maybe again for the same zone."""
        self._store = store
        self._guard = Guard(StoreKeyChecker(store))
        self._on_zone_change = on_zone_change

    def add_to(self, server: grpc.aio.Server) -> None:
        """Registers the service."""
        access_service_pb2_grpc.add_AccessServiceServicer_to_server(self, server)

    async def CreateProject(self, request: contract.CreateProjectRequest, context: Context) -> contract.CreateProjectResponse:
        """Makes a project."""
        caller = await self._caller(context, Role.INSTALLATION_ADMIN)
        project = await self._store.create_project(
            caller.key_id,
            rules.check_project(request.project),
            rules.check_time_zone(request.time_zone or "UTC"),
            rules.check_series_limit(request.series_limit or rules.SERIES_LIMIT_DEFAULT),
            rules.check_quota({field: getattr(request, field) for field in rules.QUOTA_MAX}),
        )
        return contract.CreateProjectResponse(project=messages.project_to_message(project))

    async def UpdateProject(self, request: contract.UpdateProjectRequest, context: Context) -> contract.UpdateProjectResponse:
        """Changes what is set. The same zone once more is announced too, so that a call that failed can be repeated."""
        caller = await self._caller(context, Role.ADMIN)
        has_zone, has_limit = request.HasField("time_zone"), request.HasField("series_limit")
        is_set = {field.name for field, _ in request.ListFields()}
        quota = {field: getattr(request, field) for field in rules.QUOTA_MAX if field in is_set}
        if quota:
            caller.require(Role.INSTALLATION_ADMIN)  # a quota keeps a project from taking what is the others'
        project = await self._store.update_project(
            caller.key_id,
            caller.project_for(request.project),
            time_zone=rules.check_time_zone(request.time_zone) if has_zone else None,
            series_limit=rules.check_series_limit(request.series_limit) if has_limit else None,
            quota=rules.check_quota(quota),
        )
        if has_zone:
            await self._on_zone_change(project.project_id)
        return contract.UpdateProjectResponse(project=messages.project_to_message(project))

    async def ListProjects(self, request: contract.ListProjectsRequest, context: Context) -> contract.ListProjectsResponse:
        """Lists the caller's project, or all for a key of the installation."""
        caller = await self._guard.identity(context)
        size = _page_size(request.page_size)
        query = f"projects {caller.project}"
        after = messages.project_position(request.page_token, query)
        page = await self._store.list_projects(only=caller.project, after=after, limit=size + 1)
        return contract.ListProjectsResponse(
            projects=map(messages.project_to_message, page[:size]),
            next_page_token=messages.project_token(page[size - 1], query) if len(page) > size else "",
        )

    async def CreateKey(self, request: contract.CreateKeyRequest, context: Context) -> contract.CreateKeyResponse:
        """Makes a key."""
        caller = await self._caller(context, Role.ADMIN)
        project = _owner(caller, request.project)
        try:
            roles = roles_from_message(request.roles)
        except KeyError as error:
            raise invalid("roles", "use the roles of the contract") from error
        secret, key = await self._store.create_key(
            caller.key_id,
            project,
            rules.check_display_name(request.display_name),
            rules.check_grant(caller, project, roles),
            rules.check_lifetime(request.lifetime.seconds) if request.HasField("lifetime") else None,
            quota=rules.check_quota({field: getattr(request, field) for field in rules.QUOTA_MAX}),
        )
        return contract.CreateKeyResponse(secret=secret, key=messages.key_to_message(key))

    async def ListKeys(self, request: contract.ListKeysRequest, context: Context) -> contract.ListKeysResponse:
        """Lists keys without their secrets."""
        caller = await self._caller(context, Role.ADMIN)
        project = _owner(caller, request.project)
        size = _page_size(request.page_size)
        query = f"keys {project}"
        before = messages.key_position(request.page_token, query)
        page = await self._store.list_keys(project, before=before, limit=size + 1)
        return contract.ListKeysResponse(
            keys=map(messages.key_to_message, page[:size]),
            next_page_token=messages.key_token(page[size - 1], query) if len(page) > size else "",
        )

    async def RevokeKey(self, request: contract.RevokeKeyRequest, context: Context) -> contract.RevokeKeyResponse:
        """Ends a key. Every key may end itself, which is how a browser logs out."""
        caller = await self._guard.identity(context)
        if request.key_id != caller.key_id:
            caller.require(Role.ADMIN)
        project = _owner(caller, request.project)
        if not keys.is_key_id(request.key_id):
            raise key_unknown()
        key = await self._store.get_key(project, request.key_id)
        rules.check_reach(caller, key.roles)
        revoked = await self._store.revoke_key(caller.key_id, key)
        return contract.RevokeKeyResponse(key=messages.key_to_message(revoked))

    async def CheckKey(self, _request: contract.CheckKeyRequest, context: Context) -> contract.CheckKeyResponse:
        """Tells what the caller's own key may do."""
        caller = await self._guard.identity(context)
        key = await self._store.get_key(caller.project, caller.key_id)
        return contract.CheckKeyResponse(key=messages.key_to_message(key))

    async def CreateLoginToken(self, _request: contract.CreateLoginTokenRequest, context: Context) -> contract.CreateLoginTokenResponse:
        """Makes a token for one login. Needs `read`: a session that cannot see anything is of no use."""
        caller = await self._caller(context, Role.READ)
        token, expire_time = await self._store.create_login_token(caller.key_id)
        return contract.CreateLoginTokenResponse(token=token, expire_time=messages.timestamp(expire_time))

    async def ExchangeLoginToken(
        self, request: contract.ExchangeLoginTokenRequest, _context: Context
    ) -> contract.ExchangeLoginTokenResponse:
        """Turns a login token into a session's key; the token is the proof, so there is no guard."""
        secret, key = await self._store.exchange_login_token(request.token)
        return contract.ExchangeLoginTokenResponse(secret=secret, key=messages.key_to_message(key))

    async def ListAuditEvents(self, request: contract.ListAuditEventsRequest, context: Context) -> contract.ListAuditEventsResponse:
        """Lists who changed what, the latest first."""
        caller = await self._caller(context, Role.ADMIN)
        project = _owner(caller, request.project)
        size = _page_size(request.page_size)
        query = f"events {project}"
        before = messages.event_position(request.page_token, query)
        page = await self._store.list_audit_events(project, before=before, limit=size + 1)
        return contract.ListAuditEventsResponse(
            events=[messages.event_to_message(event, query) for event in page[:size]],
            next_page_token=messages.event_token(page[size - 1], query) if len(page) > size else "",
        )

    async def _caller(self, context: Context, role: Role) -> Identity:
        caller = await self._guard.identity(context)
        caller.require(role)
        return caller


def _owner(caller: Identity, requested: str) -> str | None:
    """Whose keys and events a request is about; empty means the caller's own: for the installation's keys, those."""
    return caller.project_for(requested) if requested else caller.project


def _page_size(requested: int) -> int:
    return paging.page_size(requested, PAGE_SIZE_DEFAULT, PAGE_SIZE_MAX)
