"""GET /ledger: the account of everything received."""

from typing import Annotated

from assay.collector.v1.collector_service_pb2 import GetLedgerRequest
from fastapi import Depends, Response

from gateway import messages, models, parameters
from gateway.auth import CallerOf
from gateway.parts import CollectorOf, answer
from gateway.routes.described import answers, api_router

router = api_router("ledger")


@router.get("/ledger", **answers(models.Ledger))
async def get_ledger(
    collector: CollectorOf, caller: CallerOf, question: Annotated[GetLedgerRequest, Depends(parameters.get_ledger)]
) -> Response:
    """Received = stored + rejected + duplicate + dead-lettered + in flight, by UTC day of receipt."""
    return answer(messages.ledger(await collector.ask(collector.calls.GetLedger, question, caller.secret)))
