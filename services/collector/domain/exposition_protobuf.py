"""Exposition as Prometheus' protobuf: io.prometheus.client.MetricFamily, delimited, with classic and native histograms.

Numbers of fields are those of prometheus/client_model, metrics.proto.
"""

from collections.abc import Sequence
from functools import lru_cache

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
from services.collector.domain.protobuf_wire import bytes_field, double_field, number_field, text_field, unsigned, zigzag

_TYPES = {FamilyKind.COUNTER: 0, FamilyKind.GAUGE: 1, FamilyKind.HISTOGRAM: 4}
_VALUE_FIELDS = {FamilyKind.COUNTER: 3, FamilyKind.GAUGE: 2}
_METRIC, _LABEL, _HISTOGRAM = 4, 1, 7
_BOUNDS = (*LE_S, float("inf"))
_NATIVE = number_field(5, zigzag(NATIVE_SCHEMA)) + double_field(6, ZERO_THRESHOLD_S)
# Some 100 bytes each.
BUCKETS_REMEMBERED = 65_536


def metric_families(shown: Exposed) -> bytes:
    """All families, each behind its length."""
    if not shown.labels:
        return b""
    labels = [_labels(each) for each in shown.labels]
    made = [_family(family, shown, labels) for family in FAMILIES]
    return b"".join(unsigned(len(family)) + family for family in made)


def _family(family: Family, shown: Exposed, labels: Sequence[bytes]) -> bytes:
    name = family.name if family.kind is FamilyKind.HISTOGRAM else family.sample_name
    head = text_field(1, name) + text_field(2, family.help_text) + number_field(3, _TYPES[family.kind])
    if family.kind is FamilyKind.HISTOGRAM:
        return head + b"".join(_histograms(distribution, shown, labels) for distribution in family.distributions)
    value_field = _VALUE_FIELDS[family.kind]
    metrics = [
        bytes_field(_METRIC, own + _labels(sample.labels) + bytes_field(value_field, double_field(1, value)))
        for sample in family.samples
        for own, value in zip(labels, shown.values(sample).tolist(), strict=True)
    ]
    return head + b"".join(metrics)


def _histograms(distribution: Distribution, shown: Exposed, labels: Sequence[bytes]) -> bytes:
    rest = _labels(distribution.labels)
    native = shown.native(distribution)
    parts = spans_and_deltas(native, span_field=12, delta_field=13)
    columns = (shown.classic(distribution).tolist(), shown.sums_s(distribution).tolist(), native.zero_count.tolist(), parts)
    return b"".join(
        bytes_field(_METRIC, own + rest + bytes_field(_HISTOGRAM, _histogram(counts, total_s, zero_count) + spans))
        for own, counts, total_s, zero_count, spans in zip(labels, *columns, strict=True)
        if counts[-1]
    )


def _histogram(counts: Sequence[int], total_s: float, zero_count: int) -> bytes:
    head = number_field(1, counts[-1]) + double_field(2, total_s)
    return head + b"".join(map(_bucket, range(len(_BOUNDS)), counts)) + _NATIVE + number_field(7, zero_count)


@lru_cache(maxsize=BUCKETS_REMEMBERED)
def _bucket(number: int, count: int) -> bytes:
    """A classic bucket: of many series most are empty or have all."""
    return bytes_field(3, number_field(1, count) + double_field(2, _BOUNDS[number]))


def _labels(labels: Labels) -> bytes:
    return b"".join(bytes_field(_LABEL, text_field(1, name) + text_field(2, value)) for name, value in labels)
