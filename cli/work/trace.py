"""The way of one call through the collector."""

import grpc.aio
from assay.collector.v1.collector_service_pb2 import TraceCallRequest
from assay.collector.v1.collector_service_pb2_grpc import CollectorServiceStub
from assay.collector.v1.metrics_service_pb2 import GetCallRequest
from assay.collector.v1.metrics_service_pb2_grpc import MetricsServiceStub

from cli.work.connection import ASK_TIMEOUT_S, Target, ask
from cli.work.output import Json, as_json, print_json, print_table
from kit.errors import AssayError, Kind

_MESSAGE_COLUMNS = ("batch_id", "part", "stream_sequence", "receive_time", "store_time")


def show_trace(target: Target, project: str, call_id: str, *, json: bool) -> None:
    """Prints where the call is. Raises CALL_UNKNOWN when it is nowhere."""
    found = ask(target, lambda channel: _traced(channel, project, call_id))
    if json:
        print_json(found)
    else:
        _print_trace(found)


async def _traced(channel: grpc.aio.Channel, project: str, call_id: str) -> Json:
    """The answer of TraceCall, and under "call" the stored call, or None."""
    request = TraceCallRequest(project=project, call_id=call_id)
    answer = await CollectorServiceStub(channel).TraceCall(request, timeout=ASK_TIMEOUT_S)
    if not answer.is_stored and not answer.messages:
        raise AssayError(Kind.NOT_FOUND, "CALL_UNKNOWN", f"no call {call_id} is stored or on its way in project {project}")
    call = None
    if answer.is_stored:
        question = GetCallRequest(project=project, call_id=call_id)
        call = as_json((await MetricsServiceStub(channel).GetCall(question, timeout=ASK_TIMEOUT_S)).call)
    return {"call_id": call_id, **as_json(answer), "call": call}


def _print_trace(found: Json) -> None:
    messages = ([message[name] for name in _MESSAGE_COLUMNS] for message in found["messages"])
    print_table(_MESSAGE_COLUMNS, messages, empty="its messages are no longer known")
    print(f"stored: {'yes' if found['is_stored'] else 'not yet'}")
    print(f"evidence: {', '.join(found['evidence_ids']) or 'none'}")
    if found["call"] is not None:
        print_table(("field", "value"), _flat(found["call"]), empty="")


def _flat(value: Json, prefix: str = "") -> list[tuple[str, str]]:
    """Name and text of each field that is set, those of messages inside after their message's name and a dot."""
    rows: list[tuple[str, str]] = []
    for name, part in value.items():
        if isinstance(part, dict):
            rows += _flat(part, f"{prefix}{name}.")
        elif part not in (None, "", []):
            rows.append((f"{prefix}{name}", str(part)))
    return rows
