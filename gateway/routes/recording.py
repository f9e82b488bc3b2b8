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

from gateway import evidence_form, messages, models
from gateway import recording as batches
from gateway.auth import Caller, CallerOf
from gateway.parameters import Project
from gateway.parts import Parts, PartsOf, answer
from gateway.routes.described import PREFIX, answers, api_router
from kit.errors import AssayError, Kind

PATHS = (f"{PREFIX}/calls", f"{PREFIX}/evidence")
# Eight megabytes in this time need 7 Mbit/s; a slower sender holds a slot for too long.
BODY_WAIT_MAX_S = 10.0
_FORM = "multipart/form-data"

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
        sender = request.headers.get("user-agent", "")
        response = await parts.collector.ask(parts.collector.calls.RecordCalls, batch, caller.secret, sender=sender)
    return _recorded(response, unreadable)


def _evidence_body() -> dict[str, Any]:
    body = _body("evidence", "Evidence")
    files = {"type": "array", "items": {"type": "string", "format": "binary"}}
    properties: dict[str, Any] = {name: {"type": "string"} for name in evidence_form.TEXT_FIELDS}
    form = {"type": "object", "properties": properties | dict.fromkeys(evidence_form.FILE_FIELDS, files)}
    body["requestBody"]["content"][_FORM] = {"schema": form}
    return body


@router.post("/evidence", **answers(models.Recorded), openapi_extra=_evidence_body())
async def record_evidence(request: Request, parts: PartsOf, caller: CallerOf, project: Project = "") -> Response:
    """Records what became known of calls and tasks, whether they have arrived yet or not; as JSON, or a form with reports as files."""
    if request.headers.get("content-type", "").lower().startswith(_FORM):
        return await _record_form(request, parts, caller, project)
    async with recording(request, parts, caller) as body:
        batch = RecordEvidenceRequest()
        unreadable = await asyncio.to_thread(batches.parse, body, batch, "evidence", project)
        response = await parts.collector.ask(parts.collector.calls.RecordEvidence, batch, caller.secret)
    return _recorded(response, unreadable)


async def _record_form(request: Request, parts: Parts, caller: Caller, project: str) -> Response:
    """Records the evidence of one call or task, each file of a form being a piece."""
    await parts.collector.keys.check(caller.secret)
    async with parts.recordings.one(), _in_time():
        async with request.form(
            max_files=evidence_form.FILES_MAX, max_fields=evidence_form.FIELDS_MAX, max_part_size=evidence_form.FIELD_BYTES_MAX
        ) as form:
            batch = await evidence_form.evidence_request(form, project)
        response = await parts.collector.ask(parts.collector.calls.RecordEvidence, batch, caller.secret)
    return _recorded(response, [])


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
    async with _in_time():
        return await request.body()


@asynccontextmanager
async def _in_time() -> AsyncIterator[None]:
    try:
        async with asyncio.timeout(BODY_WAIT_MAX_S):
            yield
    except TimeoutError:
        raise AssayError(Kind.DEADLINE_EXCEEDED, "BODY_TOO_SLOW", "the body did not arrive in time") from None
