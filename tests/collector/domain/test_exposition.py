"""What other monitoring systems are shown: counters that never fall, and the same numbers in every form."""

import re
from typing import Any

import numpy as np
import pytest
from google.protobuf import descriptor_pb2, descriptor_pool, message_factory
from hypothesis import given, settings
from hypothesis import strategies as st
from prometheus_client.openmetrics.parser import text_string_to_metric_families as read_open_metrics
from prometheus_client.parser import text_string_to_metric_families as read_text

from services.collector.domain import remote_write
from services.collector.domain.counters import COUNTED_MEASURES, counted
from services.collector.domain.exposition import FAMILIES, LE_S, METRIC_NAMES, Exposed, FamilyKind, exposed
from services.collector.domain.exposition_protobuf import metric_families
from services.collector.domain.exposition_text import open_metrics, text
from services.collector.domain.histogram import DURATION_US_MAX
from services.collector.domain.measures import MEASURE_COUNT, Measure
from services.collector.domain.protobuf_wire import unsigned, zigzag
from services.collector.domain.remote_write import Histograms, write_requests
from services.collector.domain.rollup import Windows, merge, rollup_calls, rollup_measures
from tests.collector.domain.rollup_cases import columns

NAMES = ("provider", "model", "task_type")
SERIES = {1: ("a", "m1", "t"), 2: ("a", "m2", ""), 3: ('q"\\\n', "m1", "t")}


