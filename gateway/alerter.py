"""The alerter as the gateway sees it."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import grpc.aio
from assay.alerter.v1.alert_service_pb2 import WatchAlertsRequest, WatchAlertsResponse
from assay.alerter.v1.alert_service_pb2_grpc import AlertServiceStub
from assay.alerter.v1.rule_service_pb2_grpc import RuleServiceStub

from gateway.asking import Service

if TYPE_CHECKING:  # these exist in the type stubs alone
    from assay.alerter.v1.alert_service_pb2_grpc import AlertServiceAsyncStub
    from assay.alerter.v1.rule_service_pb2_grpc import RuleServiceAsyncStub


@dataclass(frozen=True)
class Alerter(Service):
    """The alerter's services behind one channel."""

    alerts: "AlertServiceAsyncStub"
    rules: "RuleServiceAsyncStub"
    deadline_s: float
    name: str = "alerter"

    @classmethod
    def over(cls, channel: grpc.aio.Channel, deadline_s: float) -> "Alerter":
        """The services over a channel; `deadline_s` holds for every call that names no other."""
        return cls(alerts=AlertServiceStub(channel), rules=RuleServiceStub(channel), deadline_s=deadline_s)

    def watch(self, project: str, secret: str) -> AsyncIterator[WatchAlertsResponse]:
        """What is not resolved and then what changes, until cancelled. Raises AssayError, also when the stream ends."""
        return self.follow(self.alerts.WatchAlerts, WatchAlertsRequest(project=project), secret)
