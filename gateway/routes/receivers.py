"""/receivers and POST …/test: who is told. Secrets are taken and never given back."""

from assay.alerter.v1 import receiver_service_pb2 as contract
from fastapi import Response

from gateway import notification_messages as messages
from gateway import notification_models as models
from gateway.auth import CallerOf
from gateway.parameters import ExpectedVersion, PageSize, PageToken, Project
from gateway.parts import AlerterOf, answer
from gateway.routes.described import answers, api_router
from kit.errors import invalid

# A receiver has 30 s to take a message; only then is it known that it did not.
TEST_DEADLINE_S = 45.0

router = api_router("receivers")


@router.get("/receivers", **answers(models.ReceiversPage))
async def list_receivers(
    alerter: AlerterOf, caller: CallerOf, project: Project = "", page_size: PageSize = 0, page_token: PageToken = ""
) -> Response:
    """Receivers by id."""
    question = contract.ListReceiversRequest(project=project, page_size=page_size, page_token=page_token)
    response = await alerter.ask(alerter.receivers.ListReceivers, question, caller.secret)
    return answer({"receivers": list(map(messages.receiver, response.receivers)), "next_page_token": response.next_page_token})


@router.post("/receivers", **answers(models.Receiver, 201))
async def create_receiver(alerter: AlerterOf, caller: CallerOf, body: models.ReceiverBody, project: Project = "") -> Response:
    """Makes a receiver under the id that was chosen. Making the same again changes nothing."""
    change = contract.CreateReceiverRequest(project=project, receiver=messages.receiver_to_message(body))
    return answer(messages.receiver((await alerter.ask(alerter.receivers.CreateReceiver, change, caller.secret)).receiver), 201)


@router.get("/receivers/{receiver_id}", **answers(models.Receiver))
async def get_receiver(alerter: AlerterOf, caller: CallerOf, receiver_id: str, project: Project = "") -> Response:
    """One receiver."""
    question = contract.GetReceiverRequest(project=project, receiver_id=receiver_id)
    return answer(messages.receiver((await alerter.ask(alerter.receivers.GetReceiver, question, caller.secret)).receiver))


@router.put("/receivers/{receiver_id}", **answers(models.Receiver))
async def update_receiver(
    *,
    alerter: AlerterOf,
    caller: CallerOf,
    receiver_id: str,
    body: models.ReceiverBody,
    project: Project = "",
    expected_version: ExpectedVersion = 0,
) -> Response:
    """Replaces a receiver; secrets that are empty stay as they are."""
    change = contract.UpdateReceiverRequest(project=project, receiver=_named(body, receiver_id), expected_version=expected_version)
    return answer(messages.receiver((await alerter.ask(alerter.receivers.UpdateReceiver, change, caller.secret)).receiver))


@router.delete("/receivers/{receiver_id}", status_code=204)
async def delete_receiver(alerter: AlerterOf, caller: CallerOf, receiver_id: str, project: Project = "") -> Response:
    """Ends a receiver; what waits for it is given up."""
    change = contract.DeleteReceiverRequest(project=project, receiver_id=receiver_id)
    await alerter.ask(alerter.receivers.DeleteReceiver, change, caller.secret)
    return Response(status_code=204)


@router.post("/receivers/{receiver_id}/test", **answers(models.ReceiverTest))
async def send_sample(
    *, alerter: AlerterOf, caller: CallerOf, receiver_id: str, body: models.ReceiverTestBody | None = None, project: Project = ""
) -> Response:
    """Sends a sample, once, and tells what became of it."""
    question = contract.TestReceiverRequest(project=project, receiver_id=receiver_id)
    if body is not None and body.receiver is not None:
        question.receiver.CopyFrom(_named(body.receiver, receiver_id))
    return answer(messages.sample(await alerter.ask(alerter.receivers.TestReceiver, question, caller.secret, TEST_DEADLINE_S)))


def _named(body: models.ReceiverBody, receiver_id: str) -> contract.Receiver:
    if body.receiver_id != receiver_id:
        raise invalid("receiver_id", "is another one than in the path")
    return messages.receiver_to_message(body)
