"""GET /rankings/{task_type}: which provider and model to choose."""

from typing import Annotated

from assay.analyzer.v1.ranking_service_pb2 import RankProvidersRequest
from fastapi import Depends, Response

from gateway import ranking_messages as messages
from gateway import ranking_models as models
from gateway.auth import CallerOf
from gateway.parts import PartsOf, answer
from gateway.routes.described import answers, api_router

router = api_router("rankings")


@router.get("/rankings/{task_type:path}", **answers(models.Ranking))
async def rank_providers(
    parts: PartsOf, caller: CallerOf, question: Annotated[RankProvidersRequest, Depends(messages.rank_providers)]
) -> Response:
    """Candidates for a kind of task, the first first, with how sure that is, and why."""
    analyzer = parts.analyzer
    response = await analyzer.ask(analyzer.rankings.RankProviders, question, caller.secret, parts.settings.query_deadline_s)
    return answer(messages.ranking(response))
