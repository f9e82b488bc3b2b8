"""The RPCs of receivers, the notification policy and deliveries: each checks, converts and delegates."""

import time
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, TypeAlias
from uuid import uuid4

import grpc.aio
from assay.alerter.v1 import receiver_service_pb2 as contract
from assay.alerter.v1 import receiver_service_pb2_grpc

from kit import paging
from kit.access import Guard, Role
from kit.database import away_is_unavailable
from kit.errors import AssayError, Kind, invalid
from services.alerter.domain.notification.configuration import check_configuration
from services.alerter.domain.notification.delivery import DeliveryState
from services.alerter.domain.notification.receiver import Receiver, receiver_unknown
from services.alerter.messages import delivery_messages, policy_messages
from services.alerter.messages.limits import text_of
from services.alerter.messages.receiver_messages import receiver_from_message, receiver_to_message
from services.alerter.messages.silence_messages import name_position
from services.alerter.outbox import Outbox
from services.alerter.render.rendering import outgoing_notification
from services.alerter.render.sample import sample_notification
from services.alerter.store.deliveries import DeliveryStore, StoredDelivery
from services.alerter.store.policies import PolicyStore
from services.alerter.store.receivers import ReceiverStore
from services.alerter.store.rules import RuleStore

Context: TypeAlias = grpc.aio.ServicerContext[Any, Any]

PAGE_DEFAULT = 100
RECEIVERS_PAGE_MAX = 500
DELIVERIES_PAGE_MAX = 1_000
ID_BYTES_MAX = 64
DEFINITION_BYTES_MAX = 1_000_000  # of a policy, as it is sent


@dataclass(frozen=True, slots=True)
class NotificationStores:
    """What the RPCs read and write."""

    rules: RuleStore
    receivers: ReceiverStore
    policies: PolicyStore
    deliveries: DeliveryStore


