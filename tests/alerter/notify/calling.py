"""A caller of SilenceService, ReceiverService and AuditService, and what it sends."""

from typing import Any

import grpc.aio
import pytest
from assay.alerter.v1 import (
    audit_service_pb2,
    audit_service_pb2_grpc,
    receiver_service_pb2_grpc,
    silence_service_pb2,
    silence_service_pb2_grpc,
)
from assay.alerter.v1 import receiver_service_pb2 as contract

from kit import rpc
from kit.access import Identity, Role, key_invalid
from kit.errors import AssayError
from tests.alerter.notify.desk import PROJECT, Desk

KEYS = {"reader": Role.READ, "operator": Role.OPERATE, "admin": Role.ADMIN}
SECRET = "s3cr3t-value"


class Keys:
    """Whose keys are: each name is a role of the project."""

    async def check(self, secret: str) -> Identity:
        """Raises KEY_INVALID."""
        if secret not in KEYS:
            raise key_invalid()
        return Identity(secret, PROJECT, frozenset({KEYS[secret]}), None)


class Caller:
    """Calls the services with a key."""

    def __init__(self, channel: grpc.aio.Channel, desk: Desk) -> None:
        self.desk = desk
        self._stubs = {
            "Audit": (audit_service_pb2_grpc.AuditServiceStub(channel), audit_service_pb2),
            "Silence": (silence_service_pb2_grpc.SilenceServiceStub(channel), silence_service_pb2),
            "": (receiver_service_pb2_grpc.ReceiverServiceStub(channel), contract),
        }

    async def __call__(self, method: str, key: str = "admin", **fields: Any) -> Any:
        """The answer; raises what the service refused with."""
        stub, module = next(found for name, found in self._stubs.items() if name in method)
        request = getattr(module, f"{method}Request")(**fields)
        try:
            return await getattr(stub, method)(request, metadata=(("authorization", f"Bearer {key}"),), timeout=60)
        except grpc.aio.AioRpcError as error:
            raise rpc.error_of(error) from error

    async def refusal(self, method: str, key: str = "admin", **fields: Any) -> str:
        """The reason of a refusal, or the field that is invalid."""
        with pytest.raises(AssayError) as refused:
            await self(method, key, **fields)
        assert SECRET not in f"{refused.value.message} {dict(refused.value.details)}"
        return refused.value.details.get("field", refused.value.reason)


EMAIL = contract.EmailConfig(host="mail.test", sender="a@example.com", recipients=["b@example.com"], username="u", password=SECRET)
CONFIGS: dict[str, Any] = {
    "email": EMAIL,
    "slack": contract.SlackConfig(bot_token=SECRET, channel="C1"),
    "webhook": contract.WebhookConfig(url="https://example.com", signing_secrets=["whsec_" + "A" * 32], authorization=SECRET),
    "pager_duty": contract.PagerDutyConfig(routing_key=SECRET),
    "teams": contract.TeamsConfig(webhook_url=f"https://teams.test/{SECRET}"),
    "alertmanager": contract.AlertmanagerConfig(url="https://alertmanager.test", authorization=SECRET),
}
SECRET_FIELDS = {
    "email": ["password"],
    "slack": ["bot_token"],
    "webhook": ["signing_secrets", "authorization"],
    "pager_duty": ["routing_key"],
    "teams": ["webhook_url"],
    "alertmanager": ["authorization"],
}
