"""Everything that the suite can be asked: RPCs from the contract's descriptors, routes from the OpenAPI document."""

import importlib
import pkgutil
from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import assay
import grpc
import grpc.aio
import httpx
from google.protobuf.message import Message
from google.protobuf.message_factory import GetMessageClass
from grpc_reflection.v1alpha import reflection_pb2, reflection_pb2_grpc

from kit import rpc as kit_rpc
from kit.errors import AssayError
from tests.system.suite import ANSWER_TIMEOUT_S

WRITE_METHODS = frozenset({"POST", "PATCH", "PUT", "DELETE"})
# Served beside the contract, open to all by design: health, and the description of what is served.
OPEN_SERVICES = frozenset({"grpc.health.v1.Health", "grpc.reflection.v1alpha.ServerReflection"})


@dataclass(frozen=True)
class Rpc:
    """One method of the contract. `name` is its short name, such as "CollectorService.RecordCalls"."""

    name: str
    path: str
    request_class: type[Message]
    response_class: type[Message]
    is_client_streaming: bool
    is_server_streaming: bool

    def start(self, channel: grpc.aio.Channel, requests: Sequence[Message | bytes], **options: Any) -> Any:
        """The running call; bytes are sent as they are."""
        streams = {
            (False, False): "unary_unary",
            (False, True): "unary_stream",
            (True, False): "stream_unary",
            (True, True): "stream_stream",
        }
        open_method = getattr(channel, streams[self.is_client_streaming, self.is_server_streaming])
        method = open_method(self.path, request_serializer=_as_bytes, response_deserializer=self.response_class.FromString)
        return method(iter(requests) if self.is_client_streaming else requests[0], **options)

    async def ask(self, channel: grpc.aio.Channel, *requests: Message | bytes, timeout_s: float = ANSWER_TIMEOUT_S) -> Message | None:
        """The answer, or the first one of a stream, None where it ends without. Raises the AioRpcError that it ends with instead."""
        call = self.start(channel, requests, timeout=timeout_s)
        if not self.is_server_streaming:
            answer: Message = await call
            return answer
        try:
            first = await call.read()
            return None if first is grpc.aio.EOF else first
        finally:
            call.cancel()

    async def refusal(
        self, channel: grpc.aio.Channel, *requests: Message | bytes, timeout_s: float = ANSWER_TIMEOUT_S
    ) -> AssayError | None:
        """The error that it is refused with, None where it is answered."""
        try:
            await self.ask(channel, *requests, timeout_s=timeout_s)
        except grpc.aio.AioRpcError as error:
            return kit_rpc.error_of(error)
        return None


def _as_bytes(request: Message | bytes) -> bytes:
    return request if isinstance(request, bytes) else request.SerializeToString()


def rpcs() -> dict[str, Rpc]:
    """Every method of every service that the contract has, by its short name."""
    return {rpc.name: rpc for rpc in _methods()}


def _methods() -> Iterable[Rpc]:
    for module in pkgutil.walk_packages(assay.__path__, "assay."):
        if not module.name.endswith("_pb2"):
            continue
        for service in importlib.import_module(module.name).DESCRIPTOR.services_by_name.values():
            for method in service.methods:
                yield Rpc(
                    name=f"{service.name}.{method.name}",
                    path=f"/{service.full_name}/{method.name}",
                    request_class=GetMessageClass(method.input_type),
                    response_class=GetMessageClass(method.output_type),
                    is_client_streaming=method.client_streaming,
                    is_server_streaming=method.server_streaming,
                )


async def served_services(address: str) -> set[str]:
    """The services that a process says it serves, but for those that are open to all."""
    async with kit_rpc.connect(address) as channel:
        stub = reflection_pb2_grpc.ServerReflectionStub(channel)
        async for answer in stub.ServerReflectionInfo(iter([reflection_pb2.ServerReflectionRequest(list_services="")])):
            return {service.name for service in answer.list_services_response.service} - OPEN_SERVICES
    raise AssertionError("reflection does not answer")


@dataclass(frozen=True)
class Route:
    """One operation of the HTTP API, such as "GET /api/v1/calls", and where it takes the project from."""

    name: str
    method: str
    path: str
    parameters: frozenset[tuple[str, str]]  # (name, query or path)

    def names(self, parameter: str, where: str) -> bool:
        """Whether it takes this parameter in the query or the path."""
        return (parameter, where) in self.parameters


@dataclass(frozen=True)
class HttpRequest:
    """What to send to a route."""

    path: dict[str, str] = field(default_factory=dict)
    query: dict[str, str] = field(default_factory=dict)
    json: Any = None


async def routes(http: httpx.AsyncClient) -> dict[str, Route]:
    """Every operation of the OpenAPI document, by method and path."""
    paths = (await http.get("/api/v1/openapi.json")).json()["paths"]
    found = [
        Route(f"{method.upper()} {path}", method.upper(), path, frozenset((p["name"], p["in"]) for p in operation.get("parameters", ())))
        for path, operations in paths.items()
        for method, operation in operations.items()
    ]
    return {route.name: route for route in found}


@asynccontextmanager
async def sending(http: httpx.AsyncClient, route: Route, request: HttpRequest) -> AsyncIterator[httpx.Response]:
    """The answer of a route, whose body is not read yet: that of a stream has no end."""
    path = route.path.format_map(request.path)
    async with http.stream(route.method, path, params=request.query, json=request.json) as response:
        yield response


async def answer_text(response: httpx.Response, *, events: int = 2) -> str:
    """The body; of a stream, the first events."""
    if not response.headers.get("content-type", "").startswith("text/event-stream"):
        return (await response.aread()).decode()
    lines = []
    async for line in response.aiter_lines():
        lines.append(line)
        if sum(each.startswith("data:") for each in lines) >= events:
            break
    return "\n".join(lines)
