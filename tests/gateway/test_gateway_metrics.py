"""GET /api/v1/metrics: the columns of gRPC as the JSON of the contract, exactly."""

import json
import math
from datetime import UTC, datetime

import pytest
from assay.collector.v1.metrics_service_pb2 import (
    METRIC_DIMENSION_PROVIDER,
    METRIC_DIMENSION_TASK_TYPE,
    MetricWindows,
    QueryMetricsResponse,
    SeriesKey,
)
from hypothesis import given
from hypothesis import strategies as st

from gateway import metrics_json, models
from tests.gateway.site import Site

NAN = math.nan


def windows() -> MetricWindows:
    """One window with everything, one with nothing but calls that were cancelled."""
    table = MetricWindows(
        start_unix_s=[1_767_225_600, 1_767_225_660],
        end_unix_s=[1_767_225_660, 1_767_225_720],
        success_ratio=[0.75, NAN],
        latency_mean_s=[1.25, NAN],
        cost_usd_nanos=[123_456_789, 0],
        cost_per_accepted_task_usd=[0.1, NAN],
        quality_ratio=[1 / 3, NAN],
    )
    quantiles = {"p50": [0.5, NAN], "p90": [0.9, NAN], "p95": [0.95, NAN], "p99": [NAN, NAN]}
    for name, values in quantiles.items():
        getattr(table.latency_s, name).extend(values)
        getattr(table.unsuccessful_latency_s, name).extend([NAN, 2.0])
    for number, name in enumerate(name for name in MetricWindows.DESCRIPTOR.fields_by_name if name.endswith("_count")):
        getattr(table, name).extend([number + 1, 0])
    return table


EXPECTED_FIRST = {
    "start": "2026-01-01T00:00:00Z",
    "end": "2026-01-01T00:01:00Z",
    "call_count": 1,
    "success_ratio": 0.75,
    "outcome_counts": {
        "SUCCEEDED": 2,
        "FAILED": 3,
        "TIMED_OUT": 4,
        "RATE_LIMITED": 5,
        "REFUSED": 6,
        "CANCELLED": 7,
    },
    "latency_s": {"p50": 0.5, "p90": 0.9, "p95": 0.95, "p99": None},
    "time_to_first_token_s": None,
    "unsuccessful_latency_s": None,
    "latency_mean_s": 1.25,
    "input_token_count": 8,
    "output_token_count": 9,
    "cache_read_token_count": 10,
    "cache_write_token_count": 11,
    "reasoning_token_count": 12,
    "cost_usd": 0.123456789,
    "cost_unknown_count": 13,
    "task_count": 14,
    "accepted_task_count": 15,
    "cost_per_accepted_task_usd": 0.1,
    "revision_count": 16,
    "quality_ratio": 1 / 3,
    "quality_count": 17,
}
EXPECTED_SECOND = {
    **EXPECTED_FIRST,
    "start": "2026-01-01T00:01:00Z",
    "end": "2026-01-01T00:02:00Z",
    **{name: 0 for name in EXPECTED_FIRST if name.endswith("_count")},
    "outcome_counts": dict.fromkeys(EXPECTED_FIRST["outcome_counts"], 0),  # type: ignore[call-overload]
    "unsuccessful_latency_s": {"p50": 2.0, "p90": 2.0, "p95": 2.0, "p99": 2.0},
    "cost_usd": 0.0,
    **dict.fromkeys(("success_ratio", "latency_s", "latency_mean_s", "cost_per_accepted_task_usd", "quality_ratio"), None),
}


async def test_the_answer_is_exactly_the_contracts(site: Site) -> None:
    response = QueryMetricsResponse()
    response.as_of_time.FromJsonString("2026-01-01T00:02:30.5Z")
    response.series.add(key=SeriesKey(provider="anthropic", task_type=""), windows=windows())
    site.neighbour.answers["QueryMetrics"] = response

    answer = await site.get("/metrics", group_by="provider,task_type")

    assert answer.status_code == 200
    assert answer.headers["content-type"] == "application/json"
    assert answer.headers["cache-control"] == "no-store"
    assert answer.json() == {
        "as_of": "2026-01-01T00:02:30.500Z",
        "series": [{"key": {"provider": "anthropic", "task_type": ""}, "windows": [EXPECTED_FIRST, EXPECTED_SECOND]}],
    }
    assert '"cost_usd":0.123456789,' in answer.text
    models.Metrics.model_validate_json(answer.text)


async def test_an_empty_answer_has_no_series(site: Site) -> None:
    assert (await site.get("/metrics")).json() == {"as_of": None, "series": []}


