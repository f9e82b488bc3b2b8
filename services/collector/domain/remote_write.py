"""Prometheus remote write 1.0: counters as time series, in the bytes of prometheus.WriteRequest, before they are compressed.

Numbers of fields are those of prometheus/prompb, remote.proto and types.proto.
"""

from collections.abc import Iterator
from enum import Enum

from services.collector.domain.exposition import (
    FAMILIES,
    LE_S,
    NATIVE_SCHEMA,
    ZERO_THRESHOLD_S,
    Distribution,
    Exposed,
    Family,
    FamilyKind,
    Labels,
)
from services.collector.domain.native_buckets import spans_and_deltas
from services.collector.domain.protobuf_wire import bytes_field, double_field, number_field, text_field, zigzag

REQUEST_SERIES_MAX = 2_000
"""Time series of one request: some 300 kB before compression."""

_SERIES, _LABEL, _SAMPLE, _HISTOGRAM = 1, 1, 2, 4
_NATIVE = number_field(4, zigzag(NATIVE_SCHEMA)) + double_field(5, ZERO_THRESHOLD_S)
_LES = (*(repr(bound) for bound in LE_S), "+Inf")


class Histograms(Enum):
    """As what histograms are written. Receivers that do not know native ones refuse a request that has them."""

    CLASSIC = "classic"
    NATIVE = "native"


def write_requests(shown: Exposed, timestamp_ms: int, histograms: Histograms) -> list[bytes]:
    """All series at one instant, in requests of REQUEST_SERIES_MAX."""
    series = list(_series(shown, timestamp_ms, histograms))
    return [b"".join(series[begin : begin + REQUEST_SERIES_MAX]) for begin in range(0, len(series), REQUEST_SERIES_MAX)]


def _series(shown: Exposed, timestamp_ms: int, histograms: Histograms) -> Iterator[bytes]:
    for family in FAMILIES:
        if family.kind is not FamilyKind.HISTOGRAM:
            for sample in family.samples:
                for own, value in zip(shown.labels, shown.values(sample).tolist(), strict=True):
                    yield _sampled(family.sample_name, own + sample.labels, value, timestamp_ms)
            continue
        for distribution in family.distributions:
            if histograms is Histograms.NATIVE:
                yield from _native(family, distribution, shown, timestamp_ms)
            else:
                yield from _classic(family, distribution, shown, timestamp_ms)


def _classic(family: Family, distribution: Distribution, shown: Exposed, timestamp_ms: int) -> Iterator[bytes]:
    rows = zip(shown.labels, shown.classic(distribution).tolist(), shown.sums_s(distribution).tolist(), strict=True)
    for own, counts, total_s in rows:
        if counts[-1]:
            labels = own + distribution.labels
            for le, count in zip(_LES, counts, strict=True):
                yield _sampled(f"{family.name}_bucket", (*labels, ("le", le)), count, timestamp_ms)
            yield _sampled(f"{family.name}_sum", labels, total_s, timestamp_ms)
            yield _sampled(f"{family.name}_count", labels, counts[-1], timestamp_ms)


def _native(family: Family, distribution: Distribution, shown: Exposed, timestamp_ms: int) -> Iterator[bytes]:
    native = shown.native(distribution)
    counts = shown.classic(distribution)[:, -1].tolist()
    parts = spans_and_deltas(native, span_field=11, delta_field=12)
    columns = (counts, shown.sums_s(distribution).tolist(), native.zero_count.tolist(), parts)
    for own, count, total_s, zero_count, spans in zip(shown.labels, *columns, strict=True):
        if count:
            head = number_field(1, count) + double_field(3, total_s) + _NATIVE + number_field(6, zero_count)
            histogram = bytes_field(_HISTOGRAM, head + spans + number_field(15, timestamp_ms))
            yield bytes_field(_SERIES, _labels(family.name, own + distribution.labels) + histogram)


def _sampled(name: str, labels: Labels, value: float, timestamp_ms: int) -> bytes:
    sample = double_field(1, value) + number_field(2, timestamp_ms)
    return bytes_field(_SERIES, _labels(name, labels) + bytes_field(_SAMPLE, sample))


def _labels(name: str, labels: Labels) -> bytes:
    """The name and the labels in the order that the protocol asks for: `_` stands before every letter."""
    return _pair("__name__", name) + b"".join(_pair(label, value) for label, value in sorted(labels))


def _pair(name: str, value: str) -> bytes:
    return bytes_field(_LABEL, text_field(1, name) + text_field(2, value))
