"""Calls for benches: a fleet of 480 series, built as the client builds them, serialised before anything is timed."""

import secrets
import time
from collections.abc import Iterator

import numpy as np
from assay.collector.v1.collector_service_pb2 import RecordCallsRequest
from assay.telemetry.v1.call_pb2 import CALL_OUTCOME_FAILED, CALL_OUTCOME_SUCCEEDED, Call
from assay_client import time_ordered_id

_MODELS = {
    "anthropic": ("claude-sonnet-4-5", "claude-opus-4-1", "claude-haiku-4-5"),
    "openai": ("gpt-5", "gpt-5-mini", "gpt-4.1"),
    "google": ("gemini-2.5-pro", "gemini-2.5-flash", "gemini-2.0-flash"),
    "mistral": ("mistral-large-latest", "mistral-small-latest", "codestral-latest"),
    "deepseek": ("deepseek-chat", "deepseek-reasoner", "deepseek-v3"),
}
_TASK_TYPES = ("code_generation", "code_review", "test_generation", "planning", "docs", "refactor", "debug", "triage")
_PROMPT_VERSIONS = ("v1", "v2", "v3", "v4")
SERIES = [
    (provider, model, task_type, version)
    for provider, models in _MODELS.items()
    for model in models
    for task_type in _TASK_TYPES
    for version in _PROMPT_VERSIONS
]
CALLS_PER_TASK = 10
_US_PER_S = 1_000_000


def batches(call_count: int, batch_size: int, *, span_s: float, end_unix_s: float | None = None, seed: int = 1) -> Iterator[bytes]:
    """Serialised requests of `batch_size` calls each; start times are spread over `span_s` before `end_unix_s` (now)."""
    rng = np.random.default_rng(seed)
    end_us = int((end_unix_s or time.time()) * _US_PER_S)
    span_us = int(span_s * _US_PER_S)
    task_id = ""
    for first in range(0, call_count, batch_size):
        size = min(batch_size, call_count - first)
        start_us = (end_us - span_us + np.arange(first, first + size) * (span_us / call_count)).astype(np.int64)
        series = rng.integers(0, len(SERIES), size)
        latency_us = rng.lognormal(14.5, 0.5, size).astype(np.int64)
        succeeded = rng.random(size) < 0.9
        input_tokens, output_tokens = rng.integers(200, 4_000, size), rng.integers(50, 1_000, size)
        cached = rng.integers(0, 200, size)
        request = RecordCallsRequest(batch_id=secrets.token_hex(8))
        for row in range(size):
            start_ms = int(start_us[row]) // 1_000
            if (first + row) % CALLS_PER_TASK == 0:
                task_id = time_ordered_id(start_ms)
            provider, model, task_type, version = SERIES[series[row]]
            call = Call(
                call_id=time_ordered_id(start_ms),
                task_id=task_id,
                provider=provider,
                model=model,
                task_type=task_type,
                agent="implementer",
                prompt_name="main",
                prompt_version=version,
                outcome=CALL_OUTCOME_SUCCEEDED if succeeded[row] else CALL_OUTCOME_FAILED,
            )
            call.start_time.FromMicroseconds(int(start_us[row]))
            call.latency.FromMicroseconds(int(latency_us[row]))
            if succeeded[row]:
                call.time_to_first_token.FromMicroseconds(int(latency_us[row]) // 5)
                call.usage.input_token_count = int(input_tokens[row])
                call.usage.output_token_count = int(output_tokens[row])
                call.usage.cache_read_token_count = int(cached[row])
            else:
                call.error_type = "overloaded_error"
            request.calls.append(call)
        yield request.SerializeToString()
