"""POST /calls and /evidence: recording over REST, for programs that speak neither gRPC nor OTLP."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from assay.collector.v1.collector_service_pb2 import (
    RecordCallsRequest,
    RecordCallsResponse,
    RecordEvidenceRequest,
    RecordEvidenceResponse,
    Rejection,
)
from fastapi import Request, Response

from gateway import messages, models
from gateway import recording as batches
from gateway.auth import Caller, CallerOf
from gateway.parameters import Project
from gateway.parts import Parts, PartsOf, answer
from gateway.routes.described import PREFIX, answers, api_router
from kit.errors import AssayError, Kind

PATHS = (f"{PREFIX}/calls", f"{PREFIX}/evidence")
# Eight megabytes in this time need 7 Mbit/s; a slower sender holds a slot for too long.
BODY_WAIT_MAX_S = 10.0

router = api_router("recording")


def _body(items_name: str, message_name: str) -> dict[str, Any]:
    items = {"type": "array", "items": {"type": "object"}, "description": f"{message_name} in protobuf JSON."}
    text = {"type": "string"}
    schema = {"type": "object", "properties": {items_name: items, "batch_id": text, "project": text}}
    return {"requestBody": {"required": True, "content": {"application/json": {"schema": schema}}}}


@router.post("/calls", **answers(models.Recorded), openapi_extra=_body("calls", "Call"))
async def record_calls(request: Request, parts: PartsOf, caller: CallerOf, project: Project = "") -> Response:
    """Records a batch of calls. Bad ones are refused one by one; the rest is durable when this answers."""
    async with recording(request, parts, caller) as body:
        batch = RecordCallsRequest()
        unreadable = await asyncio.to_thread(batches.parse, body, batch, "calls", project)
        response = await parts.collector.ask(parts.collector.calls.RecordCalls, batch, caller.secret)
    return _recorded(response, unreadable)


@router.post("/evidence", **answers(models.Recorded), openapi_extra=_body("evidence", "Evidence"))
async def record_evidence(request: Request, parts: PartsOf, caller: CallerOf, project: Project = "") -> Response:
    """Records what became known of calls and tasks, whether they have arrived yet or not."""
    async with recording(request, parts, caller) as body:
        batch = RecordEvidenceRequest()
        unreadable = await asyncio.to_thread(batches.parse, body, batch, "evidence", project)
        response = await parts.collector.ask(parts.collector.calls.RecordEvidence, batch, caller.secret)
    return _recorded(response, unreadable)


@asynccontextmanager
async def recording(request: Request, parts: Parts, caller: Caller) -> AsyncIterator[bytes]:
    """The body of a batch, which holds one of the slots. Only a working key's eight megabytes are read."""
    await parts.collector.keys.check(caller.secret)
    async with parts.recordings.one():
        yield await _read(request)


def _recorded(response: RecordCallsResponse | RecordEvidenceResponse, unreadable: list[Rejection]) -> Response:
    rejections = batches.merge(unreadable, response.rejections)
    return answer({"accepted_count": response.accepted_count, "rejections": list(map(messages.rejection, rejections))})


async def _read(request: Request) -> bytes:
    try:
        async with asyncio.timeout(BODY_WAIT_MAX_S):
            return await request.body()
    except TimeoutError:
        raise AssayError(Kind.DEADLINE_EXCEEDED, "BODY_TOO_SLOW", "the body did not arrive in time") from None
