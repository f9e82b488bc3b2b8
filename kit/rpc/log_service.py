"""LogService: changes what a running process logs."""

from typing import Any

import grpc.aio
from assay.operations.v1 import log_service_pb2, log_service_pb2_grpc

from kit import logs
from kit.access import Guard, Role

_log = logs.get_logger(__name__)


class LogService(log_service_pb2_grpc.LogServiceServicer):
    """For the installation's admin alone: logs tell of every project."""

    def __init__(self, guard: Guard) -> None:
        self._guard = guard

    async def SetLogLevel(
        self, request: log_service_pb2.SetLogLevelRequest, context: grpc.aio.ServicerContext[Any, Any]
    ) -> log_service_pb2.SetLogLevelResponse:
        """Sets the level of a module of this process."""
        await self._guard.admit(context, Role.INSTALLATION_ADMIN)
        levels = logs.set_level(request.module, request.level)
        _log.info("log level set", module=request.module, new_level=request.level)
        return log_service_pb2.SetLogLevelResponse(levels=levels)
