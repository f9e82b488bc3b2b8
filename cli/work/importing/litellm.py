"""Rows of LiteLLM's table `LiteLLM_SpendLogs`, or of a CSV of it, as calls."""

from collections.abc import Iterator, Mapping
from typing import Any

from assay.telemetry.v1.call_pb2 import Call, TokenUsage

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
    usage,
)
from cli.work.importing.rows import Values
from services.collector.messages.otlp.outcome import outcome_of

TABLE = "LiteLLM_SpendLogs"
# What is read of the table. It may hold whole prompts and answers beside, which stay where they are.
COLUMNS = (
    *("request_id", "call_type", "spend", "prompt_tokens", "completion_tokens", "startTime", "endTime", "completionStartTime", "model"),
    *(
        "model_group",
        "custom_llm_provider",
        "metadata",
        "cache_hit",
        "request_tags",
        "team_id",
        "end_user",
        "session_id",
        "status",
        "agent_id",
    ),
)
# Parts of the types of requests that ask no model.
_NO_MODEL_TYPES = ("mcp", "file", "batch", "vector_store", "fine_tuning")
# Types whose asynchronous form has an `a` before it.
_TYPES = frozenset(
    {"completion", "text_completion", "embedding", "responses", "generate_content", "generate_content_stream", "rerank", "moderation"}
    | {"image_generation", "image_edit", "transcription", "speech", "ocr", "search", "llm_passthrough_route"}
)
_FAILURE = "failure"


class LiteLlm:
    """Reads rows by LiteLLM's names."""

    sender = "litellm-import"

    def __init__(self, choices: Choices) -> None:
        self._choices = choices

    def calls(self, row: Values) -> Iterator[Call]:
        """The row's one call. Raises Skipped where it is none."""
        kind = _kind(row)
        start_us, end_us = moment_us(row.get("startTime")), moment_us(row.get("endTime"))
        if start_us is None or end_us is None:
            raise Skipped("no startTime or no endTime")
        metadata = parsed(row.get("metadata"))
        provider, model = _served_by(row, self._choices.provider)
        error_type = _error_type(row, metadata)
        call = Call(
            call_id=short_id(text(row.get("request_id"))),
            task_id=short_id(text(row.get("session_id"))),
            start_time=timestamp(start_us),
            latency=duration(end_us - start_us),
            provider=provider,
            model=model,
            task_type=self._choices.task_type_of(row) or kind,
            agent=text(row.get("agent_id")),
            outcome=outcome_of(is_error=error_type is not None, error_type=error_type or "", finish_reasons=()),
            error_type=error_type or "",
            usage=_usage(row, metadata),
            labels=self._choices.labels_of(row),
        )
        first_us = moment_us(row.get("completionStartTime"))
        # Of an answer that was not streamed, LiteLLM writes that it began when it ended.
        if first_us is not None and start_us <= first_us < end_us:
            call.time_to_first_token.CopyFrom(duration(first_us - start_us))
        spend_usd = number(row.get("spend"))
        # LiteLLM writes 0 for what it knows no price of: unknown is for the price table to say.
        if spend_usd and not self._choices.is_repriced:
            call.cost_usd_nanos = round(spend_usd * NANOS_PER_USD)
        yield call


def _kind(row: Values) -> str:
    """The call's type, without the `a` of its asynchronous form. Raises Skipped where no provider was asked."""
    kind = text(row.get("call_type")).lower()
    if not text(row.get("model")) or any(name in kind for name in _NO_MODEL_TYPES):
        raise Skipped("no model was asked (files, batches, tools, refused keys)")
    if text(row.get("cache_hit")).lower() == "true":
        raise Skipped("answered out of LiteLLM's own cache: no provider was asked")
    return kind[1:] if kind[1:] in _TYPES else kind or "completion"


def _served_by(row: Values, otherwise: str) -> tuple[str, str]:
    """Provider and model; the model's name without the provider that may stand before it."""
    model = text(row.get("model"))
    provider = text(row.get("custom_llm_provider")).lower()
    prefix, slash, rest = model.partition("/")
    if slash and prefix.lower() == provider:
        model = rest
    provider = provider or otherwise or (prefix.lower() if slash else provider_of(model))
    if not provider:
        raise Skipped("neither custom_llm_provider nor the model's name tells the provider: --provider names one")
    return provider, model


def _error_type(row: Values, metadata: Mapping[str, Any]) -> str | None:
    """What a call failed with, empty where that is not told; None for one that did not fail."""
    if _FAILURE not in {text(row.get("status")), text(metadata.get("status"))}:
        return None
    trouble = parsed(metadata.get("error_information"))
    return text(trouble.get("error_class")) or text(trouble.get("error_code"))


def _usage(row: Values, metadata: Mapping[str, Any]) -> TokenUsage:
    told = parsed(metadata.get("usage_object")) or parsed(metadata.get("additional_usage_values"))
    prompt, completion = parsed(told.get("prompt_tokens_details")), parsed(told.get("completion_tokens_details"))
    return usage(
        input_count=count(row.get("prompt_tokens")),
        output_count=count(row.get("completion_tokens")),
        cache_read_count=count(told.get("cache_read_input_tokens")) or count(prompt.get("cached_tokens")),
        cache_write_count=count(told.get("cache_creation_input_tokens")) or count(prompt.get("cache_creation_tokens")),
        reasoning_count=count(completion.get("reasoning_tokens")),
    )
