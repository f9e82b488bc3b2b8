"""GET /prompts, /prompts/compare and /prompts/rank: which version of a prompt does better."""

from typing import Annotated

from assay.analyzer.v1.prompt_service_pb2 import ComparePromptsRequest, ListPromptsRequest, RankPromptsRequest
from fastapi import Depends, Response

from gateway import prompt_messages as messages
from gateway import prompt_models as models
from gateway.auth import CallerOf
from gateway.parts import PartsOf, answer
from gateway.routes.described import answers, api_router

router = api_router("prompts")


@router.get("/prompts", **answers(models.Prompts))
async def list_prompts(
    parts: PartsOf, caller: CallerOf, question: Annotated[ListPromptsRequest, Depends(messages.list_prompts)]
) -> Response:
    """Prompts and their versions, the most used first."""
    analyzer = parts.analyzer
    response = await analyzer.ask(analyzer.prompts.ListPrompts, question, caller.secret, parts.settings.query_deadline_s)
    return answer(messages.prompt_list(response))


@router.get("/prompts/compare", **answers(models.PromptComparison))
async def compare_prompts(
    parts: PartsOf, caller: CallerOf, question: Annotated[ComparePromptsRequest, Depends(messages.compare_prompts)]
) -> Response:
    """How versions of a prompt differ from one of them: what is told holds however often one asks."""
    analyzer = parts.analyzer
    response = await analyzer.ask(analyzer.prompts.ComparePrompts, question, caller.secret, parts.settings.query_deadline_s)
    return answer(messages.comparison(response))


@router.get("/prompts/rank", **answers(models.PromptRanking))
async def rank_prompts(
    parts: PartsOf, caller: CallerOf, question: Annotated[RankPromptsRequest, Depends(messages.rank_prompts)]
) -> Response:
    """The order of a prompt's versions by one metric."""
    analyzer = parts.analyzer
    response = await analyzer.ask(analyzer.prompts.RankPrompts, question, caller.secret, parts.settings.query_deadline_s)
    return answer(messages.order(response))
