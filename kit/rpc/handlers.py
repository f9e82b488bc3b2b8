"""Rewrites the handlers of generated services so that parsing, errors, metrics and stopping are the same for all."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping
from contextlib import aclosing, asynccontextmanager
from typing import Any, TypeAlias, TypeVar

import grpc
import grpc.aio
from google.protobuf.message import DecodeError

from kit import logs, metrics
from kit.errors import AssayError, Kind
from kit.rpc.status import abort
from kit.rpc.stopping import Stopping

Context: TypeAlias = grpc.aio.ServicerContext[Any, Any]
Handler: TypeAlias = "grpc.RpcMethodHandler[Any, Any]"
Method = TypeVar("Method", bound=Callable[..., Any])

# For the one message of a request to arrive: 8 MB over 2 Mbit/s. An RPC without its message holds one of the server's places.
MESSAGE_WAIT_MAX_S = 30.0
_RAW_MARK = "_assay_raw_request"
_SERIALISED_MARK = "_assay_serialised_response"
_REQUESTS = metrics.counter("assay_rpc_requests_total", "RPCs answered, by method and status code.", ["method", "code"])
_SECONDS = metrics.histogram(
    "assay_rpc_seconds",
    "From an RPC's arrival to its answer. Streams are left out: they last as long as asked.",
    ["method", "code"],
)
_log = logs.get_logger(__name__)


def raw_request(method: Method) -> Method:
    """Marks a servicer's method that wants a request's bytes instead of the parsed message, to parse them itself."""
    setattr(method, _RAW_MARK, True)
    return method


def serialised_response(method: Method) -> Method:
    """Marks a servicer's method that answers with a response's bytes, since it keeps them for whoever asks the same again."""
    setattr(method, _SERIALISED_MARK, True)
    return method


class WrappingServer:
    """What generated `add_…Servicer_to_server` functions are given in place of the server.

    A servicer's methods are coroutines or async generators. They raise AssayError to refuse; anything else that they
    raise is a bug. They read requests from their argument, not from `context.read`.
    """

    def __init__(self, server: grpc.aio.Server, stopping: Stopping) -> None:
        self._server = server
        self._stopping = stopping
        self.service_names: set[str] = set()

    def add_generic_rpc_handlers(self, handlers: Iterable[grpc.GenericRpcHandler]) -> None:
        """Does nothing: generated code adds the same handlers below, by name."""

    def add_registered_method_handlers(self, service_name: str, handlers: Mapping[str, Handler]) -> None:
        """Adds the handlers of a service, wrapped."""
        wrapped = {name: _wrapped(f"{service_name}/{name}", handler, self._stopping) for name, handler in handlers.items()}
        self._server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler(service_name, wrapped),))
        self._server.add_registered_method_handlers(service_name, wrapped)
        self.service_names.add(service_name)


def _wrapped(name: str, handler: Handler, stopping: Stopping) -> Handler:
    method = getattr(handler, f"{'stream' if handler.request_streaming else 'unary'}_{'stream' if handler.response_streaming else 'unary'}")
    parse = bytes if getattr(method, _RAW_MARK, False) else handler.request_deserializer
    serialise = bytes if getattr(method, _SERIALISED_MARK, False) else handler.response_serializer
    assert parse is not None and serialise is not None  # noqa: S101, PT018  generated code always has both

    async def answer_once(received: AsyncIterator[bytes], context: Context) -> bytes:
        async with _answering(name, context, is_stream=False):
            request = _requests(received, parse, stopping) if handler.request_streaming else _parsed(await _only(context), parse)
            return serialise(await method(request, context))

    async def answer_stream(received: AsyncIterator[bytes], context: Context) -> None:
        async with _answering(name, context, is_stream=True):
            if handler.request_streaming:  # stops between two requests, so that what was begun is answered
                await _respond(method(_requests(received, parse, stopping), context), context)
            else:
                async with stopping.interruptible():
                    await _respond(method(_parsed(await _only(context), parse), context), context)

    # All requests are taken as streams, of which the wire knows no difference: where gRPC itself reads the one message of a request, it
    # waits for it without an end.
    if handler.response_streaming:
        return grpc.stream_stream_rpc_method_handler(answer_stream, None, serialise)
    return grpc.stream_unary_rpc_method_handler(answer_once)


async def _only(context: Context) -> bytes:
    """The one message of a request. Raises DEADLINE_EXCEEDED MESSAGE_TOO_SLOW, and MESSAGE_MALFORMED where there is none."""
    try:
        async with asyncio.timeout(MESSAGE_WAIT_MAX_S):
            # Not from the iterator, which is one end of a circle that would hold the message until garbage is looked for.
            message: bytes | object = await context.read()
    except TimeoutError:
        text = f"the request did not arrive within {MESSAGE_WAIT_MAX_S:g} s"
        raise AssayError(Kind.DEADLINE_EXCEEDED, "MESSAGE_TOO_SLOW", text) from None
    if not isinstance(message, bytes):
        raise AssayError(Kind.INVALID_ARGUMENT, "MESSAGE_MALFORMED", "the request has no message")
    return message


def _parsed(received: bytes, parse: Callable[[bytes], Any]) -> Any:
    try:
        return parse(received)
    except DecodeError as error:
        message = "the request is not a message of its type"
        raise AssayError(Kind.INVALID_ARGUMENT, "MESSAGE_MALFORMED", message) from error


async def _requests(received: AsyncIterator[bytes], parse: Callable[[bytes], Any], stopping: Stopping) -> AsyncIterator[Any]:
    while True:
        async with stopping.interruptible():
            request = await anext(received, None)
        if request is None:
            return
        yield _parsed(request, parse)


async def _respond(responses: Any, context: Context) -> None:
    """Writes what an async generator yields; a coroutine writes to the context itself."""
    if isinstance(responses, Awaitable):
        await responses
        return
    async with aclosing(responses):
        async for response in responses:
            await context.write(response)


@asynccontextmanager
async def _answering(name: str, context: Context, *, is_stream: bool) -> AsyncIterator[None]:
    """Turns what the block raises into the RPC's status, and counts it."""
    started_s = time.perf_counter()
    code = grpc.StatusCode.OK
    try:
        yield
    except AssayError as error:
        code = grpc.StatusCode[error.kind.name]
        _log.debug("rpc refused", method=name, code=code.name, reason=error.reason, message=error.message)
        await abort(context, error)
    except (asyncio.CancelledError, grpc.aio.AbortError):
        code = grpc.StatusCode.CANCELLED  # by the caller, by its deadline, or by the handler itself
        raise
    except NotImplementedError:  # what generated base classes raise
        code = grpc.StatusCode.UNIMPLEMENTED
        await context.abort(code, "this server does not have the method")
    except Exception as error:  # noqa: BLE001  where the bugs of handlers end
        code = grpc.StatusCode.INTERNAL
        _log.error("rpc failed", error=error, method=name)
        await context.abort(code, "internal error")
    finally:
        _REQUESTS.labels(name, code.name).inc()
        if not is_stream:
            _SECONDS.labels(name, code.name).observe(time.perf_counter() - started_s)
