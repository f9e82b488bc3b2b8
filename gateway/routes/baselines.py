"""GET /baselines, and which levels became normal: what is, and was, usual."""

import asyncio
from typing import Annotated

from assay.analyzer.v1.baseline_service_pb2 import AcceptShiftRequest, ListAcceptedShiftsRequest, QueryBaselinesRequest
from fastapi import Depends, Response

from gateway import analyzer_messages as messages
from gateway import analyzer_models as models
from gateway import analyzer_parameters
from gateway.auth import CallerOf
from gateway.parts import PartsOf, answer
from gateway.routes.described import answers, api_router

router = api_router("baselines")


@router.get("/baselines", **answers(models.BaselineBands))
async def query_baselines(
    parts: PartsOf, caller: CallerOf, question: Annotated[QueryBaselinesRequest, Depends(analyzer_parameters.query_baselines)]
) -> Response:
    """What was normal for a metric over a range of time, as bands to be drawn behind what was measured."""
    analyzer = parts.analyzer
    response = await analyzer.ask(analyzer.baselines.QueryBaselines, question, caller.secret, parts.settings.query_deadline_s)
    return answer(await asyncio.to_thread(messages.bands, response))


@router.get("/baselines/accepted", **answers(models.ShiftsPage))
async def list_accepted(
    parts: PartsOf, caller: CallerOf, question: Annotated[ListAcceptedShiftsRequest, Depends(analyzer_parameters.list_shifts)]
) -> Response:
    """The levels that became normal: who accepted them, from what to what."""
    response = await parts.analyzer.ask(parts.analyzer.baselines.ListAcceptedShifts, question, caller.secret)
    return answer({"shifts": list(map(messages.shift, response.shifts)), "next_page_token": response.next_page_token})


@router.post("/baselines/accept", **answers(models.ShiftAnswer))
async def accept_shift(
    parts: PartsOf, caller: CallerOf, change: Annotated[AcceptShiftRequest, Depends(analyzer_parameters.accept_shift)]
) -> Response:
    """Makes the present level of a metric the new normal."""
    analyzer = parts.analyzer
    response = await analyzer.ask(analyzer.baselines.AcceptShift, change, caller.secret, parts.settings.query_deadline_s)
    return answer({"shift": messages.shift(response.shift), "is_applied": response.is_applied})