class ReceiverServicer(receiver_service_pb2_grpc.ReceiverServiceServicer):
    """Keeps receivers and the policy, delivers, and tells of deliveries."""

    service_name = contract.DESCRIPTOR.services_by_name["ReceiverService"].full_name

    def __init__(self, guard: Guard, stores: NotificationStores, outbox: Outbox) -> None:
        self._guard = guard
        self._stores = stores
        self._outbox = outbox

    def add_to(self, server: grpc.aio.Server) -> None:
        """Adds the service to a server."""
        receiver_service_pb2_grpc.add_ReceiverServiceServicer_to_server(self, server)

    async def CreateReceiver(self, request: contract.CreateReceiverRequest, context: Context) -> contract.CreateReceiverResponse:
        """Makes a receiver under the id that the caller chose."""
        with away_is_unavailable():
            project, actor = await self._caller(context, Role.ADMIN, request.project)
            receiver = receiver_from_message(request.receiver)
            made = await self._stores.receivers.create(project, receiver, actor, datetime.now(UTC))
        return contract.CreateReceiverResponse(receiver=receiver_to_message(made))

    async def GetReceiver(self, request: contract.GetReceiverRequest, context: Context) -> contract.GetReceiverResponse:
        """Returns a receiver without its secrets."""
        with away_is_unavailable():
            project, _ = await self._caller(context, Role.READ, request.project)
            found = await self._stores.receivers.get(project, _receiver_id(request.receiver_id))
        return contract.GetReceiverResponse(receiver=receiver_to_message(found))

    async def ListReceivers(self, request: contract.ListReceiversRequest, context: Context) -> contract.ListReceiversResponse:
        """Lists receivers by id."""
        with away_is_unavailable():
            project, _ = await self._caller(context, Role.READ, request.project)
            size = paging.page_size(request.page_size, PAGE_DEFAULT, RECEIVERS_PAGE_MAX)
            query = f"receivers {project}"
            page = await self._stores.receivers.list_receivers(project, name_position(request.page_token, query), size + 1)
        return contract.ListReceiversResponse(
            receivers=map(receiver_to_message, page[:size]),
            next_page_token=paging.encode_token(query, page[size - 1].receiver.receiver_id) if len(page) > size else "",
        )

    async def UpdateReceiver(self, request: contract.UpdateReceiverRequest, context: Context) -> contract.UpdateReceiverResponse:
        """Replaces a receiver; secrets that are empty stay."""
        with away_is_unavailable():
            project, actor = await self._caller(context, Role.ADMIN, request.project)
            before = await self._stores.receivers.get(project, _receiver_id(request.receiver.receiver_id))
            receiver = receiver_from_message(request.receiver, before.receiver)
            # What was kept of the secrets is of the version that was read here.
            expected = request.expected_version or before.version
            changed = await self._stores.receivers.update(project, receiver, actor, expected, datetime.now(UTC))
        return contract.UpdateReceiverResponse(receiver=receiver_to_message(changed))

    async def DeleteReceiver(self, request: contract.DeleteReceiverRequest, context: Context) -> contract.DeleteReceiverResponse:
        """Ends a receiver that the policy does not name."""
        with away_is_unavailable():
            project, actor = await self._caller(context, Role.ADMIN, request.project)
            receiver_id = _receiver_id(request.receiver_id)
            policy = await self._stores.policies.get(project)
            if receiver_id in policy_messages.configuration_from_definition(policy.definition).receivers_named():
                raise AssayError(Kind.FAILED_PRECONDITION, "RECEIVER_IN_USE", "the notification policy names the receiver: change it first")
            await self._stores.receivers.delete(project, receiver_id, actor, datetime.now(UTC))
        return contract.DeleteReceiverResponse()

    async def TestReceiver(self, request: contract.TestReceiverRequest, context: Context) -> contract.TestReceiverResponse:
        """Sends a sample, once."""
        with away_is_unavailable():
            project, _ = await self._caller(context, Role.ADMIN if request.HasField("receiver") else Role.OPERATE, request.project)
            receiver = await self._to_be_tested(request, project)
        now = datetime.now(UTC)
        began = time.perf_counter()
        message = outgoing_notification(sample_notification(project, receiver.receiver_id, now), receiver, uuid4().hex, now)
        result = await self._outbox.send(message, receiver)
        return delivery_messages.sample_to_message(result, time.perf_counter() - began)

    async def _to_be_tested(self, request: contract.TestReceiverRequest, project: str) -> Receiver:
        if not request.HasField("receiver"):
            return (await self._stores.receivers.get(project, _receiver_id(request.receiver_id))).receiver
        receiver_id = request.receiver_id or request.receiver.receiver_id
        is_saved = receiver_id in await self._stores.receivers.ids(project)
        before = (await self._stores.receivers.get(project, receiver_id)).receiver if is_saved else None
        return receiver_from_message(request.receiver, before)

    async def GetNotificationPolicy(
        self, request: contract.GetNotificationPolicyRequest, context: Context
    ) -> contract.GetNotificationPolicyResponse:
        """Returns routes and what they name."""
        with away_is_unavailable():
            project, _ = await self._caller(context, Role.READ, request.project)
            found = await self._stores.policies.get(project)
        return contract.GetNotificationPolicyResponse(policy=policy_messages.stored_policy(found))

    async def UpdateNotificationPolicy(
        self, request: contract.UpdateNotificationPolicyRequest, context: Context
    ) -> contract.UpdateNotificationPolicyResponse:
        """Replaces the policy."""
        with away_is_unavailable():
            project, actor = await self._caller(context, Role.ADMIN, request.project)
            if request.policy.ByteSize() > DEFINITION_BYTES_MAX:
                raise invalid("policy", f"has at most {DEFINITION_BYTES_MAX} bytes")
            configuration = policy_messages.configuration_from_message(request.policy)
            check_configuration(configuration, await self._stores.receivers.ids(project))
            definition = policy_messages.definition_of(request.policy)
            changed = await self._stores.policies.put(project, definition, actor, request.expected_version, datetime.now(UTC))
        return contract.UpdateNotificationPolicyResponse(policy=policy_messages.stored_policy(changed))

    async def Deliver(self, request: contract.DeliverRequest, context: Context) -> contract.DeliverResponse:
        """Has a document delivered to receivers."""
        with away_is_unavailable():
            project, _ = await self._caller(context, Role.OPERATE, request.project)
            document, attachments = delivery_messages.document_from_message(request)
            new = delivery_messages.new_deliveries(request, project, document, attachments)
            known = await self._stores.receivers.ids(project)
            for each in new:
                if each.receiver_id not in known:
                    raise receiver_unknown(each.receiver_id)
            await self._stores.deliveries.add_document(project, new, attachments, datetime.now(UTC))
            made = {
                each.delivery_id: each for each in await self._stores.deliveries.deliveries(project, [each.delivery_id for each in new])
            }
            messages = await self._messages([made[each.delivery_id] for each in new])
        return contract.DeliverResponse(deliveries=messages)

    async def ListDeliveries(self, request: contract.ListDeliveriesRequest, context: Context) -> contract.ListDeliveriesResponse:
        """Lists messages and the tries to deliver them."""
        with away_is_unavailable():
            project, _ = await self._caller(context, Role.READ, request.project)
            size = paging.page_size(request.page_size, PAGE_DEFAULT, DELIVERIES_PAGE_MAX)
            receiver_id = text_of(request.receiver_id, "receiver_id", ID_BYTES_MAX)
            state = _state(request.state)
            query = f"deliveries {project} {request.state} {receiver_id}"
            before = delivery_messages.delivery_position(request.page_token, query)
            page = await self._stores.deliveries.list_deliveries(
                project, state=state, receiver_id=receiver_id, before=before, limit=size + 1
            )
            messages = await self._messages(page[:size])
        token = delivery_messages.delivery_token(page[size - 1], query) if len(page) > size else ""
        return contract.ListDeliveriesResponse(deliveries=messages, next_page_token=token)

    async def RetryDelivery(self, request: contract.RetryDeliveryRequest, context: Context) -> contract.RetryDeliveryResponse:
        """Has a delivery that was given up tried again."""
        with away_is_unavailable():
            project, _ = await self._caller(context, Role.OPERATE, request.project)
            delivery_id = text_of(request.delivery_id, "delivery_id", ID_BYTES_MAX)
            waiting = await self._stores.deliveries.send_again(project, delivery_id, datetime.now(UTC))
            (message,) = await self._messages([waiting])
        return contract.RetryDeliveryResponse(delivery=message)

    async def _messages(self, found: list[StoredDelivery]) -> list[contract.Delivery]:
        attempts = await self._stores.deliveries.attempts([each.delivery_id for each in found])
        return [delivery_messages.delivery_to_message(each, attempts[each.delivery_id]) for each in found]

    async def _caller(self, context: Context, role: Role, requested: str) -> tuple[str, str]:
        """The project, and the key that asks."""
        project = await self._guard.admit(context, role, requested)
        await self._stores.rules.require_project(project)
        return project, (await self._guard.identity(context)).key_id


def _receiver_id(value: str) -> str:
    return text_of(value, "receiver_id", ID_BYTES_MAX)


def _state(value: int) -> DeliveryState | None:
    try:
        return DeliveryState(value) if value else None
    except ValueError:
        raise invalid("state", "must be one of the contract's") from None
