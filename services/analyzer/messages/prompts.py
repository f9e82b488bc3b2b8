"""Questions for prompts, the collector's answers to them, and comparisons as the contract has them."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Final

import numpy as np
from assay.analyzer.v1 import prompt_service_pb2 as contract
from assay.collector.v1.metrics_service_pb2 import (
    METRIC_DIMENSION_MODEL,
    METRIC_DIMENSION_PROMPT_NAME,
    METRIC_DIMENSION_PROMPT_VERSION,
    METRIC_DIMENSION_PROVIDER,
    METRIC_DIMENSION_TASK_TYPE,
    MetricSeries,
    QueryMetricsRequest,
    SeriesFilter,
)
from google.protobuf.duration_pb2 import Duration
from google.protobuf.timestamp_pb2 import Timestamp

from kit.errors import AssayError, Kind, invalid
from services.analyzer.domain.arrays import Floats
from services.analyzer.domain.comparison.gathered import PromptTable, PromptWindows, VersionUse
from services.analyzer.domain.comparison.strata import ComparedMetric, Stratum, Sums
from services.analyzer.domain.comparison.verdict import StratumEffect, VersionPlace
from services.analyzer.domain.comparison.versions import ComparedVersion, Effect
from services.analyzer.messages.keys import TEXT_BYTES_MAX, checked_text, time_from_message, timestamp
from services.analyzer.messages.windows import floats_of, ints_of, log_sums

# With the baseline. More versions at once leave little of the error to each, and a person no overview.
VERSIONS_MAX: Final = 10
STRATA_TOLD_MAX: Final = 50
_METRICS: Final = {
    contract.PROMPT_METRIC_SUCCESS: ComparedMetric.SUCCESS,
    contract.PROMPT_METRIC_QUALITY: ComparedMetric.QUALITY,
    contract.PROMPT_METRIC_LATENCY: ComparedMetric.LATENCY,
    contract.PROMPT_METRIC_COST: ComparedMetric.COST,
    contract.PROMPT_METRIC_REVISIONS: ComparedMetric.REVISIONS,
}
_NUMBERS: Final = {metric: number for number, metric in _METRICS.items()}
_LATENCY: Final = ("latency_log_mean", "latency_log_sd")
_NANOS_PER_USD = 1e9
_MARGIN_MAX = 1e6


@dataclass(frozen=True, slots=True)
class Asked:
    """Which calls are meant. `versions`: () for all; `start_s`: None for since the prompt's first call; `end_s`: None for now."""

    prompt_name: str
    task_type: str
    versions: tuple[str, ...]
    start_s: float | None
    end_s: float | None


@dataclass(frozen=True, slots=True)
class AskedComparison:
    """What is to be compared. `baseline`: None for the version that was used first."""

    asked: Asked
    baseline: str | None
    metrics: tuple[ComparedMetric, ...]
    margins: dict[ComparedMetric, float]


@dataclass(frozen=True, slots=True)
class Seen:
    """What an answer rests on. `step_s`: length of a window."""

    uses: dict[str, VersionUse]
    table: PromptTable
    start_s: float
    end_s: float
    step_s: int
    as_of_s: float


def range_of(request: contract.ListPromptsRequest) -> tuple[float | None, float | None]:
    """Where the range begins and ends, None where that was left open. Raises FIELD_INVALID."""
    return _range(request)


def comparison_from_message(request: contract.ComparePromptsRequest) -> AskedComparison:
    """What is asked. Raises FIELD_INVALID."""
    asked = _asked(request, VERSIONS_MAX - 1)
    baseline = _text("baseline_version", request.baseline_version) if request.HasField("baseline_version") else None
    if baseline in asked.versions:
        raise invalid("versions", "the baseline is none of the versions that are compared with it")
    margins = {}
    for each in request.margins:
        if not 0.0 < each.margin <= _MARGIN_MAX:
            raise invalid("margins", "a margin is above 0")
        margins[_metric("margins", each.metric)] = each.margin
    metrics = tuple(dict.fromkeys(_metric("metrics", number) for number in request.metrics))
    return AskedComparison(asked, baseline, metrics or tuple(ComparedMetric), margins)


def order_from_message(request: contract.RankPromptsRequest) -> tuple[Asked, ComparedMetric]:
    """Which versions are to be ranked, and by what. Raises FIELD_INVALID."""
    metric = _metric("metric", request.metric) if request.metric else ComparedMetric.QUALITY
    return _asked(request, VERSIONS_MAX), metric


