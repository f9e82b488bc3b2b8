"""Questions to the collector, and tables made of its answers."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain

import numpy as np
from assay.collector.v1 import metrics_service_pb2 as contract

from services.alerter.domain.arrays import Floats, Ints
from services.alerter.domain.table import Table, adds_up, empty_value
from services.alerter.messages.rule_messages import filter_to_message, group_by_to_message

Windows = contract.MetricWindows
Read = Callable[[Windows], Sequence[float]]


@dataclass(frozen=True, slots=True)
class Ask:
    """Whose calls are asked about: rules for which this is the same share one question."""

    group_by: tuple[str, ...]
    chosen: tuple[tuple[str, tuple[str, ...]], ...]

    @classmethod
    def of(cls, group_by: tuple[str, ...], chosen: Mapping[str, tuple[str, ...]]) -> "Ask":
        return cls(group_by, tuple(sorted(chosen.items())))


def question(
    project: str, ask: Ask, start_s: int, end_s: float, *, columns: Iterable[str], step_s: int | None = None
) -> contract.QueryMetricsRequest:
    """Asks for windows of `step_s` seconds in UTC, or for one window of it all for None. `columns` are those that will be read."""
    request = contract.QueryMetricsRequest(
        project=project,
        time_zone="UTC",
        group_by=group_by_to_message(ask.group_by),
        filter=filter_to_message(dict(ask.chosen)),
        without_durations=all(map(adds_up, columns)),
    )
    request.start_time.FromSeconds(start_s)
    request.end_time.FromMicroseconds(round(end_s * 1e6))
    if step_s is not None:
        request.step.FromSeconds(step_s)
    return request


def whole_table(answer: contract.QueryMetricsResponse, ask: Ask, columns: Iterable[str]) -> Table:
    """The table of an answer of one window."""
    series = answer.series
    keys = [_key(one.key, ask) for one in series]
    return Table(keys, 1, {name: _values(series, name).reshape(-1, 1) for name in columns})


def stepped_table(answers: Sequence[contract.QueryMetricsResponse], ask: Ask, columns: Iterable[str], starts_s: Ints) -> Table:
    """The table of answers of several windows, whose starts are among the given ones, or are left out; together they are one answer."""
    series = [one for answer in answers for one in answer.series]
    keys = [_key(one.key, ask) for one in series]
    numbers = {key: number for number, key in enumerate(dict.fromkeys(keys))}
    row = np.repeat(np.array([numbers[key] for key in keys], np.int64), [len(one.windows.start_unix_s) for one in series])
    start_s = _chained(series, lambda windows: windows.start_unix_s, row.size)
    step = np.minimum(np.searchsorted(starts_s, start_s), starts_s.size - 1)
    is_wanted = starts_s[step] == start_s
    filled = {}
    for name in columns:
        filled[name] = np.full((len(numbers), starts_s.size), empty_value(name))
        filled[name][row[is_wanted], step[is_wanted]] = _values(series, name)[is_wanted]
    return Table(list(numbers), starts_s.size, filled)


def _key(key: contract.SeriesKey, ask: Ask) -> tuple[str, ...]:
    return tuple(getattr(key, name) for name in ask.group_by)


def _values(series: Sequence[contract.MetricSeries], name: str) -> Floats:
    """The values of a column of the domain, window by window."""
    derived = _DERIVED.get(name)
    count = sum(len(one.windows.start_unix_s) for one in series)
    if derived is None:
        return _chained(series, _QUANTILES.get(name) or _plain(name), count)
    of, by, combine = derived
    return np.nan_to_num(combine(*(_chained(series, _plain(raw), count) for raw in (of, by))))


def _chained(series: Sequence[contract.MetricSeries], read: Read, count: int) -> Floats:
    return np.fromiter(chain.from_iterable(read(one.windows) for one in series), np.float64, count)


def _plain(name: str) -> Read:
    return lambda windows: getattr(windows, name)


def _quantile(of: str, name: str) -> Read:
    return lambda windows: getattr(getattr(windows, of), name)


_QUANTILES: Mapping[str, Read] = {
    f"{column}_p{number}_s": _quantile(f"{column}_s", f"p{number}")
    for column in ("latency", "time_to_first_token")
    for number in (50, 90, 95, 99)
}
_DERIVED: Mapping[str, tuple[str, str, Callable[..., Floats]]] = {
    "counted_count": ("call_count", "cancelled_count", np.subtract),
    "cost_known_count": ("call_count", "cost_unknown_count", np.subtract),
    "latency_sum_s": ("latency_mean_s", "succeeded_count", np.multiply),
    "quality_sum": ("quality_ratio", "quality_count", np.multiply),
}
