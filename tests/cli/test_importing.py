"""Rows of others' exports, as calls."""

import asyncio
import gzip
import io
import json
from collections.abc import AsyncIterator, Sequence
from contextlib import redirect_stdout
from pathlib import Path
from typing import Any

import pytest
from assay.telemetry.v1.call_pb2 import CALL_OUTCOME_CANCELLED, Call
from google.protobuf import json_format

from cli.work.importing.fields import Choices, Skipped, found, moment_us, number, provider_of, short_id
from cli.work.importing.langfuse import Langfuse
from cli.work.importing.litellm import LiteLlm
from cli.work.importing.mapped import AnyRows, Mapped, read_mapping
from cli.work.importing.openai_usage import OpenAiUsage
from cli.work.importing.rows import FileRows, Row
from cli.work.importing.run import OTHER_REASONS, REASONS_MAX, Importing, Reader, show_import
from cli.work.records import open_source
from kit.errors import AssayError

NONE = Choices()
SPEND = {
    "request_id": "chatcmpl-1",
    "call_type": "acompletion",
    "spend": "0.0025",
    "prompt_tokens": "1000",
    "completion_tokens": "200",
    "startTime": "2026-05-01 12:00:00.5",
    "endTime": "2026-05-01 12:00:03.5",
    "completionStartTime": "2026-05-01 12:00:01",
    "model": "openai/gpt-4o",
    "custom_llm_provider": "openai",
    "metadata": json.dumps(
        {
            "status": "success",
            "team": "blue",
            "additional_usage_values": {
                "prompt_tokens_details": {"cached_tokens": 300},
                "completion_tokens_details": {"reasoning_tokens": 50},
            },
        }
    ),
    "cache_hit": "False",
    "session_id": "session-1",
    "status": "success",
}
GENERATION = {
    "id": "obs-1",
    "traceId": "trace-1",
    "type": "GENERATION",
    "name": "draft",
    "traceName": "write article",
    "startTime": "2026-05-01T12:00:00.000Z",
    "endTime": "2026-05-01T12:00:02.000Z",
    "completionStartTime": "2026-05-01T12:00:00.400Z",
    "model": "claude-sonnet-4-5",
    "promptName": "article",
    "promptVersion": 3,
    "level": "DEFAULT",
    "usageDetails": {"input": 10, "input_cached_tokens": 90, "output": 20, "output_reasoning_tokens": 5, "total": 125},
    "costDetails": {"total": 0.001},
}
SUM = {
    "start_time": 1_777_593_600,
    "end_time": 1_777_597_200,
    "num_model_requests": 3,
    "input_tokens": 10,
    "output_tokens": 5,
    "input_cached_tokens": 4,
    "model": "gpt-4o-2024-08-06",
}


def calls(reader: Reader, row: dict[str, Any]) -> list[dict[str, Any]]:
    return [json_format.MessageToDict(call, preserving_proto_field_name=True) for call in reader.calls(row)]


def one(reader: Reader, row: dict[str, Any]) -> dict[str, Any]:
    (call,) = calls(reader, row)
    return call


def test_a_spend_log_tells_all_of_a_call() -> None:
    assert one(LiteLlm(Choices(labels=("metadata.team", "absent"))), SPEND) == {
        "call_id": "chatcmpl-1",
        "task_id": "session-1",
        "start_time": "2026-05-01T12:00:00.500Z",
        "latency": "3s",
        "time_to_first_token": "0.500s",
        "provider": "openai",
        "model": "gpt-4o",
        "task_type": "completion",
        "outcome": "CALL_OUTCOME_SUCCEEDED",
        "usage": {
            "input_token_count": "1000",
            "output_token_count": "200",
            "cache_read_token_count": "300",
            "reasoning_token_count": "50",
        },
        "cost_usd_nanos": "2500000",
        "labels": {"metadata.team": "blue"},
    }


