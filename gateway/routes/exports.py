"""GET /export-targets: where numbers are sent to."""

from assay.collector.v1.export_service_pb2 import ListExportTargetsRequest
from fastapi import Response

from gateway.auth import CallerOf
from gateway.export_models import ExportTargets
from gateway.parameters import Project
from gateway.parts import CollectorOf, answer
from gateway.plain_messages import plain
from gateway.routes.described import answers, api_router

router = api_router("metrics")


@router.get("/export-targets", **answers(ExportTargets))
async def list_export_targets(collector: CollectorOf, caller: CallerOf, project: Project = "") -> Response:
    """Where the installation sends numbers to by itself, and how far it is."""
    question = ListExportTargetsRequest(project=project)
    response = await collector.ask(collector.exports.ListExportTargets, question, caller.secret)
    return answer(plain(response))
