"""PromptService: converts and delegates."""

from typing import Any, TypeAlias

import grpc.aio
from assay.analyzer.v1 import prompt_service_pb2 as contract
from assay.analyzer.v1 import prompt_service_pb2_grpc

from kit.access import Guard, Role
from services.analyzer.messages.prompts import comparison_from_message, order_from_message, range_of
from services.analyzer.prompts import Prompts

SERVICE_NAME = contract.DESCRIPTOR.services_by_name["PromptService"].full_name

Context: TypeAlias = grpc.aio.ServicerContext[Any, Any]


class PromptServicer(prompt_service_pb2_grpc.PromptServiceServicer):
    """Answers from the collector's roll-ups."""

    def __init__(self, guard: Guard, prompts: Prompts) -> None:
        self._guard = guard
        self._prompts = prompts

    def add_to(self, server: grpc.aio.Server) -> None:
        """Registers the service."""
        prompt_service_pb2_grpc.add_PromptServiceServicer_to_server(self, server)

    async def ListPrompts(self, request: contract.ListPromptsRequest, context: Context) -> contract.ListPromptsResponse:
        """Lists prompts and their versions."""
        project = await self._guard.admit(context, Role.READ, request.project)
        return await self._prompts.prompts(project, *range_of(request))

    async def ComparePrompts(self, request: contract.ComparePromptsRequest, context: Context) -> contract.ComparePromptsResponse:
        """Compares versions of a prompt with one of them."""
        project = await self._guard.admit(context, Role.READ, request.project)
        return await self._prompts.compare(project, comparison_from_message(request))

    async def RankPrompts(self, request: contract.RankPromptsRequest, context: Context) -> contract.RankPromptsResponse:
        """Orders versions of a prompt."""
        project = await self._guard.admit(context, Role.READ, request.project)
        return await self._prompts.rank(project, *order_from_message(request))
