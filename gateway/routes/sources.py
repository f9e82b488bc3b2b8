"""GET /sources: what each source of calls fills in, and what it never does."""

from assay.collector.v1.source_service_pb2 import ListSourcesRequest
from fastapi import Response

from gateway.auth import CallerOf
from gateway.parameters import PageSize, PageToken, Project
from gateway.parts import CollectorOf, answer
from gateway.plain_messages import plain
from gateway.routes.described import answers, api_router
from gateway.source_models import Sources

router = api_router("calls")


@router.get("/sources", **answers(Sources))
async def list_sources(
    collector: CollectorOf, caller: CallerOf, project: Project = "", page_size: PageSize = 0, page_token: PageToken = ""
) -> Response:
    """By program or instrumentation and key: which fields it fills, which it never does or no longer, and what cannot be shown for it."""
    question = ListSourcesRequest(project=project, page_size=page_size, page_token=page_token)
    response = await collector.ask(collector.sources.ListSources, question, caller.secret)
    return answer(plain(response))
