"""A served AccessService on a database of its own, with a wall clock that can be put forward."""

import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import grpc.aio
import pytest
from assay.access.v1 import access_service_pb2 as contract
from assay.access.v1 import access_service_pb2_grpc
from sqlalchemy.ext.asyncio import AsyncEngine

from kit import database, rpc
from kit.errors import AssayError, Kind
from kit.health import Readiness
from services.collector.access import keys
from services.collector.access.rpc import SERVICE_NAME, AccessServicer
from services.collector.access.store import AccessStore, utc_now

NO_KEY = ""


@dataclass
class Clock:
    """The wall clock, put forward."""

    ahead: timedelta = timedelta()

    def __call__(self) -> datetime:
        return utc_now() + self.ahead


@dataclass
class Access:
    """The running service, its store, and the secret of the installation's admin."""

    engine: AsyncEngine
    store: AccessStore
    clock: Clock
    channel: grpc.aio.Channel
    admin: str
    zone_changes: list[int] = field(default_factory=list)

    async def call(self, method: str, secret: str, **fields: Any) -> Any:
        """Calls one RPC with the fields of its request; raises what the service refused with."""
        message = getattr(contract, f"{method}Request")(**fields)
        metadata = (("authorization", f"Bearer {secret}"),) if secret else ()
        stub = access_service_pb2_grpc.AccessServiceStub(self.channel)
        try:
            return await getattr(stub, method)(message, metadata=metadata, timeout=60)
        except grpc.aio.AioRpcError as error:
            raise rpc.error_of(error) from error

    async def refusal(self, method: str, secret: str, **fields: Any) -> tuple[Kind, str, str | None]:
        """Kind, reason and field of the refusal that a call must meet."""
        with pytest.raises(AssayError) as refused:
            await self.call(method, secret, **fields)
        return refused.value.kind, refused.value.reason, refused.value.details.get("field")

    async def reason_of(self, method: str, secret: str, **fields: Any) -> str | None:
        """Why a call is refused; None if it is not."""
        try:
            await self.call(method, secret, **fields)
        except AssayError as refused:
            return refused.reason
        return None

    async def new_key(self, *roles: str, project: str = "default", by: str = "", **fields: Any) -> str:
        """The secret of a new key, made by the installation's admin unless `by` another."""
        granted = [contract.Role.Value(f"ROLE_{role}") for role in roles]
        response = await self.call("CreateKey", by or self.admin, project=project, roles=granted, **fields)
        assert isinstance(response.secret, str)
        return response.secret

    async def new_project(self) -> str:
        """The id of a new project."""
        project = f"p-{secrets.token_hex(8)}"
        await self.call("CreateProject", self.admin, project=project)
        return project

    async def session(self, secret: str) -> str:
        """The secret of a browser's session that came from this key."""
        token = (await self.call("CreateLoginToken", secret)).token
        made = (await self.call("ExchangeLoginToken", NO_KEY, token=token)).secret
        assert isinstance(made, str)
        return made


def id_of(secret: str) -> str:
    """The public part of a key's secret."""
    return keys.parse(secret).key_id


@asynccontextmanager
async def serve_access(database_url: str) -> AsyncIterator[Access]:
    """Migrates the database and serves AccessService on it, with the defaults and a bootstrap key made."""
    await database.migrate(database_url, schema="collector", package="services.collector.migrations")
    clock, zone_changes, admin = Clock(), list[int](), keys.new_secret()

    async def on_zone_change(project_id: int) -> None:
        zone_changes.append(project_id)

    async with database.engine(database_url) as engine:
        store = AccessStore(engine, clock=clock)
        await store.ensure_defaults()
        await store.ensure_bootstrap_key(admin)
        servicer = AccessServicer(store, on_zone_change)
        readiness, names = Readiness(), [SERVICE_NAME]
        async with (
            rpc.serve("127.0.0.1:0", [servicer.add_to], service_names=names, readiness=readiness) as address,
            rpc.connect(address) as channel,
        ):
            yield Access(engine, store, clock, channel, admin, zone_changes)
