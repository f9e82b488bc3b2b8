"""Asks for an erasure and waits until what is stored is erased."""

import asyncio
from uuid import uuid4

import grpc.aio
import typer
from assay.collector.v1.erasure_service_pb2 import (
    ERASURE_STATE_REQUESTED,
    ErasedLabel,
    EraseRecordsRequest,
    Erasure,
    GetErasureRequest,
)
from assay.collector.v1.erasure_service_pb2_grpc import ErasureServiceStub

from cli.work.connection import ASK_TIMEOUT_S, Target, ask
from cli.work.output import as_json, print_json

POLL_S = 0.5


def request(project: str, *, task: str | None, label: str | None, erasure_id: str | None) -> EraseRecordsRequest:
    """What is to be erased: a task, a label, or the project where neither is given."""
    named = EraseRecordsRequest(project=project, erasure_id=erasure_id or uuid4().hex)
    if task is not None:
        named.task_id = task
    elif label is not None:
        key, separator, value = label.partition("=")
        if not separator:
            raise typer.BadParameter("write a label as KEY=VALUE")
        named.label.CopyFrom(ErasedLabel(key=key, value=value))
    else:
        named.whole_project = project
    return named


def in_words(asked: EraseRecordsRequest) -> str:
    """What it is about, for whoever is asked whether that is meant."""
    match asked.WhichOneof("subject"):
        case "task_id":
            return f"the task {asked.task_id} of project {asked.project}"
        case "label":
            return f"what has the label {asked.label.key}={asked.label.value} in project {asked.project}"
    return f"everything that was recorded in project {asked.project}"


def erase(target: Target, asked: EraseRecordsRequest, *, json: bool) -> None:
    """Prints what was erased by then. What was under way follows within minutes, by itself."""

    async def work(channel: grpc.aio.Channel) -> Erasure:
        service = ErasureServiceStub(channel)
        erasure = (await service.EraseRecords(asked, timeout=ASK_TIMEOUT_S)).erasure
        while erasure.state == ERASURE_STATE_REQUESTED:
            await asyncio.sleep(POLL_S)
            named = GetErasureRequest(project=asked.project, erasure_id=asked.erasure_id)
            erasure = (await service.GetErasure(named, timeout=ASK_TIMEOUT_S)).erasure
        return erasure

    erasure = ask(target, work)
    if json:
        print_json(as_json(erasure))
        return
    print(f"erased: {erasure.call_count:,} calls, {erasure.task_count:,} tasks, {erasure.evidence_count:,} pieces of evidence")
    print(f"what was under way is erased in some minutes; the audit log has it as {erasure.erasure_id}")
