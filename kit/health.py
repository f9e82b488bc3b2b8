"""Whether a process can do its work: named conditions, shown as grpc.health.v1 and by /readyz."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from typing import Any

import grpc
from grpc_health.v1 import health_pb2, health_pb2_grpc

from kit.errors import AssayError, Kind


class Readiness:
    """Ready while every named condition holds, and never again once closed. For use in one event loop."""

    def __init__(self, *names: str) -> None:
        """The conditions named here do not hold yet; `set` may add others."""
        self._missing: dict[str, str] = dict.fromkeys(names, "starting")
        self._without: dict[str, str] = {}
        self._is_closed = False
        self._changed = asyncio.Event()

    @property
    def is_ready(self) -> bool:
        """Whether all conditions hold."""
        return not self.reasons

    @property
    def reasons(self) -> dict[str, str]:
        """Why it is not ready, by condition; empty when it is."""
        return {"process": "stopping"} if self._is_closed else dict(self._missing)

    @property
    def without(self) -> dict[str, str]:
        """What is missing that the process can do without, and why, by name."""
        return dict(self._without)

    def tell(self, name: str, there: bool, why: str = "") -> None:  # noqa: FBT001  as below
        """Says whether something is there that the process can do without, and if not, why."""
        if there:
            self._without.pop(name, None)
        else:
            self._without[name] = why

    def set(self, name: str, ready: bool, why: str = "") -> None:  # noqa: FBT001  reads as `set("database", True)`
        """Says whether a condition holds, and if not, why."""
        if ready:
            self._missing.pop(name, None)
        else:
            self._missing[name] = why
        self._announce()

    def close(self) -> None:
        """Says that the process is stopping."""
        self._is_closed = True
        self._announce()

    async def changes(self) -> AsyncGenerator[bool, None]:
        """Whether it is ready, now and whenever that changes, for ever. What changed back at once may be missed."""
        last: bool | None = None
        while True:
            changed = self._changed
            if self.is_ready is not last:
                last = self.is_ready
                yield last
            else:
                await changed.wait()

    def _announce(self) -> None:
        self._changed.set()
        self._changed = asyncio.Event()


class HealthService(health_pb2_grpc.HealthServicer):  # type: ignore[misc]  # the package has no types for it
    """grpc.health.v1 for a process whose services are all ready together, or not at all."""

    def __init__(self, readiness: Readiness, service_names: Sequence[str]) -> None:
        self._readiness = readiness
        self._names = frozenset({"", *service_names})

    async def Check(
        self, request: health_pb2.HealthCheckRequest, _context: grpc.aio.ServicerContext[Any, Any]
    ) -> health_pb2.HealthCheckResponse:
        """NOT_FOUND for a service that is not here, as the protocol wants it."""
        if request.service not in self._names:
            raise AssayError(Kind.NOT_FOUND, "SERVICE_UNKNOWN", "there is no such service here")
        return _answer(is_ready=self._readiness.is_ready)

    async def List(
        self, _request: health_pb2.HealthListRequest, _context: grpc.aio.ServicerContext[Any, Any]
    ) -> health_pb2.HealthListResponse:
        """The state of every service."""
        answer = _answer(is_ready=self._readiness.is_ready)
        return health_pb2.HealthListResponse(statuses=dict.fromkeys(self._names, answer))

    async def Watch(
        self, request: health_pb2.HealthCheckRequest, _context: grpc.aio.ServicerContext[Any, Any]
    ) -> AsyncIterator[health_pb2.HealthCheckResponse]:
        """The state of a service and its changes; SERVICE_UNKNOWN, and no end, for one that is not here."""
        async for is_ready in self._readiness.changes():
            if request.service in self._names:
                yield _answer(is_ready=is_ready)
            else:
                yield health_pb2.HealthCheckResponse(status=health_pb2.HealthCheckResponse.SERVICE_UNKNOWN)


def _answer(*, is_ready: bool) -> health_pb2.HealthCheckResponse:
    response = health_pb2.HealthCheckResponse
    return response(status=response.SERVING if is_ready else response.NOT_SERVING)
