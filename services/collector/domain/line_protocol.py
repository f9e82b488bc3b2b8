"""InfluxDB's line protocol: a line a series and minute, with the numbers that a metric query answers, at the minute's start.

The same minute written again replaces what was written before, since its tags and its time are the same.
"""

from collections.abc import Iterator, Sequence
from math import isnan

import numpy as np

from services.collector.domain.answer import RATIOS, Answer, Answered
from services.collector.domain.arrays import Floats, Ints
from services.collector.domain.measures import Measure

MEASUREMENT = "assay_calls"
_NANOS_PER_S = 1_000_000_000
_NANOS_PER_USD = 1e9
# The protocol has no way to write a backslash before a comma, nor a line's end: a slash and a space stand for them.
_ESCAPES = str.maketrans({"\\": "/", ",": "\\,", "=": "\\=", " ": "\\ ", "\n": "\\ ", "\r": "\\ "})

_COUNTS = {
    "succeeded_count": Measure.SUCCEEDED,
    "failed_count": Measure.FAILED,
    "timed_out_count": Measure.TIMED_OUT,
    "rate_limited_count": Measure.RATE_LIMITED,
    "refused_count": Measure.REFUSED,
    "cancelled_count": Measure.CANCELLED,
    "input_token_count": Measure.INPUT_TOKENS,
    "output_token_count": Measure.OUTPUT_TOKENS,
    "cache_read_token_count": Measure.CACHE_READ_TOKENS,
    "cache_write_token_count": Measure.CACHE_WRITE_TOKENS,
    "reasoning_token_count": Measure.REASONING_TOKENS,
    "cost_unknown_count": Measure.COST_UNKNOWN_COUNT,
    "task_count": Measure.TASK_COUNT,
    "accepted_task_count": Measure.ACCEPTED_TASK_COUNT,
    "revision_count": Measure.REVISION_COUNT,
    "quality_count": Measure.QUALITY_COUNT,
}


def lines(project: str, names: Sequence[str], answered: Answered) -> list[str]:
    """A line for each row of an answer, in its order, without a line's end. `names` are those of the keys' terms.

    What there is nothing to say of, such as a quantile of no calls, is left out.
    """
    answer = answered.answer
    heads = [_head(project, names, key) for key in answered.keys]
    counts = [(f"{name}=", answer.column(measure).tolist()) for name, measure in _COUNTS.items()]
    counts.append(("call_count=", answer.call_count.tolist()))
    floats = [(f"{name}=", values.tolist()) for name, values in _floats(answer)]
    places = zip(answer.group.tolist(), _times(answer.start_unix_s), strict=True)
    return [f"{heads[group]} {_fields(row, counts, floats)} {time}" for row, (group, time) in enumerate(places)]


def _fields(row: int, counts: Sequence[tuple[str, list[int]]], floats: Sequence[tuple[str, list[float]]]) -> str:
    told = [f"{name}{values[row]}i" for name, values in counts]
    told += [f"{name}{values[row]!r}" for name, values in floats if not isnan(values[row])]
    return ",".join(told)


def _floats(answer: Answer) -> Iterator[tuple[str, Floats]]:
    yield "cost_usd", answer.column(Measure.COST_NANOS) / _NANOS_PER_USD
    yield "success_ratio", answer.success_ratio
    yield "quality_ratio", answer.quality_ratio
    yield "latency_mean_s", answer.latency_mean_s
    for column, ratio in enumerate(RATIOS):
        percent = round(ratio * 100)
        yield f"latency_p{percent}_s", answer.latency_s[:, column]
        yield f"time_to_first_token_p{percent}_s", answer.time_to_first_token_s[:, column]
        yield f"unsuccessful_latency_p{percent}_s", answer.unsuccessful_latency_s[:, column]


def _times(start_unix_s: Ints) -> list[int]:
    times: list[int] = (start_unix_s.astype(np.int64) * _NANOS_PER_S).tolist()
    return times


def _head(project: str, names: Sequence[str], key: tuple[str, ...]) -> str:
    """Measurement and tags. A tag cannot be empty: it is left out."""
    tags = [(name, value) for name, value in (("project", project), *zip(names, key, strict=True)) if value]
    return ",".join([MEASUREMENT, *(f"{name}={value.translate(_ESCAPES)}" for name, value in tags)])
