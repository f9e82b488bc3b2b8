"""Metric questions and answers between the contract and the domain."""

import time
from typing import Any

import numpy as np
import pytest
from assay.collector.v1 import metrics_service_pb2 as contract
from google.protobuf.duration_pb2 import Duration
from google.protobuf.timestamp_pb2 import Timestamp
from hypothesis import given
from hypothesis import strategies as st

from kit.errors import AssayError
from services.collector.domain.answer import Answered, answer
from services.collector.domain.rollup import merge, rollup_calls
from services.collector.domain.windows import Grid
from services.collector.messages.metrics_messages import question_from_message, question_from_watch, series_to_messages
from services.collector.messages.packed import packed
from services.collector.store.projects import ProjectInfo
from tests.collector.domain.rollup_cases import columns

PROJECT = ProjectInfo(1, "p", "UTC", 10)
int64s = st.integers(-(2**63), 2**63 - 1) | st.integers(0, 300)


@given(st.lists(st.tuples(int64s, int64s, st.floats(allow_nan=False)), max_size=12), st.data())
def test_packed_columns_are_what_the_message_itself_would_write(rows: list[tuple[int, int, float]], data: st.DataObject) -> None:
    bounds = sorted(data.draw(st.lists(st.integers(0, len(rows)), min_size=1, max_size=4)))
    table: dict[str, Any] = {
        "start_unix_s": np.array([row[0] for row in rows], np.int64),
        "quality_count": np.array([row[1] for row in rows], np.int64),
        "success_ratio": np.array([row[2] for row in rows], np.float64),
    }
    messages = packed(contract.MetricWindows.DESCRIPTOR, table, np.array(bounds))
    assert len(messages) == len(bounds) - 1
    for message, begin, end in zip(messages, bounds, bounds[1:], strict=False):
        parts = {name: column[begin:end].tolist() for name, column in table.items()}
        assert contract.MetricWindows.FromString(message) == contract.MetricWindows(**parts)


def test_every_column_of_the_contract_is_filled() -> None:
    calls = [(group, 0, outcome, 2_000_000, 500_000, 7, 6, 5, 4, 3, 2, 1) for group, outcome in ((0, 1), (0, 2), (1, 1), (1, 6))]
    sums = merge([rollup_calls(columns([call])) for call in calls])
    made = answer(sums, Grid(np.array([0, 60])), with_log_moments=True)
    second, first = series_to_messages(Answered(made, [("b", "x"), ("a", "y")]), ("provider", "model"))[::-1]
    assert (first.key.provider, first.key.model, first.key.HasField("task_type")) == ("a", "y", False)
    assert second.key.provider == "b"
    for one in (first, second):
        assert {field.name for field, _ in one.windows.ListFields()} == set(contract.MetricWindows.DESCRIPTOR.fields_by_name)
        assert one.windows.call_count == [2]
        assert one.windows.end_unix_s == [3_600]
        assert one.windows.latency_s.p99 == pytest.approx([2.0], rel=0.01)
        assert one.windows.input_token_count == [14]
        assert one.windows.latency_log_mean == pytest.approx([np.log(2.0)], abs=0.0055)
    assert list(second.windows.failed_count) == [1]
    assert list(first.windows.cancelled_count) == [1]


def test_moments_of_logarithms_are_told_to_who_asks_for_them() -> None:
    sums = rollup_calls(columns([(1, 0, 1, 2_000_000, 500_000, 7, 6, 5, 4, 3, 2, 1)]))
    (one,) = series_to_messages(Answered(answer(sums, Grid(np.array([0, 60]))), [(), ()]), ())
    assert one.windows.call_count == [1]
    assert not one.windows.latency_log_mean
    assert not one.windows.time_to_first_token_count


def test_a_question_may_name_series_by_their_numbers() -> None:
    request = contract.QueryMetricsRequest(start_time=Timestamp(seconds=5), series_ids=[7, 3, 7], with_log_moments=True)
    asked = question_from_message(request, PROJECT)
    assert asked.only_series == [3, 7]
    assert asked.with_log_moments
    assert question_from_message(contract.QueryMetricsRequest(start_time=Timestamp(seconds=5)), PROJECT).only_series is None
    request.without_durations = True
    with pytest.raises(AssayError) as refused:
        question_from_message(request, PROJECT)
    assert refused.value.details == {"field": "without_durations"}
    request.without_durations = False
    request.series_ids.extend(range(10_000))
    with pytest.raises(AssayError) as refused:
        question_from_message(request, PROJECT)
    assert refused.value.details == {"field": "series_ids"}


def test_a_question_without_an_end_ends_now() -> None:
    request = contract.QueryMetricsRequest(start_time=Timestamp(seconds=5, nanos=1_999))
    asked = question_from_message(request, PROJECT)
    assert asked.start_us == 5_000_001
    assert abs(asked.end_us - time.time_ns() // 1_000) < 60_000_000
    assert asked.step_min is None


def test_a_dimension_that_is_named_twice_is_grouped_by_once() -> None:
    dimensions = [contract.METRIC_DIMENSION_MODEL, contract.METRIC_DIMENSION_PROVIDER, contract.METRIC_DIMENSION_MODEL]
    request = contract.QueryMetricsRequest(start_time=Timestamp(seconds=5), group_by=dimensions, step=Duration(seconds=900))
    asked = question_from_message(request, PROJECT)
    assert (asked.group_by, asked.step_min) == (("model", "provider"), 15)


@pytest.mark.parametrize(
    ("name", "fields"),
    [
        ("start_time", {}),
        ("start_time", {"start_time": {"nanos": 1_000_000_000}}),
        ("end_time", {"start_time": {}, "end_time": {"nanos": -1}}),
        ("step", {"start_time": {}, "step": {"seconds": 60, "nanos": 1}}),
        ("step", {"start_time": {}, "step": {"seconds": -60}}),
        ("group_by", {"start_time": {}, "group_by": [contract.METRIC_DIMENSION_UNSPECIFIED]}),
        ("group_by", {"start_time": {}, "group_by": [99]}),
    ],
)
def test_what_cannot_be_understood_is_named(name: str, fields: dict[str, Any]) -> None:
    with pytest.raises(AssayError) as refused:
        question_from_message(contract.QueryMetricsRequest(**fields), PROJECT)
    assert (refused.value.reason, refused.value.details["field"]) == ("FIELD_INVALID", name)


def test_a_watch_reaches_at_most_a_month_back() -> None:
    assert question_from_watch(contract.WatchMetricsRequest(range=Duration(seconds=31 * 86_400)), PROJECT)[1] == 31 * 1_440
    with pytest.raises(AssayError) as refused:
        question_from_watch(contract.WatchMetricsRequest(range=Duration(seconds=31 * 86_400 + 60)), PROJECT)
    assert refused.value.details["field"] == "range"
