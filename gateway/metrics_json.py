"""Turns the columns of MetricWindows into JSON text.

An answer may hold 20,000 windows of thirty numbers. So each column is turned into texts, and a window is one template
filled with a row of them: no object per window, and the live stream can keep the texts as they are.
"""

import json
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime
from functools import lru_cache
from math import isfinite

from assay.collector.v1.metrics_service_pb2 import (
    MetricWindows,
    Quantiles,
    QueryMetricsResponse,
    SeriesKey,
    WatchMetricsResponse,
)

NANOS_PER_USD = 1e9
# Windows of different series begin at the same times; this many are a month by quarter hours.
TIMES_REMEMBERED_MAX = 4096

Column = Callable[[MetricWindows], Iterable[str]]


def _integers(name: str) -> Column:
    return lambda windows: map(str, getattr(windows, name))


def _numbers(name: str) -> Column:
    return lambda windows: _number_texts(getattr(windows, name), len(windows.start_unix_s))


def _times(name: str) -> Column:
    return lambda windows: map(time_text, getattr(windows, name))


def _quantiles(name: str) -> Column:
    return lambda windows: _quantile_texts(getattr(windows, name), len(windows.start_unix_s))


def _number_texts(values: Sequence[float], count: int) -> list[str]:
    """Shortest texts that read back as the same doubles. A column that was left out has no data for any window."""
    if not values:
        return ["null"] * count
    return [repr(value) if isfinite(value) else "null" for value in values]


_QUANTILES = '{"p50":%s,"p90":%s,"p95":%s,"p99":%s}'
_NO_QUANTILES = _QUANTILES % (("null",) * 4)


def _quantile_texts(quantiles: Quantiles, count: int) -> list[str]:
    columns = (_number_texts(getattr(quantiles, name), count) for name in ("p50", "p90", "p95", "p99"))
    texts = map(_QUANTILES.__mod__, zip(*columns, strict=True))
    return ["null" if text == _NO_QUANTILES else text for text in texts]


_OUTCOMES = ("succeeded", "failed", "timed_out", "rate_limited", "refused", "cancelled")
_OUTCOME_COUNTS = "{" + ",".join(f'"{outcome.upper()}":%s' for outcome in _OUTCOMES) + "}"


def _outcome_counts(windows: MetricWindows) -> Iterable[str]:
    columns = (map(str, getattr(windows, f"{outcome}_count")) for outcome in _OUTCOMES)
    return map(_OUTCOME_COUNTS.__mod__, zip(*columns, strict=True))


def _cost_usd(windows: MetricWindows) -> Iterable[str]:
    return (repr(nanos / NANOS_PER_USD) for nanos in windows.cost_usd_nanos)


_COLUMNS: dict[str, Column] = {
    "start": _times("start_unix_s"),
    "end": _times("end_unix_s"),
    "call_count": _integers("call_count"),
    "success_ratio": _numbers("success_ratio"),
    "outcome_counts": _outcome_counts,
    "latency_s": _quantiles("latency_s"),
    "time_to_first_token_s": _quantiles("time_to_first_token_s"),
    "unsuccessful_latency_s": _quantiles("unsuccessful_latency_s"),
    "latency_mean_s": _numbers("latency_mean_s"),
    "input_token_count": _integers("input_token_count"),
    "output_token_count": _integers("output_token_count"),
    "cache_read_token_count": _integers("cache_read_token_count"),
    "cache_write_token_count": _integers("cache_write_token_count"),
    "reasoning_token_count": _integers("reasoning_token_count"),
    "cost_usd": _cost_usd,
    "cost_unknown_count": _integers("cost_unknown_count"),
    "task_count": _integers("task_count"),
    "accepted_task_count": _integers("accepted_task_count"),
    "cost_per_accepted_task_usd": _numbers("cost_per_accepted_task_usd"),
    "revision_count": _integers("revision_count"),
    "quality_ratio": _numbers("quality_ratio"),
    "quality_count": _integers("quality_count"),
}
_WINDOW = "{" + ",".join(f'"{name}":%s' for name in _COLUMNS) + "}"


@lru_cache(TIMES_REMEMBERED_MAX)
def time_text(unix_s: int) -> str:
    """A second since 1970 as a JSON string in RFC 3339."""
    return datetime.fromtimestamp(unix_s, UTC).strftime('"%Y-%m-%dT%H:%M:%SZ"')


def as_of_text(response: QueryMetricsResponse | WatchMetricsResponse) -> str:
    """`as_of_time` as a JSON string in RFC 3339, or null where it is unset."""
    return f'"{response.as_of_time.ToJsonString()}"' if response.HasField("as_of_time") else "null"


def window_texts(windows: MetricWindows) -> list[str]:
    """One JSON object a window, in their order. Raises ValueError when the columns differ in length."""
    columns = (column(windows) for column in _COLUMNS.values())
    return list(map(_WINDOW.__mod__, zip(*columns, strict=True)))


def key_text(key: SeriesKey) -> str:
    """The key as a JSON object of the dimensions that were grouped by, always in the same order."""
    return json.dumps({field.name: value for field, value in key.ListFields()}, separators=(",", ":"))


def series_text(key: str, windows: Iterable[str]) -> str:
    """A series as a JSON object, from the texts of its key and of its windows."""
    return f'{{"key":{key},"windows":[{",".join(windows)}]}}'


def answer_text(response: QueryMetricsResponse) -> str:
    """The whole answer of GET /api/v1/metrics."""
    series = ",".join(series_text(key_text(one.key), window_texts(one.windows)) for one in response.series)
    return f'{{"as_of":{as_of_text(response)},"series":[{series}]}}'
