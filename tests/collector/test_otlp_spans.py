"""Every name in the table of conventions, and the rules beside it."""

from typing import Any

import pytest
from assay.telemetry.v1 import call_pb2
from assay.telemetry.v1.call_pb2 import Call, CallOutcome
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, ArrayValue, KeyValue
from opentelemetry.proto.trace.v1.trace_pb2 import Span, Status

from services.collector.messages.otlp import names
from services.collector.messages.otlp.spans import SpanReader, TaskNames

START_NANOS = 1_790_000_000_250_000_000
READER = SpanReader(TaskNames())
LLM = {"openinference.span.kind": "LLM"}


def attributes(values: dict[str, Any]) -> list[KeyValue]:
    return [KeyValue(key=key, value=any_value(value)) for key, value in values.items()]


def any_value(value: Any) -> AnyValue:
    match value:
        case bool():
            return AnyValue(bool_value=value)
        case int():
            return AnyValue(int_value=value)
        case float():
            return AnyValue(double_value=value)
        case list():
            return AnyValue(array_value=ArrayValue(values=map(any_value, value)))
        case _:
            return AnyValue(string_value=value)


def span(values: dict[str, Any], **fields: Any) -> Span:
    made = {
        "trace_id": bytes(range(16)),
        "span_id": bytes(range(8)),
        "start_time_unix_nano": START_NANOS,
        "end_time_unix_nano": START_NANOS + 1_500_000_000,
    }
    return Span(**{**made, **fields}, attributes=attributes(values))


def call_of(values: dict[str, Any], reader: SpanReader = READER, resource: dict[str, Any] | None = None, **fields: Any) -> Call:
    call = reader.call(span(values, **fields), reader.of_resource(attributes(resource or {})))
    assert call is not None
    return call


TEXTS = ["provider", "model", "agent", "prompt_name", "prompt_version", "task_type", "task_id"]
ASKED = "llm.invocation_parameters"
COUNTS = ["output_token_count", "cache_read_token_count", "cache_write_token_count", "reasoning_token_count"]


@pytest.mark.parametrize(("field", "name"), [(field, name) for field in TEXTS for name in names.NAMES[field]])
def test_each_name_of_a_text_is_read(field: str, name: str) -> None:
    assert getattr(call_of(LLM | {name: "value"}), field) == "value"


@pytest.mark.parametrize(("field", "name"), [(field, name) for field in COUNTS for name in names.NAMES[field]])
def test_each_name_of_a_count_is_read(field: str, name: str) -> None:
    usage = call_of(LLM | {"gen_ai.usage.input_tokens": 900} | {name: 700}).usage
    assert getattr(usage, field) == 700
    assert call_of(LLM | {name: "700"}).HasField("usage")


@pytest.mark.parametrize("name", names.NAMES["input_token_count"])
def test_each_name_of_the_input_is_read(name: str) -> None:
    assert call_of(LLM | {name: 31}).usage.input_token_count == 31


@pytest.mark.parametrize(("field", "newest", "older"), [(field, all_[0], name) for field, all_ in names.NAMES.items() for name in all_[1:]])
def test_the_newest_name_wins(field: str, newest: str, older: str) -> None:
    if field == "finish_reasons":
        call = call_of(LLM | {older: "content_filter", newest: ["stop"]})
        assert call.outcome == call_pb2.CALL_OUTCOME_SUCCEEDED
        return
    told = call_of(LLM | {newest: 3, older: 5, "gen_ai.usage.input_tokens": 3})
    assert told == call_of(LLM | {newest: 3, "gen_ai.usage.input_tokens": 3})


@pytest.mark.parametrize("name", names.NAMES["time_to_first_token"])
def test_the_first_token_is_told_in_seconds(name: str) -> None:
    assert call_of(LLM | {name: 0.25}).time_to_first_token.ToMilliseconds() == 250


@pytest.mark.parametrize("name", sorted(names.FIRST_TOKEN_EVENTS))
def test_the_first_token_is_told_by_an_event(name: str) -> None:
    events = [
        Span.Event(time_unix_nano=START_NANOS + millis * 1_000_000, name=each)
        for millis, each in ((100, "other"), (400, name), (300, name))
    ]
    assert call_of(LLM, events=events).time_to_first_token.ToMilliseconds() == 300