def version_unknown(version: str) -> AssayError:
    """The refusal of a version that has no calls."""
    message = f"the prompt has no calls with version {version!r} in this range"
    return AssayError(Kind.NOT_FOUND, "VERSION_UNKNOWN", message, details={"version": version})


def prompts_request(project: str, start_s: int, end_s: int, step_s: int) -> QueryMetricsRequest:
    """The question for the windows of all prompts that have a name."""
    request = _request(project, start_s, end_s, step_s, SeriesFilter())
    request.group_by.append(METRIC_DIMENSION_PROMPT_NAME)
    return _without_durations(request)


def prompt_request(
    project: str, asked: Asked, start_s: int, end_s: int, step_s: int, *, versions: Sequence[str] = (), with_durations: bool = True
) -> QueryMetricsRequest:
    """The question for the windows of one prompt."""
    task_types = [asked.task_type] if asked.task_type else []
    chosen = SeriesFilter(prompt_names=[asked.prompt_name], task_types=task_types, prompt_versions=versions)
    request = _request(project, start_s, end_s, step_s, chosen)
    return request if with_durations else _without_durations(request)


def windows_from_message(series: Sequence[MetricSeries]) -> PromptWindows:
    """The windows of an answer for one prompt."""
    versions = sorted({one.key.prompt_version for one in series})
    strata = sorted({_stratum(one) for one in series})
    lengths = [len(one.windows.start_unix_s) for one in series]
    return PromptWindows(
        versions=tuple(versions),
        strata=tuple(strata),
        version=np.repeat([versions.index(one.key.prompt_version) for one in series], lengths).astype(np.int64),
        stratum=np.repeat(_places(strata, map(_stratum, series)), lengths).astype(np.int64),
        start_s=ints_of(series, "start_unix_s").astype(np.float64),
        end_s=ints_of(series, "end_unix_s").astype(np.float64),
        calls=ints_of(series, "call_count").astype(np.float64),
        sums=_sums(series),
    )


def by_prompt(series: Iterable[MetricSeries]) -> dict[str, list[MetricSeries]]:
    """The series of each prompt that has a name."""
    found: dict[str, list[MetricSeries]] = {}
    for one in series:
        if one.key.prompt_name:
            found.setdefault(one.key.prompt_name, []).append(one)
    return found


def version_to_message(use: VersionUse) -> contract.PromptVersion:
    """A version as the contract has it."""
    return contract.PromptVersion(
        prompt_version=use.version,
        call_count=use.call_count,
        first_call_time=timestamp(use.first_s),
        last_call_time=timestamp(use.last_s),
        task_types=use.task_types,
    )


def compared_to_message(seen: Seen, compared: ComparedVersion) -> contract.ComparedVersion:
    """A version against the baseline."""
    return contract.ComparedVersion(
        version=version_to_message(seen.uses[compared.version]),
        simultaneous_ratio=compared.simultaneous_ratio,
        effects=(_effect(seen, each) for each in compared.effects),
    )


def place_to_message(seen: Seen, place: VersionPlace) -> contract.RankedPrompt:
    """A version's place."""
    return contract.RankedPrompt(
        version=version_to_message(seen.uses[place.version]),
        rank_low=place.rank_low,
        rank_high=place.rank_high,
        lead=place.lead,
        evidence_count=place.call_count,
    )


def metric_number(metric: ComparedMetric) -> contract.PromptMetric.ValueType:
    """A metric as the contract has it."""
    return _NUMBERS[metric]


def _effect(seen: Seen, effect: Effect) -> contract.PromptEffect:
    one, sequence = effect.comparison, effect.sequence
    return contract.PromptEffect(
        metric=_NUMBERS[one.metric],
        verdict=contract.PromptVerdict.Value(f"PROMPT_VERDICT_{one.verdict.name}"),
        difference=one.difference,
        low=one.difference - one.half_width,
        high=one.difference + one.half_width,
        margin=one.margin,
        call_count=one.call_count,
        further_call_count=one.further_call_count,
        decide_time=timestamp(effect.decide_s),
        explanation=effect.words,
        strata=map(_stratum_effect, one.strata[:STRATA_TOLD_MAX]),
        sequence=contract.PromptSequence(
            end_unix_s=seen.table.end_s.astype(np.int64).tolist(),
            difference=sequence.difference.tolist(),
            low=(sequence.difference - sequence.half_width).tolist(),
            high=(sequence.difference + sequence.half_width).tolist(),
        ),
    )


