"""What a suite does about scores: records evidence, makes scores anew, fits weights."""

import hashlib
import secrets
import time
from collections.abc import Sequence
from datetime import datetime

import grpc.aio
from assay.analyzer.v1 import quality_service_pb2 as quality
from assay.analyzer.v1.quality_service_pb2_grpc import QualityServiceStub
from assay.collector.v1.collector_service_pb2 import RecordEvidenceRequest, RecordEvidenceResponse
from assay.collector.v1.collector_service_pb2_grpc import CollectorServiceStub
from assay.telemetry.v1.evidence_pb2 import Evidence
from google.protobuf.timestamp_pb2 import Timestamp

from cli.work.connection import ASK_TIMEOUT_S, Target, ask
from cli.work.output import as_json, print_json, print_table
from cli.work.score_evidence import Piece
from kit.errors import invalid
from services.analyzer.reading.kinds import ReportKind

_FORMS = {
    ReportKind.CODE: ("code", "content"),
    ReportKind.DIFF: ("code", "unified_diff"),
    ReportKind.COBERTURA: ("coverage", "cobertura_xml"),
    ReportKind.LCOV: ("coverage", "lcov"),
    ReportKind.COVERAGE_JSON: ("coverage", "coverage_json"),
    ReportKind.JUNIT: ("tests", "junit_xml"),
    ReportKind.SARIF: ("static_analysis", "sarif_json"),
}
_ID_LENGTH = 32
_BATCH_ID_BYTES = 16
_NAME_BYTES_MAX = 128
# Of one request: the contract's 8 MB, less what is around the contents.
_BATCH_BYTES_MAX = 7 * 1024 * 1024


def send(target: Target, project: str, pieces: Sequence[Piece], *, call_id: str, task_id: str) -> int:
    """Records the pieces as evidence of a call or a task, and returns how many. The same again is dropped. Raises AssayError."""
    if bool(call_id) == bool(task_id):
        raise invalid("subject", "with --send say what it is about: --task-id or --call-id")
    observe_us = time.time_ns() // 1_000  # one moment: what is sent at once belongs together
    evidence = [_evidence(piece, call_id, task_id, observe_us) for piece in pieces]

    async def record(channel: grpc.aio.Channel) -> list[RecordEvidenceResponse]:
        stub = CollectorServiceStub(channel)
        batches = _batches(evidence)
        requests = [RecordEvidenceRequest(project=project, batch_id=secrets.token_hex(_BATCH_ID_BYTES), evidence=some) for some in batches]
        return [await stub.RecordEvidence(request, timeout=ASK_TIMEOUT_S) for request in requests]

    for response in ask(target, record):
        for rejection in response.rejections:
            raise invalid(rejection.field, rejection.message, "EVIDENCE_REJECTED")
    return len(evidence)


def rescore(target: Target, project: str, start: datetime | None, end: datetime | None, *, json: bool) -> None:
    """Has the scores of a range made anew."""
    request = quality.RescoreQualityRequest(project=project, start_time=_timestamp(start), end_time=_timestamp(end))

    async def ask_for(channel: grpc.aio.Channel) -> quality.RescoreQualityResponse:
        return await QualityServiceStub(channel).RescoreQuality(request, timeout=ASK_TIMEOUT_S)

    response = ask(target, ask_for)
    if json:
        print_json(as_json(response))
    else:
        print(f"{response.score_count:,} scores are made anew; this goes on behind.")


def calibrate(target: Target, project: str, task_type: str, *, json: bool) -> None:
    """Shows the weights that feedback speaks for, and what they would gain."""
    request = quality.CalibrateQualityRequest(project=project, task_type=task_type)

    async def ask_for(channel: grpc.aio.Channel) -> quality.CalibrateQualityResponse:
        return await QualityServiceStub(channel).CalibrateQuality(request, timeout=ASK_TIMEOUT_S)

    response = ask(target, ask_for)
    if json:
        print_json(as_json(response))
        return
    print(f"By {response.sample_count:,} calls and tasks with feedback, held against feedback that the weights were not fitted to:")
    print(f"off by {response.present_error_ratio:.3f} with the present weights, {response.fitted_error_ratio:.3f} with the fitted ones.")
    present = {part.component: part.weight for part in response.present.weights}
    rows = [
        (
            quality.QualityComponent.Name(part.component).removeprefix("QUALITY_COMPONENT_").lower(),
            f"{present[part.component]:.3f}",
            f"{part.weight:.3f}",
        )
        for part in response.fitted.weights
    ]
    print_table(("component", "present", "fitted"), rows, empty="")
    print("Nothing is changed: set them with PUT /api/v1/quality/weights if they please.")


def _evidence(piece: Piece, call_id: str, task_id: str, observe_us: int) -> Evidence:
    kind, form = _FORMS[piece.kind]
    digest = hashlib.sha256("\0".join((call_id, task_id, piece.kind.value, "")).encode() + piece.content)
    made = Evidence(evidence_id=digest.hexdigest()[:_ID_LENGTH])
    made.observe_time.FromMicroseconds(observe_us)
    setattr(getattr(made, kind), form, piece.content)
    if piece.kind is ReportKind.CODE:
        made.code.path = piece.name.encode()[-_NAME_BYTES_MAX:].decode(errors="ignore")
    if call_id:
        made.call_id = call_id
    else:
        made.task_id = task_id
    return made


def _batches(evidence: Sequence[Evidence]) -> list[list[Evidence]]:
    """The pieces in their order, as many to a request as it takes."""
    batches: list[list[Evidence]] = []
    room = 0
    for piece in evidence:
        size = piece.ByteSize()
        if size > room:
            batches.append([])
            room = _BATCH_BYTES_MAX
        batches[-1].append(piece)
        room -= size
    return batches


def _timestamp(time_: datetime | None) -> Timestamp | None:
    if time_ is None:
        return None
    stamp = Timestamp()
    stamp.FromDatetime(time_)
    return stamp
