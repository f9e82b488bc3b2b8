"""GET /calls and /calls/{call_id}: the calls themselves."""

from typing import Annotated

from assay.collector.v1.metrics_service_pb2 import GetCallRequest, ListCallsRequest
from fastapi import Depends, Response

from gateway import messages, models, parameters
from gateway.auth import CallerOf
from gateway.parts import CollectorOf, answer
from gateway.routes.described import answers, api_router

router = api_router("calls")


@router.get("/calls", **answers(models.CallsPage))
async def list_calls(
    collector: CollectorOf, caller: CallerOf, question: Annotated[ListCallsRequest, Depends(parameters.list_calls)]
) -> Response:
    """Calls, the latest started first."""
    response = await collector.ask(collector.metrics.ListCalls, question, caller.secret)
    return answer({"calls": list(map(messages.stored_call, response.calls)), "next_page_token": response.next_page_token})


@router.get("/calls/{call_id:path}", **answers(models.CallWithEvidence))
async def get_call(collector: CollectorOf, caller: CallerOf, call_id: str, project: parameters.Project = "") -> Response:
    """One call, its evidence, and the messages that carried it."""
    question = GetCallRequest(project=project, call_id=call_id)
    return answer(messages.call_with_evidence(await collector.ask(collector.metrics.GetCall, question, caller.secret)))