def calls_of(durations_us: list[int], series_id: int = 1, outcome: int = 1) -> Windows:
    """A call of each duration, whose first token took half as long."""
    return rollup_calls(columns([(series_id, 0, outcome, took, took // 2, 3, 2, 0, 0, 1, 1_500_000_000, 1) for took in durations_us]))


def shown_of(*windows: Windows, by: tuple[str, ...] = NAMES) -> Exposed:
    return exposed("p", SERIES, counted(merge(windows)), NAMES, by)


ALL = shown_of(calls_of([0, 1, 20_000, 1_000_000, 1_000_001]), calls_of([5_000_000], 3, outcome=4), calls_of([7, 9], 2, outcome=2))

_Field = descriptor_pb2.FieldDescriptorProto
_TYPES = {"u": _Field.TYPE_UINT64, "i": _Field.TYPE_INT64, "s": _Field.TYPE_SINT64, "d": _Field.TYPE_DOUBLE, "t": _Field.TYPE_STRING}


def classes(**messages: str) -> dict[str, Any]:
    """Message classes from a few words a field, so that what is written by hand is read by protobuf: name=number:type, * for many."""
    file = descriptor_pb2.FileDescriptorProto(name="theirs.proto", package="theirs", syntax="proto3")
    for name, fields in messages.items():
        message = file.message_type.add(name=name)
        for each in fields.split():
            field, number, kind = re.fullmatch(r"(\w+)=(\d+):(\S+)", each).groups()  # type: ignore[union-attr]
            made = message.field.add(name=field, number=int(number), label=_Field.LABEL_REPEATED if kind[-1] == "*" else 1)
            kind = kind.rstrip("*")
            made.type = _TYPES.get(kind, _Field.TYPE_MESSAGE)
            if kind not in _TYPES:
                made.type_name = f".theirs.{kind}"
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    return {name: message_factory.GetMessageClass(pool.FindMessageTypeByName(f"theirs.{name}")) for name in messages}


# Field numbers and types as prometheus/client_model and prometheus/prompb have them.
THEIRS = classes(
    Span="offset=1:s length=2:u",
    Bucket="count=1:u le=2:d",
    Histogram="count=1:u sum=2:d bucket=3:Bucket* schema=5:s zero_threshold=6:d zero=7:u span=12:Span* delta=13:s*",
    Pair="name=1:t value=2:t",
    Value="value=1:d",
    Metric="label=1:Pair* gauge=2:Value counter=3:Value histogram=7:Histogram",
    MetricFamily="name=1:t help=2:t type=3:u metric=4:Metric*",
    Sample="value=1:d timestamp=2:i",
    Sent="count=1:u sum=3:d schema=4:s zero_threshold=5:d zero=6:u span=11:Span* delta=12:s* timestamp=15:i",
    TimeSeries="label=1:Pair* sample=2:Sample* histogram=4:Sent*",
    WriteRequest="timeseries=1:TimeSeries*",
)


def labels_of(pairs: Any) -> frozenset[tuple[str, str]]:
    return frozenset((pair.name, pair.value) for pair in pairs)


def buckets_of(histogram: Any) -> dict[int, int]:
    """Index to count, as Prometheus reads spans and deltas."""
    found, index, count, deltas = {}, 0, 0, iter(histogram.delta)
    for span in histogram.span:
        index += span.offset
        for _ in range(span.length):
            count += next(deltas)
            found[index] = count
            index += 1
    assert next(deltas, None) is None
    return found


def families(content: bytes) -> dict[str, Any]:
    found, place = {}, 0
    while place < len(content):
        length = shift = 0
        while True:
            byte = content[place]
            length, shift, place = length | (byte & 0x7F) << shift, shift + 7, place + 1
            if byte < 0x80:
                break
        family = THEIRS["MetricFamily"].FromString(content[place : place + length])
        found[family.name] = family
        place += length
    return found


def samples_of(requests: list[bytes]) -> dict[tuple[str, frozenset[tuple[str, str]]], float]:
    found = {}
    for request in requests:
        for series in THEIRS["WriteRequest"].FromString(request).timeseries:
            names = [pair.name for pair in series.label]
            assert names == sorted(names) and names[0] == "__name__"
            assert all(sample.timestamp == 60_000 for sample in series.sample)
            for sample in series.sample:
                found[series.label[0].value, labels_of(series.label[1:])] = sample.value
    return found


def text_samples(written: str, read: Any) -> dict[tuple[str, frozenset[tuple[str, str]]], float]:
    found = {}
    for family in read(written):
        for sample in family.samples:
            labels = {name: value for name, value in sample.labels.items() if value}
            if "le" in labels:
                labels["le"] = "+Inf" if labels["le"] == "+Inf" else repr(float(labels["le"]))
            found[sample.name, frozenset(labels.items())] = sample.value
    return found


def test_every_form_says_the_same() -> None:
    plain = text_samples(text(ALL), read_text)
    assert text_samples(open_metrics(ALL), read_open_metrics) == plain
    assert samples_of(write_requests(ALL, 60_000, Histograms.CLASSIC)) == plain
    assert {name for name, _ in plain} <= METRIC_NAMES
    succeeded = frozenset({("project", "p"), ("provider", "a"), ("model", "m1"), ("task_type", "t"), ("outcome", "succeeded")})
    assert plain["assay_calls_total", succeeded] == 5
    assert plain["assay_call_latency_seconds_sum", succeeded] == pytest.approx(2.020002)
    assert plain["assay_call_latency_seconds_bucket", succeeded | {("le", "1.0")}] == 4
    found = families(metric_families(ALL))
    assert [found[name].type for name in ("assay_calls_total", "assay_tasks", "assay_call_latency_seconds")] == [0, 1, 4]
    for family in FAMILIES:
        for metric in found[family.name if family.kind is FamilyKind.HISTOGRAM else family.sample_name].metric:
            key = labels_of(metric.label)
            if family.kind is FamilyKind.HISTOGRAM:
                assert plain[f"{family.name}_count", key] == metric.histogram.count
                assert [plain[f"{family.name}_bucket", key | {("le", repr(each))}] for each in LE_S] == [
                    bucket.count for bucket in metric.histogram.bucket
                ][:-1]
            else:
                assert plain[family.sample_name, key] == (metric.counter if family.kind is FamilyKind.COUNTER else metric.gauge).value


@settings(max_examples=25)
@given(st.lists(st.integers(0, DURATION_US_MAX) | st.integers(0, 5_000), min_size=1, max_size=60))
def test_native_buckets_hold_the_durations_that_prometheus_wants_there(durations_us: list[int]) -> None:
    shown = shown_of(calls_of(durations_us))
    shown_latencies = families(metric_families(shown))["assay_call_latency_seconds"].metric
    (metric,) = [each for each in shown_latencies if ("outcome", "succeeded") in labels_of(each.label)]
    native = metric.histogram
    buckets = buckets_of(native)
    assert (native.schema, native.count, native.zero) == (6, len(durations_us), durations_us.count(0))
    assert 0 < native.zero_threshold < 1e-6
    expected: dict[int, int] = {}
    for took_us in filter(None, durations_us):
        # Bucket i holds (2^((i-1)/64), 2^(i/64)], in seconds; a duration is whole microseconds, so that doubles tell.
        index = int(np.ceil(np.log2(took_us / 1e6) * 64 - 1e-9))
        expected[index] = expected.get(index, 0) + 1
    assert buckets == expected
    requests = map(THEIRS["WriteRequest"].FromString, write_requests(shown, 60_000, Histograms.NATIVE))
    series = [each for request in requests for each in request.timeseries if each.histogram]
    (sent,) = [each.histogram[0] for each in series if ("outcome", "succeeded") in labels_of(each.label)]
    assert (buckets_of(sent), sent.count, sent.sum, sent.zero, sent.timestamp) == (expected, native.count, native.sum, native.zero, 60_000)


def test_terms_that_are_no_labels_are_summed_up() -> None:
    plain = text_samples(text(shown_of(calls_of([5, 6]), calls_of([7], 2), by=("provider",))), read_text)
    assert plain["assay_calls_total", frozenset({("project", "p"), ("provider", "a"), ("outcome", "succeeded")})] == 3


def test_nothing_is_shown_as_nothing() -> None:
    none = exposed("p", SERIES, merge([]), NAMES, NAMES)
    assert (text(none), open_metrics(none), metric_families(none), write_requests(none, 0, Histograms.NATIVE)) == ("", "# EOF\n", b"", [])


def test_large_snapshots_are_sent_in_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    whole = samples_of(write_requests(ALL, 60_000, Histograms.CLASSIC))
    monkeypatch.setattr(remote_write, "REQUEST_SERIES_MAX", 50)
    parts = write_requests(ALL, 60_000, Histograms.CLASSIC)
    assert len(parts) > 2 and samples_of(parts) == whole


@settings(max_examples=40)
@given(st.lists(st.tuples(st.integers(1, 3), st.sampled_from([*Measure]), st.integers(-3, 3)), max_size=30))
def test_counters_of_calls_never_fall_and_the_others_are_exact(deltas: list[tuple[int, Measure, int]]) -> None:
    total = merge([])
    for series_id, measure, value in deltas:
        added = rollup_measures(np.array([series_id]), np.array([5]), {measure: np.array([value])})
        grown = merge([total, counted(added)])
        before, after = (np.zeros((4, MEASURE_COUNT), np.int64) for _ in range(2))
        before[total.series_id], after[grown.series_id] = total.measures, grown.measures
        assert (after[:, COUNTED_MEASURES] >= before[:, COUNTED_MEASURES]).all()
        total = grown
    for measure in (Measure.TASK_COUNT, Measure.QUALITY_SUM_NANOS):
        assert total.measures[:, measure].sum() == sum(value for _, each, value in deltas if each is measure)


def test_durations_that_are_taken_away_stay_counted() -> None:
    calls = calls_of([5, 5, 9])
    taken = calls.repeated(np.arange(len(calls)), np.array([-1]))
    assert len(counted(taken).entry_row) == 0
    assert shown_of(calls, counted(taken)).sums.entry_count.tolist() == shown_of(calls).sums.entry_count.tolist()


@pytest.mark.parametrize(("value", "written"), [(0, b"\x00"), (127, b"\x7f"), (300, b"\xac\x02")])
def test_numbers_are_varints(value: int, written: bytes) -> None:
    assert (unsigned(value), zigzag(value), zigzag(-value - 1)) == (written, 2 * value, 2 * value + 1)
