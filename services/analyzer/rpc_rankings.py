"""RankingService: converts and delegates."""

from typing import Any, TypeAlias

import grpc.aio
from assay.analyzer.v1 import ranking_service_pb2 as contract
from assay.analyzer.v1 import ranking_service_pb2_grpc

from kit import database
from kit.access import Guard, Role
from services.analyzer.messages.rankings import question_from_message, question_key
from services.analyzer.rankings import Rankings

SERVICE_NAME = contract.DESCRIPTOR.services_by_name["RankingService"].full_name

Context: TypeAlias = grpc.aio.ServicerContext[Any, Any]


class RankingServicer(ranking_service_pb2_grpc.RankingServiceServicer):
    """Answers from memory."""

    def __init__(self, guard: Guard, rankings: Rankings) -> None:
        self._guard = guard
        self._rankings = rankings

    def add_to(self, server: grpc.aio.Server) -> None:
        """Registers the service."""
        ranking_service_pb2_grpc.add_RankingServiceServicer_to_server(self, server)

    async def RankProviders(self, request: contract.RankProvidersRequest, context: Context) -> contract.RankProvidersResponse:
        """Ranks the candidates for a kind of task."""
        with database.away_is_unavailable():
            project = await self._guard.admit(context, Role.READ, request.project)
            return await self._rankings.answer(project, question_from_message(request), question_key(request))
