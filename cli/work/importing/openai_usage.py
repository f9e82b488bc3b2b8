"""Usage as OpenAI exports it, of its pages as CSV or of its Usage API as JSON: sums of many requests, as calls.

Such a sum tells how many requests there were and their tokens, and neither when each was, how long it took nor how it ended. So the calls
are spread over the bucket's time, share its tokens, and are CANCELLED, which counts neither as a success nor in any latency of answers:
tokens, cost and counts are history, and nothing is invented of what was never measured.
"""

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

from assay.telemetry.v1.call_pb2 import CALL_OUTCOME_CANCELLED, Call, TokenUsage
from genai_prices import Usage, calc_price
from google.protobuf.duration_pb2 import Duration

from cli.work.importing.fields import NANOS_PER_USD, Choices, Skipped, count, moment_us, short_id, text, timestamp
from cli.work.importing.rows import Values

PROVIDER = "openai"
TASK_TYPE = "usage_export"
ERROR_TYPE = "usage_export"  # says why the calls are CANCELLED
# Of one sum. A day of a large fleet has fewer for one key and model; more is a column that was misread.
REQUESTS_MAX = 1_000_000
_US_PER_DAY = 86_400_000_000
# What makes a sum another one: of the same bucket there is one for each of their combinations.
_GROUPS = ("project_id", "user_id", "api_key_id", "model", "batch", "service_tier")


class OpenAiUsage:
    """Reads sums, be each a row or many in a page of the API."""

    sender = "openai-usage-import"

    def __init__(self, choices: Choices) -> None:
        self._choices = choices

    def calls(self, row: Values) -> Iterator[Call]:
        """The calls of a row. Raises Skipped where there are none."""
        if isinstance(row.get("data"), list):
            for bucket in row["data"]:
                yield from self.calls(bucket)
        elif isinstance(row.get("results"), list):
            for result in row["results"]:
                yield from self._of_sum({**result, "start_time": row.get("start_time"), "end_time": row.get("end_time")})
        else:
            yield from self._of_sum(row)

    def _of_sum(self, row: Values) -> Iterator[Call]:
        if "amount" in row or "amount_value" in row:
            raise Skipped("an amount of money, no usage: export the usage (activity), not the costs")
        request_count = count(row.get("num_model_requests"))
        model = text(row.get("model"))
        start_us = moment_us(row.get("start_time"))
        if start_us is None:
            raise Skipped("no start_time")
        if not request_count:
            raise Skipped("no requests")
        if not model:
            raise Skipped("no model: export the usage grouped by model")
        if request_count > REQUESTS_MAX:
            raise Skipped(f"more than {REQUESTS_MAX:,} requests in one row")
        end_us = moment_us(row.get("end_time")) or start_us + _US_PER_DAY
        name = "/".join(text(row.get(group)) for group in _GROUPS)
        labels = self._choices.labels_of(row)
        task_type = self._choices.task_type_of(row) or TASK_TYPE
        for place, tokens in enumerate(_shares(row, request_count)):
            yield Call(
                call_id=short_id(f"openai-usage/{start_us}/{name}/{place}"),
                start_time=timestamp(start_us + (end_us - start_us) * place // request_count),
                latency=Duration(),
                provider=PROVIDER,
                model=model,
                task_type=task_type,
                outcome=CALL_OUTCOME_CANCELLED,
                error_type=ERROR_TYPE,
                usage=tokens,
                cost_usd_nanos=_cost_nanos(model, start_us, tokens.SerializeToString()),
                labels=labels,
            )


def _shares(row: Mapping[str, Any], request_count: int) -> Iterator[TokenUsage]:
    """The tokens of each request: alike, but for what does not divide, which the first ones have."""
    sums = [count(row.get(name)) for name in ("input_tokens", "output_tokens", "input_cached_tokens")]
    for place in range(request_count):
        shares = [total // request_count + (place < total % request_count) for total in sums]
        # A remainder of the cached ones may fall to a call whose input has none.
        yield TokenUsage(input_token_count=shares[0], output_token_count=shares[1], cache_read_token_count=min(shares[2], shares[0]))


@lru_cache(1_024)
def _cost_nanos(model: str, start_us: int, tokens: bytes) -> int | None:
    """The cost by the price table of the day, since Assay itself prices no call that is CANCELLED; None for an unknown model.

    Cached, as the calls of a sum have few different shares.
    """
    told = TokenUsage.FromString(tokens)
    try:
        price = calc_price(
            Usage(
                input_tokens=told.input_token_count,
                output_tokens=told.output_token_count,
                cache_read_tokens=told.cache_read_token_count,
            ),
            model,
            provider_id=PROVIDER,
            genai_request_timestamp=datetime.fromtimestamp(start_us // 1_000_000, UTC),
        )
    except LookupError:
        return None
    return round(price.total_price * NANOS_PER_USD)