@pytest.mark.parametrize(
    ("changed", "field", "value"),
    [
        ({"spend": "0"}, "cost_usd_nanos", None),  # what LiteLLM knows no price of
        ({"completionStartTime": SPEND["endTime"]}, "time_to_first_token", None),  # what it writes of an answer that was not streamed
        ({"model": "gemini/gemini-2.5-pro", "custom_llm_provider": ""}, "provider", "gemini"),
        ({"model": "gemini/gemini-2.5-pro", "custom_llm_provider": ""}, "model", "gemini/gemini-2.5-pro"),
        ({"model": "gpt-4o", "custom_llm_provider": None}, "provider", "openai"),
        ({"call_type": "anthropic_messages"}, "task_type", "anthropic_messages"),
        ({"call_type": ""}, "task_type", "completion"),
        (
            {"status": "failure", "metadata": '{"error_information": {"error_class": "RateLimitError"}}'},
            "outcome",
            "CALL_OUTCOME_RATE_LIMITED",
        ),
        ({"status": "failure", "metadata": '{"error_information": {"error_code": "500"}}'}, "error_type", "500"),
        ({"status": "failure", "metadata": "{"}, "outcome", "CALL_OUTCOME_FAILED"),
        ({"request_id": "x" * 65}, "call_id", short_id("x" * 65)),
    ],
)
def test_spend_logs_are_read_as_litellm_means_them(changed: dict[str, Any], field: str, value: str | None) -> None:
    assert one(LiteLlm(NONE), {**SPEND, **changed}).get(field) == value


def test_three_counts_that_exclude_each_other_are_summed() -> None:
    metadata = {"usage_object": {"cache_read_input_tokens": 3_000, "cache_creation_input_tokens": 500}}
    told = one(LiteLlm(NONE), {**SPEND, "metadata": metadata})["usage"]
    assert (told["input_token_count"], told["cache_read_token_count"], told["cache_write_token_count"]) == ("4500", "3000", "500")


@pytest.mark.parametrize(
    ("reader", "row", "reason"),
    [
        (LiteLlm(NONE), {**SPEND, "cache_hit": "True"}, "own cache"),
        (LiteLlm(NONE), {**SPEND, "call_type": "acreate_file"}, "no model was asked"),
        (LiteLlm(NONE), {**SPEND, "model": ""}, "no model was asked"),
        (LiteLlm(NONE), {**SPEND, "endTime": ""}, "no startTime or no endTime"),
        (LiteLlm(NONE), {**SPEND, "endTime": "soon"}, "a time that is none"),
        (LiteLlm(NONE), {**SPEND, "spend": "much"}, "a number that is none"),
        (LiteLlm(NONE), {**SPEND, "spend": "inf"}, "a number that is none"),
        (LiteLlm(NONE), {**SPEND, "model": "in-house", "custom_llm_provider": ""}, "--provider"),
        (Langfuse(NONE), {**GENERATION, "type": "SPAN"}, "the type SPAN"),
        (Langfuse(NONE), {**GENERATION, "model": None}, "without a model"),
        (Langfuse(NONE), {**GENERATION, "endTime": None}, "no start or no end"),
        (Langfuse(NONE), {**GENERATION, "model": "in-house"}, "--provider"),
        (OpenAiUsage(NONE), {**SUM, "model": None}, "grouped by model"),
        (OpenAiUsage(NONE), {**SUM, "num_model_requests": 0}, "no requests"),
        (OpenAiUsage(NONE), {**SUM, "num_model_requests": 1_000_001}, "1,000,000"),
        (OpenAiUsage(NONE), {**SUM, "start_time": None}, "no start_time"),
        (OpenAiUsage(NONE), {"amount": {"value": 1}}, "no usage"),
    ],
)
def test_rows_that_are_no_calls_say_why(reader: Reader, row: dict[str, Any], reason: str) -> None:
    with pytest.raises(Skipped, match=reason):
        calls(reader, row)


