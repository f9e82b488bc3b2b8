"""/notification-policy and /deliveries: whom to tell and when, and what became of each message."""

from typing import Annotated

from assay.alerter.v1 import receiver_service_pb2 as contract
from fastapi import Query, Response

from gateway import notification_messages as messages
from gateway import notification_models as models
from gateway import policy_models
from gateway.auth import CallerOf
from gateway.parameters import ExpectedVersion, PageSize, PageToken, Project
from gateway.parts import AlerterOf, answer
from gateway.routes.described import PREFIX, answers, api_router

POLICY_PATH = f"{PREFIX}/notification-policy"
# 500 routes, each with a few matchers and names.
POLICY_BYTES_MAX = 512 * 1024

router = api_router("notification")


@router.get("/notification-policy", **answers(policy_models.NotificationPolicy))
async def get_notification_policy(alerter: AlerterOf, caller: CallerOf, project: Project = "") -> Response:
    """Routes, and the mute times, escalation policies and rotas that they name."""
    question = contract.GetNotificationPolicyRequest(project=project)
    return answer(messages.policy((await alerter.ask(alerter.receivers.GetNotificationPolicy, question, caller.secret)).policy))


@router.put("/notification-policy", **answers(policy_models.NotificationPolicy))
async def update_notification_policy(
    *,
    alerter: AlerterOf,
    caller: CallerOf,
    body: policy_models.NotificationPolicyBody,
    project: Project = "",
    expected_version: ExpectedVersion = 0,
) -> Response:
    """Replaces the policy."""
    change = contract.UpdateNotificationPolicyRequest(
        project=project, policy=messages.policy_to_message(body), expected_version=expected_version
    )
    return answer(messages.policy((await alerter.ask(alerter.receivers.UpdateNotificationPolicy, change, caller.secret)).policy))


@router.get("/deliveries", **answers(models.DeliveriesPage))
async def list_deliveries(
    *,
    alerter: AlerterOf,
    caller: CallerOf,
    project: Project = "",
    state: Annotated[models.DeliveryStateName | None, Query(description="Those in this state.")] = None,
    receiver_id: Annotated[str, Query(description="Those for this receiver.")] = "",
    page_size: PageSize = 0,
    page_token: PageToken = "",
) -> Response:
    """Messages and the tries to deliver them, the latest first."""
    question = contract.ListDeliveriesRequest(
        project=project,
        state=contract.DeliveryState.Value(f"DELIVERY_STATE_{state or 'UNSPECIFIED'}"),
        receiver_id=receiver_id,
        page_size=page_size,
        page_token=page_token,
    )
    response = await alerter.ask(alerter.receivers.ListDeliveries, question, caller.secret)
    return answer({"deliveries": list(map(messages.delivery, response.deliveries)), "next_page_token": response.next_page_token})


@router.post("/deliveries/{delivery_id}/retry", **answers(models.Delivery))
async def retry_delivery(alerter: AlerterOf, caller: CallerOf, delivery_id: str, project: Project = "") -> Response:
    """Has a delivery that was given up tried again, under its old id."""
    change = contract.RetryDeliveryRequest(project=project, delivery_id=delivery_id)
    return answer(messages.delivery((await alerter.ask(alerter.receivers.RetryDelivery, change, caller.secret)).delivery))
