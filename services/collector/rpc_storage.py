"""StorageService: how much is kept, and for how long."""

from typing import Any, TypeAlias

import grpc.aio
from assay.collector.v1 import storage_service_pb2 as contract
from assay.collector.v1 import storage_service_pb2_grpc
from sqlalchemy.ext.asyncio import AsyncEngine

from kit import database
from kit.access import Guard, Role
from kit.bus import Bus
from services.collector import streams
from services.collector.settings import CollectorSettings
from services.collector.store.read_storage import StorageReader

SERVICE_NAME = contract.DESCRIPTOR.services_by_name["StorageService"].full_name

Context: TypeAlias = grpc.aio.ServicerContext[Any, Any]


class StorageServicer(storage_service_pb2_grpc.StorageServiceServicer):
    """Converts and delegates."""

    def __init__(self, guard: Guard, engine: AsyncEngine, bus: Bus, settings: CollectorSettings) -> None:
        self._guard = guard
        self._sizes = StorageReader(engine)
        self._bus = bus
        self._settings = settings

    def add_to(self, server: grpc.aio.Server) -> None:
        """Registers the service."""
        storage_service_pb2_grpc.add_StorageServiceServicer_to_server(self, server)

    async def GetStorage(self, request: contract.GetStorageRequest, context: Context) -> contract.GetStorageResponse:
        """Tells sizes and retention."""
        with database.away_is_unavailable():
            (await self._guard.identity(context)).require(Role.INSTALLATION_ADMIN)
        database_byte_count, tables = await self._sizes.sizes()
        stream = await self._bus.stream_state(streams.INGEST)
        return contract.GetStorageResponse(
            database_byte_count=database_byte_count,
            tables=(contract.StoredTable(name=one.name, byte_count=one.byte_count, row_count=one.row_count) for one in tables),
            ingest_stream=contract.StoredStream(
                message_count=stream.message_count, byte_count=stream.byte_count, byte_limit=max(stream.byte_limit, 0)
            ),
            calls_kept_days=self._settings.calls_kept_days,
            minutes_kept_days=self._settings.minutes_kept_days,
            quarters_kept_days=self._settings.quarters_kept_days,
        )