def test_a_span_without_a_first_token_has_none() -> None:
    assert not call_of(LLM).HasField("time_to_first_token")


@pytest.mark.parametrize(
    ("values", "cost_nanos"),
    [
        ({"gen_ai.usage.cost.amount": 0.25, "gen_ai.usage.cost.currency": "USD"}, 250_000_000),
        ({"gen_ai.usage.cost.amount": 0.25, "gen_ai.usage.cost.currency": "EUR"}, None),
        ({"gen_ai.usage.cost.amount": "0.000000001"}, 1),
        ({"llm.cost.total": 2}, 2_000_000_000),
        ({"llm.cost.total": "much"}, None),
        ({"llm.cost.total": float("nan")}, None),
        ({}, None),
    ],
)
def test_a_cost_in_dollars_is_kept(values: dict[str, Any], cost_nanos: int | None) -> None:
    call = call_of(LLM | values)
    assert (call.cost_usd_nanos if call.HasField("cost_usd_nanos") else None) == cost_nanos


@pytest.mark.parametrize(
    ("counts", "input_count"),
    [
        ((100, 40, 20), 100),  # a part of the input, as the conventions have it
        ((100, 100, 0), 100),
        ((100, 4_000, 20), 4_120),  # beside it, as Anthropic tells them
        ((0, 0, 0), 0),
    ],
)
def test_cached_tokens_are_within_the_input(counts: tuple[int, int, int], input_count: int) -> None:
    keys = ("gen_ai.usage.input_tokens", "gen_ai.usage.cache_read.input_tokens", "gen_ai.usage.cache_creation.input_tokens")
    usage = call_of(LLM | dict(zip(keys, counts, strict=True))).usage
    assert (usage.input_token_count, usage.cache_read_token_count, usage.cache_write_token_count) == (input_count, *counts[1:])


@pytest.mark.parametrize(
    ("values", "model"),
    [
        ({ASKED: '{"model": "gpt-x", "tools": []}'}, "gpt-x"),
        ({ASKED: '{"model": "gpt-x"}', "llm.model_name": "gpt-x-2026"}, "gpt-x-2026"),
        ({ASKED: '{"temperature": 0}'}, ""),
        ({ASKED: '{"model": 3}'}, ""),
        ({ASKED: '["model"]'}, ""),
        ({ASKED: '{"model'}, ""),
        ({ASKED: "[" * 100_000}, ""),
        ({}, ""),
    ],
)
def test_the_model_that_was_asked_for_stands_where_none_has_answered(values: dict[str, Any], model: str) -> None:
    assert call_of(LLM | values).model == model


def test_a_span_that_tells_no_tokens_has_no_usage() -> None:
    assert not call_of(LLM).HasField("usage")


@pytest.mark.parametrize(
    ("values", "task_type"),
    [
        ({"gen_ai.operation.name": "chat"}, "chat"),
        ({"gen_ai.operation.name": "text_completion"}, "text_completion"),
        ({"gen_ai.operation.name": "generate_content"}, "generate_content"),
        ({"gen_ai.operation.name": "embeddings"}, "embeddings"),
        ({"openinference.span.kind": "LLM"}, "llm"),
        ({"openinference.span.kind": "EMBEDDING"}, "embedding"),
        ({"llm.request.type": "chat"}, "chat"),
        ({"gen_ai.operation.name": "execute_tool"}, None),
        ({"gen_ai.operation.name": "invoke_agent", "gen_ai.usage.input_tokens": 5}, None),
        ({"openinference.span.kind": "AGENT", "gen_ai.operation.name": "chat"}, None),
        ({"openinference.span.kind": 7}, None),
        ({}, None),
    ],
)
def test_spans_of_models_are_calls_and_no_others(values: dict[str, Any], task_type: str | None) -> None:
    call = READER.call(span(values), {})
    assert (call.task_type if call else None) == task_type


def test_who_and_when() -> None:
    call = call_of(LLM | {"gen_ai.system": "OpenAI", "gen_ai.response.model": "gpt-x"})
    assert call.call_id == "000102030405060708090a0b0c0d0e0f-0001020304050607"
    assert call.task_id == "000102030405060708090a0b0c0d0e0f"
    assert call.provider == "openai"
    assert call.model == "gpt-x"
    assert call.start_time.ToNanoseconds() == START_NANOS
    assert call.latency.ToMilliseconds() == 1_500
    assert call_of(LLM, end_time_unix_nano=0).latency.seconds < 0
    assert call_of(LLM, span_id=b"").call_id == ""