def test_a_generation_tells_all_of_a_call() -> None:
    expected = {
        "call_id": "obs-1",
        "task_id": "trace-1",
        "start_time": "2026-05-01T12:00:00Z",
        "latency": "2s",
        "time_to_first_token": "0.400s",
        "provider": "anthropic",
        "model": "claude-sonnet-4-5",
        "task_type": "write article",
        "prompt_name": "article",
        "prompt_version": "3",
        "outcome": "CALL_OUTCOME_SUCCEEDED",
        "usage": {
            "input_token_count": "100",
            "output_token_count": "25",
            "cache_read_token_count": "90",
            "reasoning_token_count": "5",
        },
        "cost_usd_nanos": "1000000",
    }
    assert one(Langfuse(NONE), GENERATION) == expected
    bucket = {
        "id": "obs-1",
        "trace_id": "trace-1",
        "type": "GENERATION",
        "trace_name": "write article",
        "start_time": "2026-05-01 12:00:00.000000",
        "end_time": "2026-05-01 12:00:02.000000",
        "completion_start_time": "2026-05-01 12:00:00.400000",
        "provided_model_name": "claude-sonnet-4-5",
        "prompt_name": "article",
        "prompt_version": "3",
        "usage_details": json.dumps(GENERATION["usageDetails"]),
        "total_cost": "0.001",
    }
    assert one(Langfuse(NONE), bucket) == expected


@pytest.mark.parametrize(
    ("kinds", "expected"),
    [
        ({"input": 10, "input_cached_tokens": 90, "output": 20, "total": 120}, (100, 20, 90, 0, 0)),
        ({"input": 100, "input_cached_tokens": 90, "output": 20, "total": 120}, (100, 20, 90, 0, 0)),  # the cache inside of the input
        ({"input": 10, "cache_read_input_tokens": 90, "cache_creation_input_tokens": 5, "output": 20}, (105, 20, 90, 5, 0)),
        ({"input": 10, "output": 20, "output_reasoning_tokens": 8, "total": 30}, (10, 20, 0, 0, 8)),  # the reasoning inside of the output
        ({"input": 10, "output": 20, "output_reasoning_tokens": 8, "total": 38}, (10, 28, 0, 0, 8)),
    ],
)
def test_tokens_are_counted_once_however_a_source_nests_them(kinds: dict[str, int], expected: tuple[int, ...]) -> None:
    (call,) = Langfuse(NONE).calls({**GENERATION, "usageDetails": kinds})
    assert tuple(getattr(call.usage, field.name) for field in call.usage.DESCRIPTOR.fields) == expected


def test_generations_of_older_exports_and_failed_ones_are_read_too() -> None:
    old = {**GENERATION, "usageDetails": None, "promptTokens": 7, "completionTokens": 3, "level": "ERROR", "costDetails": {}}
    call = one(Langfuse(NONE), old)
    assert call["usage"] == {"input_token_count": "7", "output_token_count": "3"}
    assert call["outcome"] == "CALL_OUTCOME_FAILED"
    assert "cost_usd_nanos" not in call
    assert "usage" not in one(Langfuse(NONE), {**old, "promptTokens": 0, "completionTokens": None})
    attributes = {"attributes": {"gen_ai.system": "Azure"}}
    assert one(Langfuse(NONE), {**GENERATION, "metadata": json.dumps(attributes)})["provider"] == "azure"


def test_a_sum_of_requests_becomes_as_many_calls_with_all_of_its_tokens() -> None:
    made = [Call(call_id=call.call_id, start_time=call.start_time, usage=call.usage) for call in OpenAiUsage(NONE).calls(SUM)]
    assert len({call.call_id for call in made}) == 3
    assert [call.start_time.seconds for call in made] == [1_777_593_600, 1_777_594_800, 1_777_596_000]
    assert [call.usage.input_token_count for call in made] == [4, 3, 3]
    assert sum(call.usage.output_token_count for call in made) == 5
    assert sum(call.usage.cache_read_token_count for call in made) == 4
    first = next(OpenAiUsage(NONE).calls(SUM))
    assert first.outcome == CALL_OUTCOME_CANCELLED
    assert (first.provider, first.task_type, first.error_type) == ("openai", "usage_export", "usage_export")
    assert first.cost_usd_nanos > 0
    assert not next(OpenAiUsage(NONE).calls({**SUM, "model": "never-heard-of"})).HasField("cost_usd_nanos")


