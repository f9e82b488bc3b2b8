"""What a process counts about itself: all names in one type, one registry a process, Prometheus' text form."""

from collections.abc import Sequence
from typing import Literal

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, PlatformCollector, ProcessCollector
from prometheus_client.exposition import CONTENT_TYPE_LATEST, generate_latest

MetricName = Literal[
    "assay_rpc_requests_total",
    "assay_rpc_seconds",
    "assay_ingest_calls_total",
    "assay_ingest_batch_seconds",
    "assay_otlp_spans_total",
    "assay_writer_calls_total",
    "assay_writer_commit_seconds",
    "assay_writer_lag_seconds",
    "assay_rollup_fold_seconds",
    "assay_rollup_pending_blobs",
    "assay_stream_bytes",
    "assay_stream_messages",
    "assay_sse_clients",
    "assay_http_requests_total",
    "assay_http_seconds",
    "assay_log_records_total",
    "assay_delivery_attempts_total",
    "assay_analyzer_batch_seconds",
    "assay_analyzer_windows_total",
    "assay_evidence_read_total",
    "assay_scores_total",
    "assay_alerter_evaluation_seconds",
    "assay_alerter_transitions_total",
    "assay_export_sent_total",
]

# From half a millisecond, one unary call over loopback, to ten seconds, where callers have given up.
SECONDS_BUCKETS = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)

REGISTRY = CollectorRegistry()
ProcessCollector(registry=REGISTRY)
PlatformCollector(registry=REGISTRY)


def counter(name: MetricName, help_text: str, labels: Sequence[str] = ()) -> Counter:
    """A number that only grows. Made once, where the module that counts is imported."""
    return Counter(name, help_text, labels, registry=REGISTRY)


def gauge(name: MetricName, help_text: str, labels: Sequence[str] = ()) -> Gauge:
    """A number that goes up and down. Made once, where the module that sets it is imported."""
    return Gauge(name, help_text, labels, unit=_unit(name), registry=REGISTRY)


def histogram(name: MetricName, help_text: str, labels: Sequence[str] = (), buckets: Sequence[float] = SECONDS_BUCKETS) -> Histogram:
    """A distribution; `buckets` are upper bounds in the unit that ends the name."""
    return Histogram(name, help_text, labels, unit=_unit(name), registry=REGISTRY, buckets=buckets)


def exposition() -> tuple[bytes, str]:
    """All metrics in Prometheus' text form, and its content type."""
    return generate_latest(REGISTRY), CONTENT_TYPE_LATEST


def _unit(name: MetricName) -> str:
    last_word = name.rpartition("_")[2]
    return last_word if last_word in {"seconds", "bytes"} else ""
