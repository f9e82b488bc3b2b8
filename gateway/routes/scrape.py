"""GET /metrics/providers: what providers did, for Prometheus to scrape."""

from assay.collector.v1.export_service_pb2 import ScrapeProvidersRequest
from fastapi import APIRouter, Request, Response
from starlette.responses import StreamingResponse

from gateway.auth import CallerOf
from gateway.parameters import GroupBy, Project, dimensions
from gateway.parts import PartsOf
from gateway.scrape_format import negotiated

PATH = "/metrics/providers"

# What it answers is Prometheus' own, and so is its description.
router = APIRouter(include_in_schema=False)


@router.get(PATH)
async def scrape_providers(request: Request, parts: PartsOf, caller: CallerOf, project: Project = "", group_by: GroupBy = ()) -> Response:
    """What each series has counted. The terms in `group_by` become labels, all five if there are none."""
    format_, content_type = negotiated(request.headers.get("accept", ""))
    question = ScrapeProvidersRequest(project=project, format=format_, group_by=dimensions(group_by))
    collector = parts.collector
    # All of it is there before the answer begins, so that a refusal can still be told.
    pieces = await collector.collect(collector.exports.ScrapeProviders, question, caller.secret, parts.settings.query_deadline_s)
    content = iter([piece.content for piece in pieces])
    return StreamingResponse(content, headers={"content-type": content_type, "cache-control": "no-store"})
