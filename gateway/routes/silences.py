"""/silences and POST /silences/preview: what somebody does not want to be told of for a while."""

from datetime import UTC, datetime
from typing import Annotated

from assay.alerter.v1 import silence_service_pb2 as contract
from fastapi import Query, Response

from gateway import notification_messages as messages
from gateway import notification_models as models
from gateway.auth import CallerOf
from gateway.parameters import PageSize, PageToken, Project, timestamp
from gateway.parts import AlerterOf, answer
from gateway.routes.described import answers, api_router

router = api_router("silences")


@router.get("/silences", **answers(models.SilencesPage))
async def list_silences(
    *,
    alerter: AlerterOf,
    caller: CallerOf,
    project: Project = "",
    includes_expired: Annotated[bool, Query(description="Those that are over, too.")] = False,
    page_size: PageSize = 0,
    page_token: PageToken = "",
) -> Response:
    """Silences by id."""
    question = contract.ListSilencesRequest(project=project, includes_expired=includes_expired, page_size=page_size, page_token=page_token)
    response = await alerter.ask(alerter.silences.ListSilences, question, caller.secret)
    return answer({"silences": list(map(messages.silence, response.silences)), "next_page_token": response.next_page_token})


@router.post("/silences", **answers(models.Silence, 201))
async def create_silence(alerter: AlerterOf, caller: CallerOf, body: models.SilenceBody, project: Project = "") -> Response:
    """Makes a silence under the id that was chosen. Making the same again changes nothing."""
    change = contract.CreateSilenceRequest(project=project, silence=messages.silence_to_message(body))
    return answer(messages.silence((await alerter.ask(alerter.silences.CreateSilence, change, caller.secret)).silence), 201)


@router.post("/silences/preview", **answers(models.SilencePreview))
async def preview_silence(alerter: AlerterOf, caller: CallerOf, body: models.PreviewBody, project: Project = "") -> Response:
    """Open alerts that matchers hit now."""
    question = contract.PreviewSilenceRequest(project=project, matchers=body.matchers)
    return answer(messages.preview(await alerter.ask(alerter.silences.PreviewSilence, question, caller.secret)))


@router.get("/silences/{silence_id}", **answers(models.Silence))
async def get_silence(alerter: AlerterOf, caller: CallerOf, silence_id: str, project: Project = "") -> Response:
    """One silence."""
    question = contract.GetSilenceRequest(project=project, silence_id=silence_id)
    return answer(messages.silence((await alerter.ask(alerter.silences.GetSilence, question, caller.secret)).silence))


@router.patch("/silences/{silence_id}", **answers(models.Silence))
async def update_silence(
    alerter: AlerterOf, caller: CallerOf, silence_id: str, body: models.SilenceChange, project: Project = ""
) -> Response:
    """Changes when it ends, `now` being at once, or why it is."""
    end_time = timestamp("end_time", body.end_time, datetime.now(UTC))
    change = contract.UpdateSilenceRequest(project=project, silence_id=silence_id, end_time=end_time, comment=body.comment)
    return answer(messages.silence((await alerter.ask(alerter.silences.UpdateSilence, change, caller.secret)).silence))