def test_a_page_of_the_usage_api_is_as_many_sums() -> None:
    page = {"object": "page", "data": [{"start_time": 1_777_593_600, "end_time": 1_777_597_200, "results": [SUM, SUM]}]}
    assert len(calls(OpenAiUsage(NONE), page)) == 6


MAPPING = """
columns:
  call_id: id
  start_time: at
  latency_ms: took
  first_token_time: first
  model: model
  outcome: state
  error_type: error
  input_token_count: in
  cost_usd: usd
  revision_count: revision
values: {task_type: chat}
outcomes: {ok: SUCCEEDED, slow: TIMED_OUT}
labels: [team]
"""
LINE = {"id": "1", "at": "1777593600", "took": "1500", "model": "gpt-4o", "state": "ok", "in": "12", "usd": "0.5", "team": "blue"}


@pytest.fixture
def mapping(tmp_path: Path) -> Mapped:
    file = tmp_path / "mapping.yaml"
    file.write_text(MAPPING)
    return read_mapping(file)


def test_a_mapping_says_which_column_is_what(mapping: Mapped) -> None:
    assert one(AnyRows(mapping, NONE), {**LINE, "first": "1777593600.25", "revision": "2"}) == {
        "call_id": "1",
        "start_time": "2026-05-01T00:00:00Z",
        "latency": "1.500s",
        "time_to_first_token": "0.250s",
        "provider": "openai",
        "model": "gpt-4o",
        "task_type": "chat",
        "outcome": "CALL_OUTCOME_SUCCEEDED",
        "usage": {"input_token_count": "12"},
        "cost_usd_nanos": "500000000",
        "revision_count": 2,
        "labels": {"team": "blue"},
    }


def test_a_row_without_an_id_is_known_by_what_it_says(mapping: Mapped) -> None:
    reader = AnyRows(mapping, NONE)
    first, again, other = ({**LINE, "id": "", "took": took} for took in ("1", "1", "2"))
    assert one(reader, first)["call_id"] == one(reader, again)["call_id"] != one(reader, other)["call_id"]


def test_what_a_mapping_does_not_cover_is_told(mapping: Mapped) -> None:
    reader = AnyRows(mapping, NONE)
    for changed, reason in (({"state": "odd"}, "'odd'"), ({"at": ""}, "no start_time"), ({"took": ""}, "neither latency nor end_time")):
        with pytest.raises(Skipped, match=reason):
            calls(reader, {**LINE, **changed})
    assert one(reader, {**LINE, "state": "", "error": "500"})["outcome"] == "CALL_OUTCOME_FAILED"
    assert "cost_usd_nanos" not in one(AnyRows(mapping, Choices(is_repriced=True)), LINE)
    assert one(AnyRows(mapping, Choices(task_type_field="team")), LINE)["task_type"] == "blue"


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("columns: {colour: red}", "columns.colour"),
        ("[", "while parsing"),
        ("columns: {model: m}\nsurplus: 1", "surplus"),
        ("#" + "x" * 300_000, "larger than"),
    ],
)
def test_a_mapping_that_is_none_is_refused_with_the_place(tmp_path: Path, text: str, why: str) -> None:
    file = tmp_path / "mapping.yaml"
    file.write_text(text)
    with pytest.raises(AssayError, match=why):
        read_mapping(file)


def test_times_and_numbers_are_read_as_they_are_commonly_written() -> None:
    second = 1_777_593_600
    for written in (second, f"{second}", second * 1_000, second * 10**6, f"{second}000000000", "2026-05-01", "2026-05-01 02:00:00+02:00"):
        assert moment_us(written) == second * 10**6
    assert moment_us("2026-05-01 00:00:00 UTC") == second * 10**6
    assert moment_us(None) is None
    assert number("") is None
    assert found({"a": '{"b": {"c": 1}}', "x.y": 2}, "a.b.c") == 1
    assert found({"x.y": 2}, "x.y") == 2
    assert provider_of("never-heard-of") == ""


