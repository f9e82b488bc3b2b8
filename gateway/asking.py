"""How the gateway asks a service: the caller's key on every call, deadlines, errors with reasons."""

from collections.abc import AsyncIterator, Callable
from typing import Any, TypeVar

import grpc.aio

from kit import rpc
from kit.errors import AssayError, Kind

RETRY_S = 1.0  # a service that restarts is back within a second or two
SENDER_LENGTH_MAX = 256  # a browser's user agent is half as long
Question = TypeVar("Question")
Answer = TypeVar("Answer")
Metadata = tuple[tuple[str, str], ...]


class Service:
    """A service behind a channel that itself carries no key: the gateway has no rights of its own. `name` is what errors call it."""

    name: str
    deadline_s: float

    async def ask(
        self,
        method: grpc.aio.UnaryUnaryMultiCallable[Question, Answer],
        question: Question,
        secret: str | None,
        deadline_s: float | None = None,
        sender: str = "",
    ) -> Answer:
        """Asks in the name of the secret's owner, or of nobody. `sender` is the program that a batch is from. Raises AssayError."""
        try:
            return await method(question, metadata=(*_metadata(secret), *_named(sender)), timeout=deadline_s or self.deadline_s)
        except grpc.aio.AioRpcError as error:
            raise self._error_of(error) from error

    async def collect(self, method: Callable[..., Any], question: object, secret: str, deadline_s: float) -> list[Any]:
        """All that a stream tells that ends by itself. Raises AssayError."""
        try:
            return [response async for response in method(question, metadata=_metadata(secret), timeout=deadline_s)]
        except grpc.aio.AioRpcError as error:
            raise self._error_of(error) from error

    async def follow(self, method: Callable[..., Any], question: object, secret: str) -> AsyncIterator[Any]:
        """What a stream tells, until cancelled. Raises AssayError, also when the stream ends."""
        stream = method(question, metadata=_metadata(secret))
        try:
            async for response in stream:
                yield response
        except grpc.aio.AioRpcError as error:
            raise self._error_of(error) from error
        finally:
            stream.cancel()
        raise AssayError(Kind.UNAVAILABLE, "WATCH_ENDED", f"the {self.name} ended the stream")

    def _error_of(self, error: grpc.aio.AioRpcError) -> AssayError:
        """What the service refused, or what its absence means; gRPC's own text would tell callers of our network."""
        refused = rpc.error_of(error)
        if refused.reason == "UNAVAILABLE":
            message = f"the {self.name} cannot be reached: try again"
            return AssayError(Kind.UNAVAILABLE, f"{self.name.upper()}_UNAVAILABLE", message, retry_after_s=RETRY_S)
        return refused


def _named(sender: str) -> Metadata:
    """The sender's name as metadata, in which only printable ASCII travels."""
    name = "".join(letter for letter in sender if " " <= letter <= "~")[:SENDER_LENGTH_MAX]
    return (("assay-sender", name),) if name else ()


def _metadata(secret: str | None) -> Metadata:
    return (("authorization", f"Bearer {secret}"),) if secret else ()