def test_tasks_are_told_by_attributes_that_settings_name() -> None:
    reader = SpanReader(TaskNames(("job.kind",), ("job.id",), ("job.tries",), is_trace_task=False))
    assert call_of(LLM, reader).task_id == ""
    told = call_of(LLM | {"job.kind": "review", "job.tries": "2"}, reader, {"job.id": 42, "job.kind": "other"})
    assert (told.task_type, told.task_id, told.revision_count) == ("review", "42", 2)
    own = call_of(LLM | {"assay.task_type": "fix", "job.kind": "review", "assay.revision_count": 1}, reader)
    assert (own.task_type, own.revision_count) == ("fix", 1)
    assert not call_of(LLM | {"assay.revision_count": ["x"]}).HasField("revision_count")


@pytest.mark.parametrize(
    ("values", "status", "outcome"),
    [
        ({}, Status.STATUS_CODE_UNSET, "SUCCEEDED"),
        ({}, Status.STATUS_CODE_OK, "SUCCEEDED"),
        ({}, Status.STATUS_CODE_ERROR, "FAILED"),
        ({"error.type": "500"}, Status.STATUS_CODE_UNSET, "FAILED"),
        ({"error.type": "openai.RateLimitError"}, Status.STATUS_CODE_ERROR, "RATE_LIMITED"),
        ({"error.type": "429"}, Status.STATUS_CODE_ERROR, "RATE_LIMITED"),
        ({"error.type": "httpx.ReadTimeout"}, Status.STATUS_CODE_ERROR, "FAILED"),
        ({"error.type": "timeout"}, Status.STATUS_CODE_ERROR, "TIMED_OUT"),
        ({"error.type": "openai.APITimeoutError"}, Status.STATUS_CODE_ERROR, "TIMED_OUT"),
        ({"error.type": "asyncio.exceptions.CancelledError"}, Status.STATUS_CODE_ERROR, "CANCELLED"),
        ({"error.type": "content_filter"}, Status.STATUS_CODE_ERROR, "REFUSED"),
        ({"gen_ai.response.finish_reasons": ["stop", "content_filter"]}, Status.STATUS_CODE_UNSET, "REFUSED"),
        ({"llm.finish_reason": "SAFETY"}, Status.STATUS_CODE_UNSET, "REFUSED"),
        ({"gen_ai.completion.0.finish_reason": "refusal"}, Status.STATUS_CODE_UNSET, "REFUSED"),
        ({"gen_ai.response.finish_reasons": ["length"]}, Status.STATUS_CODE_UNSET, "SUCCEEDED"),
    ],
)
def test_how_it_ended(values: dict[str, Any], status: "Status.StatusCode.ValueType", outcome: str) -> None:
    call = call_of(LLM | values, status=Status(code=status))
    assert CallOutcome.Name(call.outcome) == f"CALL_OUTCOME_{outcome}"
    assert call.error_type == values.get("error.type", "")


def test_an_exception_names_the_error_of_a_span_that_failed() -> None:
    def event(name: str, kind: str) -> Span.Event:
        return Span.Event(name=name, attributes=attributes({"exception.message": "no", "exception.type": kind}))

    events = [event("exception", "ValueError"), event("exception", "anthropic.RateLimitError"), event("log", "X")]
    failed = call_of(LLM, events=events, status=Status(code=Status.STATUS_CODE_ERROR))
    assert (failed.error_type, failed.outcome) == ("anthropic.RateLimitError", call_pb2.CALL_OUTCOME_RATE_LIMITED)
    assert call_of(LLM, events=events).outcome == call_pb2.CALL_OUTCOME_SUCCEEDED


def test_numbers_beyond_reason_are_left_to_be_refused() -> None:
    call = call_of(LLM | {"gen_ai.usage.input_tokens": 1e300, "gen_ai.usage.cache_read.input_tokens": 2**62, "llm.cost.total": 1e300})
    assert call.usage.input_token_count == 2**63 - 1
    assert call.cost_usd_nanos > 10**15
    assert call_of(LLM | {"gen_ai.response.time_to_first_chunk": -1e300}).time_to_first_token.seconds < 0
