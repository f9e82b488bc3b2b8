"""Wires the collector's front."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager

from assay.collector.v1 import collector_service_pb2_grpc, metrics_service_pb2_grpc
from assay.collector.v1.collector_service_pb2 import DESCRIPTOR as COLLECTOR
from assay.collector.v1.metrics_service_pb2 import DESCRIPTOR as METRICS

from kit import bus, database, lifecycle, logs, rpc
from kit.access import CachedKeyChecker, Guard
from kit.errors import AssayError, Kind
from kit.health import Readiness
from kit.memory import give_back_freed_memory, reuse_freed_memory, share_heaps
from kit.secret_keys import derived_keys, load_keys
from kit.start import ops
from kit.threads import favour_the_event_loop
from services.collector import rpc_erasure, rpc_evidence, rpc_export, rpc_feedback, rpc_otlp, rpc_sources, rpc_storage
from services.collector.access import rpc as access_rpc
from services.collector.access.checker import StoreKeyChecker
from services.collector.access.store import AccessStore
from services.collector.app.start import collector_start
from services.collector.domain.windows import Retention
from services.collector.ingest import Ingest
from services.collector.messages.otlp.spans import SpanReader, TaskNames
from services.collector.prices import PriceBook
from services.collector.query import MetricsQueries
from services.collector.rpc import CollectorServicer, MetricsServicer
from services.collector.rpc_feedback import FeedbackServicer
from services.collector.rpc_otlp import TraceServicer
from services.collector.rpc_reading import ReadingRpc
from services.collector.settings import FrontSettings
from services.collector.sources import SourceBook
from services.collector.store.projects import ProjectReader
from services.collector.store.sources import SourceStore
from services.collector.watch import Watches
from services.collector.zones import ZoneChanges

# While the database is away, keys that worked go on recording for so long: the bus has room for hours.
RECORDING_OUTAGE_S = 6 * 3_600.0

_SERVICE_NAMES = (
    COLLECTOR.services_by_name["CollectorService"].full_name,
    METRICS.services_by_name["MetricsService"].full_name,
    access_rpc.SERVICE_NAME,
    rpc_evidence.SERVICE_NAME,
    rpc_erasure.SERVICE_NAME,
    rpc_export.SERVICE_NAME,
    rpc_storage.SERVICE_NAME,
    rpc_sources.SERVICE_NAME,
    rpc_feedback.SERVICE_NAME,
    rpc_otlp.SERVICE_NAME,
)

_log = logs.get_logger(__name__)


@asynccontextmanager
async def front(settings: FrontSettings) -> AsyncIterator[str]:
    """Serves the collector's front until the block is left; yields the bound address."""
    share_heaps()
    reuse_freed_memory()
    favour_the_event_loop()
    readiness = Readiness("database", "bus")
    async with AsyncExitStack() as stack:
        engine = await stack.enter_async_context(
            database.engine(settings.database_url.get_secret_value(), name="assay collector front", files=settings.database_tls)
        )
        connection = await stack.enter_async_context(
            bus.connect(settings.nats_url.get_secret_value(), "collector front", settings.nats_tls)
        )
        access = AccessStore(engine)
        guard = Guard(CachedKeyChecker(StoreKeyChecker(access), outage_s=RECORDING_OUTAGE_S))
        projects = ProjectReader(engine)
        queries = MetricsQueries(
            engine, Retention(minute_days=settings.minutes_kept_days, fifteen_minutes_days=settings.quarters_kept_days)
        )
        watches = Watches(connection, queries)
        reading = ReadingRpc(engine, connection)
        zone_changes = ZoneChanges(engine)
        ingest = Ingest(connection, PriceBook())
        sources = SourceBook(SourceStore(engine))
        collector = CollectorServicer(guard, projects, ingest, sources, reading)
        feedback = FeedbackServicer(guard, projects, ingest, _link_keys(settings), settings.public_url)
        traces = TraceServicer(collector, SpanReader(_task_names(settings)))
        metrics = MetricsServicer(guard, projects, queries, watches, reading)
        start = collector_start(engine, connection, readiness, settings)
        await stack.enter_async_context(ops(settings, readiness))
        address = await stack.enter_async_context(
            rpc.serve(
                settings.listen,
                [
                    lambda server: collector_service_pb2_grpc.add_CollectorServiceServicer_to_server(collector, server),
                    lambda server: metrics_service_pb2_grpc.add_MetricsServiceServicer_to_server(metrics, server),
                    access_rpc.AccessServicer(access, zone_changes.on_change).add_to,
                    rpc_evidence.EvidenceServicer(guard, engine).add_to,
                    rpc_erasure.ErasureServicer(guard, engine).add_to,
                    rpc_export.ExportServicer(guard, engine).add_to,
                    rpc_storage.StorageServicer(guard, engine, connection, settings).add_to,
                    rpc_sources.SourceServicer(guard, engine).add_to,
                    feedback.add_to,
                    traces.add_to,
                ],
                service_names=_SERVICE_NAMES,
                readiness=readiness,
                log_guard=guard,
                files=settings.grpc_tls,
                allow_insecure=settings.insecure_listen,
            )
        )
        await stack.enter_async_context(_taking_spans(settings, traces, readiness))
        await stack.enter_async_context(lifecycle.background(start.run, watches.run, start.after(sources.run), give_back_freed_memory))
        _log.info("the collector's front is up", address=address)
        yield address


@asynccontextmanager
async def _taking_spans(settings: FrontSettings, traces: TraceServicer, readiness: Readiness) -> AsyncIterator[None]:
    """Takes spans on a port of their own as well, if the settings say which."""
    if not settings.otlp_listen:
        yield
        return
    async with rpc.serve(
        settings.otlp_listen,
        [traces.add_to],
        service_names=[rpc_otlp.SERVICE_NAME],
        readiness=readiness,
        files=settings.grpc_tls,
        allow_insecure=settings.insecure_listen,
    ) as address:
        _log.info("spans of OpenTelemetry are taken", address=address)
        yield


def _task_names(settings: FrontSettings) -> TaskNames:
    return TaskNames(
        settings.otlp_task_type_attributes,
        settings.otlp_task_id_attributes,
        settings.otlp_revision_count_attributes,
        settings.otlp_trace_is_task,
    )


def _link_keys(settings: FrontSettings) -> tuple[bytes, ...]:
    """Keys that sign links, none where the settings have none. Raises SECRETS_KEY_INVALID."""
    try:
        setting = settings.secrets_key.get_secret_value() if settings.secrets_key else ""
        return derived_keys(load_keys(setting, settings.secrets_key_file), b"assay feedback")
    except ValueError as error:
        message = "ASSAY_SECRETS_KEY takes keys of 32 bytes in base64url, separated by commas"
        raise AssayError(Kind.FAILED_PRECONDITION, "SECRETS_KEY_INVALID", message) from error
