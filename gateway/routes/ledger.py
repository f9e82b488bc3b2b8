"""GET /ledger and /storage: the account of everything received, and how much of it is kept."""

from typing import Annotated

from assay.collector.v1.collector_service_pb2 import GetLedgerRequest
from assay.collector.v1.storage_service_pb2 import GetStorageRequest
from fastapi import Depends, Response

from gateway import messages, models, parameters
from gateway.auth import CallerOf
from gateway.parts import CollectorOf, answer
from gateway.plain_messages import plain
from gateway.routes.described import answers, api_router

router = api_router("ledger")


@router.get("/ledger", **answers(models.Ledger))
async def get_ledger(
    collector: CollectorOf, caller: CallerOf, question: Annotated[GetLedgerRequest, Depends(parameters.get_ledger)]
) -> Response:
    """Received = stored + rejected + duplicate + dead-lettered + in flight, by UTC day of receipt."""
    return answer(messages.ledger(await collector.ask(collector.calls.GetLedger, question, caller.secret)))


@router.get("/storage", **answers(models.Storage))
async def get_storage(collector: CollectorOf, caller: CallerOf) -> Response:
    """What the tables and the ingest stream of the installation hold, and how long what is kept."""
    found = await collector.ask(collector.storage.GetStorage, GetStorageRequest(), caller.secret)
    return answer(plain(found))
