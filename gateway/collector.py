"""The collector as the gateway sees it: stubs, the caller's key on every call, deadlines, errors with reasons."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

import grpc.aio
from assay.access.v1.access_service_pb2_grpc import AccessServiceStub
from assay.collector.v1.collector_service_pb2_grpc import CollectorServiceStub
from assay.collector.v1.metrics_service_pb2 import WatchMetricsRequest, WatchMetricsResponse
from assay.collector.v1.metrics_service_pb2_grpc import MetricsServiceStub

from kit import rpc
from kit.access import RemoteKeyChecker
from kit.errors import AssayError, Kind

if TYPE_CHECKING:  # these exist in the type stubs alone
    from assay.access.v1.access_service_pb2_grpc import AccessServiceAsyncStub
    from assay.collector.v1.collector_service_pb2_grpc import CollectorServiceAsyncStub
    from assay.collector.v1.metrics_service_pb2_grpc import MetricsServiceAsyncStub

RETRY_S = 1.0  # a collector that restarts is back within a second or two
Question = TypeVar("Question")
Answer = TypeVar("Answer")
Metadata = tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Collector:
    """The services behind one channel, which itself carries no key: the gateway has no rights of its own."""

    access: "AccessServiceAsyncStub"
    calls: "CollectorServiceAsyncStub"
    metrics: "MetricsServiceAsyncStub"
    keys: RemoteKeyChecker
    deadline_s: float

    @classmethod
    def over(cls, channel: grpc.aio.Channel, deadline_s: float) -> "Collector":
        """The services over a channel; `deadline_s` holds for every call that names no other."""
        return cls(
            access=AccessServiceStub(channel),
            calls=CollectorServiceStub(channel),
            metrics=MetricsServiceStub(channel),
            keys=RemoteKeyChecker(channel),
            deadline_s=deadline_s,
        )

    async def ask(
        self,
        method: grpc.aio.UnaryUnaryMultiCallable[Question, Answer],
        question: Question,
        secret: str | None,
        deadline_s: float | None = None,
    ) -> Answer:
        """Asks in the name of the secret's owner, or of nobody. Raises AssayError."""
        try:
            return await method(question, metadata=_metadata(secret), timeout=deadline_s or self.deadline_s)
        except grpc.aio.AioRpcError as error:
            raise _error_of(error) from error

    async def watch(self, question: WatchMetricsRequest, secret: str) -> AsyncIterator[WatchMetricsResponse]:
        """The answer and then its changes, until cancelled. Raises AssayError, also when the stream ends."""
        stream = self.metrics.WatchMetrics(question, metadata=_metadata(secret))
        try:
            async for response in stream:
                yield response
        except grpc.aio.AioRpcError as error:
            raise _error_of(error) from error
        finally:
            stream.cancel()
        raise AssayError(Kind.UNAVAILABLE, "WATCH_ENDED", "the collector ended the stream")


def _metadata(secret: str | None) -> Metadata:
    return (("authorization", f"Bearer {secret}"),) if secret else ()


def _error_of(error: grpc.aio.AioRpcError) -> AssayError:
    """What the collector refused, or what its absence means; gRPC's own text would tell callers of our network."""
    refused = rpc.error_of(error)
    if refused.reason == "UNAVAILABLE":
        message = "the collector cannot be reached: try again"
        return AssayError(Kind.UNAVAILABLE, "COLLECTOR_UNAVAILABLE", message, retry_after_s=RETRY_S)
    return refused
