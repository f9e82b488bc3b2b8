"""The alerter as the gateway sees it."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import grpc.aio
from assay.alerter.v1.alert_service_pb2 import WatchAlertsRequest, WatchAlertsResponse
from assay.alerter.v1.alert_service_pb2_grpc import AlertServiceStub
from assay.alerter.v1.audit_service_pb2_grpc import AuditServiceStub
from assay.alerter.v1.link_service_pb2_grpc import LinkServiceStub
from assay.alerter.v1.receiver_service_pb2_grpc import ReceiverServiceStub
from assay.alerter.v1.rule_service_pb2_grpc import RuleServiceStub
from assay.alerter.v1.silence_service_pb2_grpc import SilenceServiceStub

from gateway.asking import Service

if TYPE_CHECKING:  # these exist in the type stubs alone
    from assay.alerter.v1.alert_service_pb2_grpc import AlertServiceAsyncStub
    from assay.alerter.v1.audit_service_pb2_grpc import AuditServiceAsyncStub
    from assay.alerter.v1.link_service_pb2_grpc import LinkServiceAsyncStub
    from assay.alerter.v1.receiver_service_pb2_grpc import ReceiverServiceAsyncStub
    from assay.alerter.v1.rule_service_pb2_grpc import RuleServiceAsyncStub
    from assay.alerter.v1.silence_service_pb2_grpc import SilenceServiceAsyncStub


@dataclass(frozen=True)
class Alerter(Service):
    """The alerter's services behind one channel."""

    alerts: "AlertServiceAsyncStub"
    rules: "RuleServiceAsyncStub"
    silences: "SilenceServiceAsyncStub"
    receivers: "ReceiverServiceAsyncStub"
    links: "LinkServiceAsyncStub"
    audit: "AuditServiceAsyncStub"
    deadline_s: float
    name: str = "alerter"

    @classmethod
    def over(cls, channel: grpc.aio.Channel, deadline_s: float) -> "Alerter":
        """The services over a channel; `deadline_s` holds for every call that names no other."""
        return cls(
            alerts=AlertServiceStub(channel),
            rules=RuleServiceStub(channel),
            silences=SilenceServiceStub(channel),
            receivers=ReceiverServiceStub(channel),
            links=LinkServiceStub(channel),
            audit=AuditServiceStub(channel),
            deadline_s=deadline_s,
        )

    def watch(self, project: str, secret: str) -> AsyncIterator[WatchAlertsResponse]:
        """What is not resolved and then what changes, until cancelled. Raises AssayError, also when the stream ends."""
        return self.follow(self.alerts.WatchAlerts, WatchAlertsRequest(project=project), secret)
