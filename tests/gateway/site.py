"""A gateway over real HTTP, with a neighbour over real gRPC behind it."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from inspect import isawaitable
from pathlib import Path
from typing import Any

import httpx

from gateway.app import gateway
from gateway.settings import GatewaySettings
from tests.gateway.neighbour import READER, Neighbour, served

DEADLINE_S = 60.0
ADDRESSES = ("collector_address", "analyzer_address", "alerter_address", "reporter_address")  # one neighbour stands for all
AS_READER = {"authorization": f"Bearer {READER}"}


@dataclass(frozen=True)
class Site:
    """A running gateway, a client of it, and its neighbour."""

    url: str
    http: httpx.AsyncClient
    neighbour: Neighbour
    collector_address: str

    async def get(self, path: str, **parameters: Any) -> httpx.Response:
        """GET below /api/v1 with the reader's key."""
        return await self.http.get(f"/api/v1{path}", params=parameters or None, headers=AS_READER)

    async def send(self, method: str, path: str, **arguments: Any) -> httpx.Response:
        """Any other request below /api/v1 with the reader's key."""
        return await self.http.request(method, f"/api/v1{path}", headers=AS_READER, **arguments)


@asynccontextmanager
async def running(neighbour: Neighbour, directory: Path, **changes: Any) -> AsyncIterator[Site]:
    """Both servers on free ports, with settings for impatient tests."""
    quick = {
        "listen": "127.0.0.1:0",
        "dashboard_directory": directory,
        "heartbeat_s": 0.2,
        "ledger_interval_s": 0.05,
        "key_check_interval_s": 0.1,
        "reconnect_first_s": 0.05,
        "reconnect_max_s": 0.2,
        "login_burst": 1_000,
    }
    async with served(neighbour) as collector_address:
        settings = GatewaySettings(**{**quick, **dict.fromkeys(ADDRESSES, collector_address), **changes})
        async with gateway(settings) as address, httpx.AsyncClient(base_url=f"http://{address}", timeout=DEADLINE_S) as http:
            yield Site(f"http://{address}", http, neighbour, settings.collector_address)


async def eventually(condition: Callable[[], bool | Awaitable[bool]]) -> None:
    """Waits until a condition holds, for DEADLINE_S at most."""
    async with asyncio.timeout(DEADLINE_S):
        while True:
            answer = condition()
            if await answer if isawaitable(answer) else answer:
                return
            await asyncio.sleep(0.01)


async def is_ready(site: Site) -> bool:
    """Whether /readyz says so."""
    return (await site.http.get("/readyz")).status_code == 200