async def test_the_question_is_what_the_query_string_says(site: Site) -> None:
    await site.get(
        "/metrics",
        project="p1",
        start="2026-01-01T00:00:00Z",
        end="1767312000",
        step="15m",
        tz="Asia/Kolkata",
        group_by="provider, task_type",
        provider=["a,b", "c"],
        prompt_name="",
    )

    (question,) = site.neighbour.questions("QueryMetrics")
    assert question.project == "p1"
    assert question.start_time.ToDatetime(UTC) == datetime(2026, 1, 1, tzinfo=UTC)
    assert question.end_time.ToDatetime(UTC) == datetime(2026, 1, 2, tzinfo=UTC)
    assert question.step.ToSeconds() == 900
    assert question.time_zone == "Asia/Kolkata"
    assert list(question.group_by) == [METRIC_DIMENSION_PROVIDER, METRIC_DIMENSION_TASK_TYPE]
    assert list(question.filter.providers) == ["a,b", "c"]
    assert list(question.filter.prompt_names) == [""]
    assert not question.filter.models


async def test_without_a_step_there_is_one_window_for_the_last_day(site: Site) -> None:
    await site.get("/metrics")

    (question,) = site.neighbour.questions("QueryMetrics")
    assert not question.HasField("step")
    assert question.end_time.ToSeconds() - question.start_time.ToSeconds() == pytest.approx(86_400, abs=1)


@pytest.mark.parametrize(
    ("parameters", "field", "word"),
    [
        ({"start": "yesterday"}, "start", "RFC 3339"),
        ({"end": "2026-01-01"}, "end", "RFC 3339"),
        ({"start": "2026-13-01T00:00:00Z"}, "start", "no such time"),
        ({"step": "1 fortnight"}, "step", "15m"),
        ({"step": "0"}, "step", "above zero"),
        ({"group_by": "provider,colour"}, "group_by", "colour"),
        ({"group_by": "unspecified"}, "group_by", "unspecified"),
        ({"model": ["m"] * 1001}, "filter", "1000"),
    ],
)
async def test_a_wrong_parameter_is_named(site: Site, parameters: dict[str, str], field: str, word: str) -> None:
    answer = await site.get("/metrics", **parameters)

    problem = answer.json()
    assert answer.status_code == 400
    assert (problem["reason"], problem["field"]) == ("FIELD_INVALID", field)
    assert word in problem["detail"]
    assert not site.neighbour.questions("QueryMetrics")


finite_or_not = st.floats()
texts = st.text(max_size=8)


@given(st.lists(st.tuples(finite_or_not, st.integers(0, 2**62), finite_or_not), max_size=5), texts)
def test_whatever_is_measured_the_text_is_json_and_reads_back_the_same(rows: list[tuple[float, int, float]], provider: str) -> None:
    table = MetricWindows()
    for name, field in MetricWindows.DESCRIPTOR.fields_by_name.items():
        if field.type == field.TYPE_INT64:
            times = [60 * number for number in range(len(rows))]
            getattr(table, name).extend(times if name.endswith("unix_s") else [row[1] for row in rows])
    table.success_ratio.extend(row[0] for row in rows)
    for name in ("p50", "p90", "p95", "p99"):
        getattr(table.latency_s, name).extend(row[2] for row in rows)
    response = QueryMetricsResponse()
    response.series.add(key=SeriesKey(provider=provider), windows=table)

    def refuse(constant: str) -> None:
        raise AssertionError(f"{constant} is not JSON")

    (series,) = json.loads(metrics_json.answer_text(response), parse_constant=refuse)["series"]

    def shown(value: float) -> float | None:
        return value if math.isfinite(value) else None

    assert series["key"] == {"provider": provider}
    assert [window["success_ratio"] for window in series["windows"]] == [shown(row[0]) for row in rows]
    assert [window["call_count"] for window in series["windows"]] == [row[1] for row in rows]
    assert [window["cost_usd"] for window in series["windows"]] == [row[1] / 1e9 for row in rows]
    for window, row in zip(series["windows"], rows, strict=True):
        p50 = shown(row[2])
        assert window["latency_s"] == (None if p50 is None else dict.fromkeys(("p50", "p90", "p95", "p99"), p50))
        assert window["quality_ratio"] is None


def test_columns_of_different_lengths_are_a_bug_of_the_sender() -> None:
    table = windows()
    table.call_count.append(1)

    with pytest.raises(ValueError, match="zip"):
        metrics_json.window_texts(table)


async def test_series_are_listed_page_by_page(site: Site) -> None:
    from assay.collector.v1.metrics_service_pb2 import ListSeriesResponse, Series

    series = Series(key=SeriesKey(provider="a", model="m"))
    series.first_store_time.FromJsonString("2026-01-01T00:00:00Z")
    site.neighbour.answers["ListSeries"] = ListSeriesResponse(series=[series], next_page_token="more")

    answer = await site.get("/series", page_size=1, page_token="t", model="m")

    assert answer.json() == {
        "series": [{"key": {"provider": "a", "model": "m"}, "first_store_time": "2026-01-01T00:00:00Z"}],
        "next_page_token": "more",
    }
    (question,) = site.neighbour.questions("ListSeries")
    assert (question.page_size, question.page_token, list(question.filter.models)) == (1, "t", ["m"])
