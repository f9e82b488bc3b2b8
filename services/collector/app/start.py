"""What the collector's two roles begin with: its schema, its keys and its streams."""

from sqlalchemy.ext.asyncio import AsyncEngine

from kit import database
from kit.bus import Bus
from kit.health import Readiness
from kit.start import Start, ensure_streams
from services.collector import streams
from services.collector.access.store import AccessStore
from services.collector.ingest import require_payload
from services.collector.settings import CollectorSettings, FrontSettings

SCHEMA = "collector"
MIGRATIONS = "services.collector.migrations"


def collector_start(engine: AsyncEngine, connection: Bus, readiness: Readiness, settings: CollectorSettings) -> Start:
    """Brings database and bus to what the collector needs, and watches that they stay."""

    async def prepare_database() -> None:
        url, files = settings.database_url.get_secret_value(), settings.database_tls
        await database.migrate(url, schema=SCHEMA, package=MIGRATIONS, files=files)
        access = AccessStore(engine)
        await access.ensure_defaults()
        if isinstance(settings, FrontSettings):
            await _ensure_keys(access, settings)

    async def prepare_bus() -> None:
        await connection.connected(timeout_s=1.0)
        require_payload(connection.max_payload_bytes)
        replica_count = settings.stream_replica_count
        made = (
            streams.ingest_stream(settings.stream_bytes_max, replica_count),
            streams.windows_stream(replica_count),
            streams.content_stream(replica_count),
            streams.erased_stream(replica_count),
        )
        await ensure_streams(connection, made)

    return Start(engine, connection, readiness, prepare_database=prepare_database, prepare_bus=prepare_bus)


async def _ensure_keys(access: AccessStore, settings: FrontSettings) -> None:
    if settings.bootstrap_key is not None:
        await access.ensure_bootstrap_key(settings.bootstrap_key.get_secret_value())
    if settings.service_key is not None:
        await access.ensure_service_key(settings.service_key.get_secret_value())
