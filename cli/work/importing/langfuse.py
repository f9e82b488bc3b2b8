"""Observations as Langfuse exports them, from its pages or into a bucket, as calls."""

from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import Any

from assay.telemetry.v1.call_pb2 import CALL_OUTCOME_FAILED, CALL_OUTCOME_SUCCEEDED, Call, TokenUsage

from cli.work.importing.fields import (
    NANOS_PER_USD,
    Choices,
    Skipped,
    count,
    duration,
    moment_us,
    number,
    parsed,
    provider_of,
    short_id,
    text,
    timestamp,
)
from cli.work.importing.rows import Values

_CALL_TYPES = frozenset({"GENERATION", "EMBEDDING"})
_NAMES_REMEMBERED_MAX = 1_000  # a file has some fifty
_TASK_TYPE = "generation"
_ERROR = "ERROR"


class Langfuse:
    """Reads rows by Langfuse's names, be they written `startTime`, as its pages do, or `start_time`, as its bucket has them."""

    sender = "langfuse-import"

    def __init__(self, choices: Choices) -> None:
        self._choices = choices

    def calls(self, row: Values) -> Iterator[Call]:
        """The row's one call. Raises Skipped where it is none."""
        known = {_plain(name): value for name, value in row.items()}
        kind = text(known.get("type")).upper() or "GENERATION"
        model = text(_first(known, "provided_model_name", "model", "internal_model"))
        if kind not in _CALL_TYPES:
            raise Skipped(f"an observation of the type {kind}, no call of a model")
        if not model:
            raise Skipped("a generation without a model")
        start_us, end_us = moment_us(known.get("start_time")), moment_us(known.get("end_time"))
        if start_us is None or end_us is None:
            raise Skipped("no start or no end")
        is_error = text(known.get("level")).upper() == _ERROR
        call = Call(
            call_id=short_id(text(known.get("id"))),
            task_id=short_id(text(known.get("trace_id"))),
            start_time=timestamp(start_us),
            latency=duration(end_us - start_us),
            provider=self._provider(known, model),
            model=model,
            task_type=self._choices.task_type_of(row) or text(_first(known, "trace_name", "name")) or _TASK_TYPE,
            prompt_name=text(known.get("prompt_name")),
            prompt_version=text(known.get("prompt_version")),
            outcome=CALL_OUTCOME_FAILED if is_error else CALL_OUTCOME_SUCCEEDED,
            labels=self._choices.labels_of(row),
        )
        first_us = moment_us(known.get("completion_start_time"))
        if first_us is not None and start_us <= first_us <= end_us:
            call.time_to_first_token.CopyFrom(duration(first_us - start_us))
        tokens = _usage(known)
        if tokens is not None:
            call.usage.CopyFrom(tokens)
        cost_usd = number(_first(known, "total_cost", "calculated_total_cost")) or number(parsed(known.get("cost_details")).get("total"))
        if cost_usd and not self._choices.is_repriced:
            call.cost_usd_nanos = round(cost_usd * NANOS_PER_USD)
        yield call

    def _provider(self, known: Mapping[str, Any], model: str) -> str:
        """Langfuse has no field for it: instrumentations leave it among the attributes in the metadata."""
        attributes = parsed(parsed(known.get("metadata")).get("attributes"))
        told = _first(attributes, "gen_ai.provider.name", "gen_ai.system", "llm.provider", "llm.system")
        provider = text(told).lower() or self._choices.provider or provider_of(model)
        if not provider:
            raise Skipped("neither the metadata nor the model's name tells the provider: --provider names one")
        return provider


def _usage(known: Mapping[str, Any]) -> TokenUsage | None:
    """The tokens; None where none are told.

    Langfuse's kinds exclude each other: what was read from a cache stands beside `input`. Not all that write them know: where only
    another reading agrees with `total`, that one is taken.
    """
    kinds = {name: count(told) for name, told in parsed(known.get("usage_details")).items()}
    if not kinds:
        plain = {"input": _first(known, "input_usage", "prompt_tokens"), "output": _first(known, "output_usage", "completion_tokens")}
        kinds = {name: count(told) for name, told in plain.items() if count(told)}
    if not kinds:
        return None
    cache_write = sum(told for name, told in kinds.items() if "cache" in name and ("creation" in name or "write" in name))
    cache_read = sum(told for name, told in kinds.items() if "cache" in name) - cache_write
    plain_input, plain_output = kinds.get("input", 0), kinds.get("output", 0)
    whole_input = plain_input + cache_read + cache_write + _others(kinds, "input_")
    whole_output = plain_output + _others(kinds, "output_")
    readings = ((i, o) for i in (whole_input, plain_input) for o in (whole_output, plain_output))
    input_count, output_count = next((read for read in readings if sum(read) == kinds.get("total")), (whole_input, whole_output))
    return TokenUsage(
        input_token_count=input_count,
        output_token_count=output_count,
        cache_read_token_count=cache_read,
        cache_write_token_count=cache_write,
        reasoning_token_count=sum(told for name, told in kinds.items() if "reasoning" in name),
    )


def _others(kinds: Mapping[str, int], prefix: str) -> int:
    """Tokens of the further kinds of a side, such as audio or reasoning."""
    return sum(told for name, told in kinds.items() if name.startswith(prefix) and "cache" not in name)


def _first(values: Mapping[str, Any], *names: str) -> Any:
    """The first of the values that is there."""
    return next((value for name in names if (value := values.get(name)) not in (None, "")), None)


@lru_cache(_NAMES_REMEMBERED_MAX)
def _plain(name: str) -> str:
    """`start_time` for `startTime`."""
    return "".join(f"_{letter.lower()}" if letter.isupper() else letter for letter in name)
