"""GET /rankings/{task_type}, /ranking-history and /ranking-backtests/{task_type}: which provider and model to choose, then and now."""

from datetime import UTC, datetime
from typing import Annotated

from assay.analyzer.v1.ranking_service_pb2 import BacktestRankingRequest, GetRankingRequest, ListRankingsRequest, RankProvidersRequest
from fastapi import Depends, Response

from gateway import ranking_messages as messages
from gateway import ranking_models as models
from gateway.auth import CallerOf
from gateway.parameters import End, Project, Start, timestamp
from gateway.parts import PartsOf, answer
from gateway.routes.described import answers, api_router

# Fifty thousand calls take the collector a minute.
BACKTEST_DEADLINE_S = 120.0

router = api_router("rankings")


@router.get("/rankings/{task_type:path}", **answers(models.Ranking))
async def rank_providers(
    parts: PartsOf, caller: CallerOf, question: Annotated[RankProvidersRequest, Depends(messages.rank_providers)]
) -> Response:
    """Candidates for a kind of task, the first first, with how sure that is, and why."""
    analyzer = parts.analyzer
    response = await analyzer.ask(analyzer.rankings.RankProviders, question, caller.secret, parts.settings.query_deadline_s)
    return answer(messages.ranking(response))


@router.get("/ranking-history", **answers(models.RankingsPage))
async def list_rankings(
    parts: PartsOf, caller: CallerOf, question: Annotated[ListRankingsRequest, Depends(messages.list_rankings)]
) -> Response:
    """What was recommended, the latest first: a ranking is kept when another choice is recommended than the time before."""
    analyzer = parts.analyzer
    response = await analyzer.ask(analyzer.rankings.ListRankings, question, caller.secret)
    return answer({"rankings": [messages.kept_ranking(one) for one in response.rankings], "next_page_token": response.next_page_token})


@router.get("/ranking-history/{ranking_id}", **answers(models.KeptRanking))
async def get_ranking(parts: PartsOf, caller: CallerOf, ranking_id: str, project: Project = "") -> Response:
    """One of them, by the ranking_id that calls carry."""
    analyzer = parts.analyzer
    question = GetRankingRequest(project=project, ranking_id=ranking_id)
    return answer(messages.kept_ranking((await analyzer.ask(analyzer.rankings.GetRanking, question, caller.secret)).ranking))


@router.get("/ranking-backtests/{task_type:path}", **answers(models.RankingBacktest))
async def backtest_ranking(
    parts: PartsOf,
    caller: CallerOf,
    question: Annotated[RankProvidersRequest, Depends(messages.rank_providers)],
    start: Start = "-7d",
    end: End = "",
) -> Response:
    """What following the ranking would have brought by recorded calls, and what other policies would have."""
    analyzer, now = parts.analyzer, datetime.now(UTC)
    request = BacktestRankingRequest(
        project=question.project, start_time=timestamp("start", start, now), end_time=timestamp("end", end, now)
    )
    question.ClearField("project")
    request.question.CopyFrom(question)
    response = await analyzer.ask(analyzer.rankings.BacktestRanking, request, caller.secret, BACKTEST_DEADLINE_S)
    return answer(messages.backtest(response))