def rows_of(file: Path) -> list[Row]:
    async def read() -> list[Row]:
        with open_source(file) as source:
            return [row async for chunk in FileRows(source).chunks() for row in chunk]

    return asyncio.run(read())


def test_a_file_is_csv_or_json_lines_whatever_it_is_called(tmp_path: Path) -> None:
    file = tmp_path / "rows"
    file.write_bytes('\ufeffa,b\n1,"two\nlines"\n\n3\n'.encode())
    assert [(row.number, row.values or row.trouble) for row in rows_of(file)] == [
        (3, {"a": "1", "b": "two\nlines"}),
        (5, "not as many cells as the header has (2)"),
    ]
    file.write_bytes(gzip.compress(b'\n{"a": 1}\n[]\n{\n'))
    first, second, third = rows_of(file)
    assert (first.number, first.values, second.trouble) == (2, {"a": 1}, "not a JSON object")
    assert third.trouble.startswith("no JSON")


def test_files_that_cannot_be_read_say_so(tmp_path: Path) -> None:
    file = tmp_path / "rows"
    for content, why in ((b"[{}]", "JSON array"), (b"a,a\n1,2\n", "same name"), (gzip.compress(b"a\n" * 90_000)[:-30], "damaged")):
        file.write_bytes(content)
        with pytest.raises(AssayError, match=why):
            rows_of(file)


def test_what_was_before_the_damage_of_a_file_is_read(tmp_path: Path) -> None:
    file = tmp_path / "spend.jsonl.gz"
    file.write_bytes(gzip.compress(b"".join(json.dumps({**SPEND, "request_id": str(n)}).encode() + b"\n" for n in range(3_000)))[:-200])
    with open_source(file) as source:
        importing = Importing(FileRows(source), LiteLlm(NONE), "default")
        with pytest.raises(AssayError, match="damaged"):
            asyncio.run(importing.try_out())
    assert importing.summary.read == importing.summary.tally.sent > 1_000
    assert importing.summary.read % 1_000 != 0


class Given:
    """Rows that stand in a test."""

    size = None

    def __init__(self, *rows: Row) -> None:
        self._rows = rows

    def position(self) -> int:
        return 0

    async def chunks(self) -> AsyncIterator[Sequence[Row]]:
        yield self._rows


def test_a_dry_run_counts_and_says_why_rows_are_left_out() -> None:
    rows = [Row(2, SPEND), Row(3, {}, "broken"), Row(4, {**SPEND, "cache_hit": "True"}), Row(5, {**SPEND, "model": "\ud800"})]
    printed = io.StringIO()
    with redirect_stdout(printed):
        show_import(None, Given(*rows), LiteLlm(Choices(provider="p")), "default", json=True)
        show_import(None, Given(*rows), LiteLlm(Choices(provider="p")), "default", json=False)
    told, *table = printed.getvalue().splitlines()
    summary = json.loads(told)
    assert (summary["read"], summary["sent"], summary["skipped"]) == (4, 1, 3)
    assert {(reason["reason"], reason["first_row"]) for reason in summary["reasons"]} >= {
        ("broken", 3),
        ("a value that no call can hold", 5),
    }
    assert table[0] == "4 rows: 1 calls, 3 rows skipped"


def test_reasons_beyond_a_number_are_counted_together() -> None:
    importing = Importing(Given(*(Row(place, {}, f"odd {place}") for place in range(REASONS_MAX + 5))), LiteLlm(NONE), "default")
    asyncio.run(importing.try_out())
    assert len(importing.summary.reasons) == REASONS_MAX + 1
    assert importing.summary.reasons[OTHER_REASONS].count == 5
