"""RankingService: converts and delegates."""

from collections.abc import AsyncIterator
from contextlib import aclosing
from typing import Any, TypeAlias

import grpc.aio
from assay.analyzer.v1 import ranking_service_pb2 as contract
from assay.analyzer.v1 import ranking_service_pb2_grpc
from assay.events.v1.rankings_pb2 import RankingKept

from kit import database, paging, rpc
from kit.access import Guard, Role
from kit.news import News
from kit.open_streams import OpenStreams, while_admitted
from services.analyzer.backtests import Backtests
from services.analyzer.messages import kept_rankings as messages
from services.analyzer.messages.rankings import embedded_question
from services.analyzer.messages.replays import range_of
from services.analyzer.rankings import Rankings, asked_from
from services.analyzer.store.kept_rankings import KeptRankingStore

SERVICE_NAME = contract.DESCRIPTOR.services_by_name["RankingService"].full_name

Context: TypeAlias = grpc.aio.ServicerContext[Any, Any]

# Gateways ask for it, once for each of their live streams; it leaves room for those that watch a ranking.
NEWS_PER_PROJECT_MAX = 100


class RankingServicer(ranking_service_pb2_grpc.RankingServiceServicer):
    """Answers from memory; what was recommended before, from the database."""

    def __init__(  # noqa: PLR0917 - what it answers from, each once
        self, ranking_guard: Guard, guard: Guard, rankings: Rankings, kept: KeptRankingStore, news: News, backtests: Backtests
    ) -> None:
        """`ranking_guard` believes keys that worked for a while when they cannot be checked."""
        self._ranking_guard = ranking_guard
        self._guard = guard
        self._rankings = rankings
        self._kept = kept
        self._news = news
        self._backtests = backtests
        self._open_watches = OpenStreams()
        self._open_news = OpenStreams(NEWS_PER_PROJECT_MAX)

    def add_to(self, server: grpc.aio.Server) -> None:
        """Registers the service."""
        ranking_service_pb2_grpc.add_RankingServiceServicer_to_server(self, server)

    @rpc.serialised_response
    async def RankProviders(self, request: contract.RankProvidersRequest, context: Context) -> Any:
        """Ranks the candidates for a kind of task."""
        with database.away_is_unavailable():
            project = await self._ranking_guard.admit(context, Role.READ, request.project)
            return await self._rankings.answer(asked_from(project, request))

    async def WatchRankings(
        self, request: contract.WatchRankingsRequest, context: Context
    ) -> AsyncIterator[contract.WatchRankingsResponse]:
        """Tells a ranking, and then what changes in it."""
        with database.away_is_unavailable():
            caller = await self._ranking_guard.identity(context)
            project = await self._ranking_guard.admit(context, Role.READ, request.project)
            asked = asked_from(project, embedded_question(project, request.question))
            watched = while_admitted(self._rankings.watch(asked), self._ranking_guard, context, request.project)
            with self._open_watches.one(caller, project):
                async with aclosing(watched) as updates:
                    async for update in updates:
                        yield contract.WatchRankingsResponse(ranking=update)

    async def WatchKeptRankings(
        self, request: contract.WatchKeptRankingsRequest, context: Context
    ) -> AsyncIterator[contract.WatchKeptRankingsResponse]:
        """Tells of each ranking that is kept."""
        caller = await self._guard.identity(context)
        project = await self._guard.admit(context, Role.READ, request.project)
        watched = while_admitted(self._news.watch(project), self._guard, context, request.project)
        with self._open_news.one(caller, project):
            async with aclosing(watched) as updates:
                async for told in updates:
                    rankings = [RankingKept.FromString(payload).ranking for payload in told.payloads]
                    yield contract.WatchKeptRankingsResponse(list_again=told.list_again, rankings=rankings)

    async def ListRankings(self, request: contract.ListRankingsRequest, context: Context) -> contract.ListRankingsResponse:
        """Lists what was recommended, the latest first."""
        with database.away_is_unavailable():
            project = await self._guard.admit(context, Role.READ, request.project)
            size = paging.page_size(request.page_size, messages.PAGE_DEFAULT, messages.PAGE_MAX)
            query = messages.wanted(request, project)
            page = await self._kept.page(query, messages.page_position(request.page_token, query), size + 1)
        return contract.ListRankingsResponse(
            rankings=map(messages.kept_to_message, page[:size]),
            next_page_token=messages.page_token(page[size - 1], query) if len(page) > size else "",
        )

    async def GetRanking(self, request: contract.GetRankingRequest, context: Context) -> contract.GetRankingResponse:
        """Returns a kept ranking."""
        with database.away_is_unavailable():
            project = await self._guard.admit(context, Role.READ, request.project)
            ranking_id = messages.ranking_id_from(request.ranking_id)
            kept = await self._kept.find(project, ranking_id)
        if kept is None:
            raise messages.ranking_unknown(ranking_id)
        return contract.GetRankingResponse(ranking=messages.kept_to_message(kept))

    async def BacktestRanking(self, request: contract.BacktestRankingRequest, context: Context) -> contract.BacktestRankingResponse:
        """Replays recorded calls against policies."""
        project = await self._guard.admit(context, Role.READ, request.project)
        asked = asked_from(project, embedded_question(project, request.question))
        return await self._backtests.run(asked, *range_of(request, self._backtests.now_s()))
