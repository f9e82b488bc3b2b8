"""The collector as the gateway sees it."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import grpc.aio
from assay.access.v1.access_service_pb2_grpc import AccessServiceStub
from assay.collector.v1.collector_service_pb2_grpc import CollectorServiceStub
from assay.collector.v1.export_service_pb2_grpc import ExportServiceStub
from assay.collector.v1.feedback_service_pb2_grpc import FeedbackServiceStub
from assay.collector.v1.metrics_service_pb2 import WatchMetricsRequest, WatchMetricsResponse
from assay.collector.v1.metrics_service_pb2_grpc import MetricsServiceStub
from assay.collector.v1.source_service_pb2_grpc import SourceServiceStub
from assay.collector.v1.storage_service_pb2_grpc import StorageServiceStub
from opentelemetry.proto.collector.trace.v1.trace_service_pb2_grpc import TraceServiceStub

from gateway.asking import Service
from kit.access import RemoteKeyChecker

if TYPE_CHECKING:  # these exist in the type stubs alone
    from assay.access.v1.access_service_pb2_grpc import AccessServiceAsyncStub
    from assay.collector.v1.collector_service_pb2_grpc import CollectorServiceAsyncStub
    from assay.collector.v1.export_service_pb2_grpc import ExportServiceAsyncStub
    from assay.collector.v1.feedback_service_pb2_grpc import FeedbackServiceAsyncStub
    from assay.collector.v1.metrics_service_pb2_grpc import MetricsServiceAsyncStub
    from assay.collector.v1.source_service_pb2_grpc import SourceServiceAsyncStub
    from assay.collector.v1.storage_service_pb2_grpc import StorageServiceAsyncStub


@dataclass(frozen=True)
class Collector(Service):
    """The collector's services behind one channel."""

    access: "AccessServiceAsyncStub"
    calls: "CollectorServiceAsyncStub"
    exports: "ExportServiceAsyncStub"
    feedback: "FeedbackServiceAsyncStub"
    metrics: "MetricsServiceAsyncStub"
    sources: "SourceServiceAsyncStub"
    storage: "StorageServiceAsyncStub"
    traces: Any  # OpenTelemetry's stub, which is generated without types
    keys: RemoteKeyChecker
    deadline_s: float
    name: str = "collector"

    @classmethod
    def over(cls, channel: grpc.aio.Channel, deadline_s: float) -> "Collector":
        """The services over a channel; `deadline_s` holds for every call that names no other."""
        return cls(
            access=AccessServiceStub(channel),
            calls=CollectorServiceStub(channel),
            exports=ExportServiceStub(channel),
            feedback=FeedbackServiceStub(channel),
            metrics=MetricsServiceStub(channel),
            sources=SourceServiceStub(channel),
            storage=StorageServiceStub(channel),
            traces=TraceServiceStub(channel),  # type: ignore[no-untyped-call]  # generated without types
            keys=RemoteKeyChecker(channel),
            deadline_s=deadline_s,
        )

    def watch(self, question: WatchMetricsRequest, secret: str) -> AsyncIterator[WatchMetricsResponse]:
        """The answer and then its changes, until cancelled. Raises AssayError, also when the stream ends."""
        return self.follow(self.metrics.WatchMetrics, question, secret)