def _stratum_effect(one: StratumEffect) -> contract.PromptStratum:
    names = ("difference", "low", "high", "weight_ratio", "version_mean", "baseline_mean", "version_count", "baseline_count")
    return contract.PromptStratum(**one.stratum._asdict(), **{name: getattr(one, name) for name in names})


def _asked(request: contract.ComparePromptsRequest | contract.RankPromptsRequest, versions_max: int) -> Asked:
    if not request.prompt_name:
        raise invalid("prompt_name", "name the prompt")
    if len(request.versions) > versions_max:
        raise invalid("versions", f"at most {versions_max}")
    versions = tuple(dict.fromkeys(_text("versions", each) for each in request.versions))
    return Asked(_text("prompt_name", request.prompt_name), _text("task_type", request.task_type), versions, *_range(request))


def _range(
    request: contract.ListPromptsRequest | contract.ComparePromptsRequest | contract.RankPromptsRequest,
) -> tuple[float | None, float | None]:
    start, end = (time_from_message(request, name) for name in ("start_time", "end_time"))
    if start and end and start >= end:
        raise invalid("end_time", "must be after start_time")
    return (start.timestamp() if start else None), (end.timestamp() if end else None)


def _metric(field: str, number: contract.PromptMetric.ValueType) -> ComparedMetric:
    if number not in _METRICS:
        raise invalid(field, "name one of the metrics")
    return _METRICS[number]


def _text(field: str, text: str) -> str:
    return checked_text(field, text, TEXT_BYTES_MAX)


def _request(project: str, start_s: int, end_s: int, step_s: int, chosen: SeriesFilter) -> QueryMetricsRequest:
    """Days are those of UTC."""
    return QueryMetricsRequest(
        project=project,
        start_time=Timestamp(seconds=start_s),
        end_time=Timestamp(seconds=end_s),
        step=Duration(seconds=step_s),
        time_zone="UTC",
        group_by=[METRIC_DIMENSION_PROVIDER, METRIC_DIMENSION_MODEL, METRIC_DIMENSION_TASK_TYPE, METRIC_DIMENSION_PROMPT_VERSION],
        filter=chosen,
        with_log_moments=True,
    )


def _without_durations(request: QueryMetricsRequest) -> QueryMetricsRequest:
    """The same, answered several times faster."""
    request.with_log_moments, request.without_durations = False, True
    return request


def _stratum(one: MetricSeries) -> Stratum:
    return Stratum(one.key.provider, one.key.model, one.key.task_type)


def _places(strata: Sequence[Stratum], wanted: Iterable[Stratum]) -> list[int]:
    place_of = {stratum: place for place, stratum in enumerate(strata)}
    return [place_of[stratum] for stratum in wanted]


def _sums(series: Sequence[MetricSeries]) -> dict[ComparedMetric, Sums]:
    """Scores, costs and revisions are known by window alone; latencies may have been left out."""

    def counts(name: str) -> Floats:
        return ints_of(series, name).astype(np.float64)

    calls, succeeded, scored = counts("call_count"), counts("succeeded_count"), counts("quality_count")
    mean, sd = (column if len(column) else np.zeros_like(calls) for column in map(partial(floats_of, series), _LATENCY))
    return {
        ComparedMetric.SUCCESS: Sums(calls - counts("cancelled_count"), succeeded, succeeded),
        ComparedMetric.QUALITY: _grouped(scored, scored * np.nan_to_num(floats_of(series, "quality_ratio"))),
        ComparedMetric.LATENCY: Sums(succeeded, *log_sums(succeeded, mean, sd)),
        ComparedMetric.COST: _grouped(calls - counts("cost_unknown_count"), counts("cost_usd_nanos") / _NANOS_PER_USD),
        ComparedMetric.REVISIONS: _grouped(counts("task_count"), counts("revision_count")),
    }


def _grouped(count: Floats, total: Floats) -> Sums:
    square = np.divide(total**2, count, out=np.zeros_like(total), where=count > 0)
    return Sums(count, np.where(count > 0, total, 0.0), square, (count > 0).astype(np.float64))
