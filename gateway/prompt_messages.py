"""Comparisons of prompts as JSON objects, and the parameters that ask for them."""

from collections.abc import Sequence
from datetime import UTC, datetime
from math import isfinite
from typing import Annotated

from assay.analyzer.v1 import prompt_service_pb2 as prompts
from fastapi import Query

from gateway.messages import Json, moment
from gateway.moments import comma_list
from gateway.parameters import End, Project, Start, Values, enum_values, timestamp
from kit.errors import invalid

_STRATUM_NUMBERS = ("difference", "low", "high", "version_mean", "baseline_mean")
_RANGE = ("start_time", "end_time", "as_of_time")

PromptName = Annotated[str, Query(description="Which prompt.")]
TaskType = Annotated[str, Query(description="Which kind of task. Default: all, each compared within itself.")]
Metrics = Annotated[Sequence[str], Query(description="Any of success, quality, latency, cost, revisions. Default: all.")]


def list_prompts(project: Project = "", start: Start = "", end: End = "") -> prompts.ListPromptsRequest:
    """The question of GET /prompts."""
    now = datetime.now(UTC)
    return prompts.ListPromptsRequest(project=project, start_time=timestamp("start", start, now), end_time=timestamp("end", end, now))


def compare_prompts(
    *,
    prompt_name: PromptName,
    project: Project = "",
    task_type: TaskType = "",
    baseline: Annotated[str | None, Query(description="What the others are compared with. Default: the version used first.")] = None,
    version: Values = (),
    metric: Metrics = (),
    margin: Annotated[Sequence[str], Query(description="Differences not worth having, such as success:0.01,cost:0.1.")] = (),
    start: Start = "",
    end: End = "",
) -> prompts.ComparePromptsRequest:
    """The question of GET /prompts/compare."""
    now = datetime.now(UTC)
    return prompts.ComparePromptsRequest(
        project=project,
        prompt_name=prompt_name,
        task_type=task_type,
        baseline_version=baseline,
        versions=version,
        metrics=_metrics("metric", metric),
        margins=[_margin(text) for text in comma_list(margin)],
        start_time=timestamp("start", start, now),
        end_time=timestamp("end", end, now),
    )


def rank_prompts(
    *,
    prompt_name: PromptName,
    project: Project = "",
    task_type: TaskType = "",
    version: Values = (),
    metric: Annotated[str, Query(description="success, quality, latency, cost or revisions. Default: quality.")] = "",
    start: Start = "",
    end: End = "",
) -> prompts.RankPromptsRequest:
    """The question of GET /prompts/rank."""
    now = datetime.now(UTC)
    chosen = _metrics("metric", [metric])
    return prompts.RankPromptsRequest(
        project=project,
        prompt_name=prompt_name,
        task_type=task_type,
        metric=chosen[0] if chosen else prompts.PROMPT_METRIC_UNSPECIFIED,
        versions=version,
        start_time=timestamp("start", start, now),
        end_time=timestamp("end", end, now),
    )


def prompt_list(response: prompts.ListPromptsResponse) -> Json:
    """The answer of GET /prompts."""
    found = [
        {"prompt_name": one.prompt_name, "call_count": one.call_count, "versions": [_version(each) for each in one.versions]}
        for one in response.prompts
    ]
    return {"prompts": found, "as_of_time": moment(response, "as_of_time")}


def comparison(response: prompts.ComparePromptsResponse) -> Json:
    """The answer of GET /prompts/compare."""
    return {
        "prompt_name": response.prompt_name,
        "task_type": response.task_type,
        "baseline": _version(response.baseline) if response.HasField("baseline") else None,
        "versions": [
            {
                "version": _version(one.version),
                "simultaneous_ratio": one.simultaneous_ratio,
                "effects": [_effect(each) for each in one.effects],
            }
            for one in response.versions
        ],
        **{name: moment(response, name) for name in _RANGE},
        "step_s": response.step.seconds,
        "empty_reason": response.empty_reason or None,
    }


def order(response: prompts.RankPromptsResponse) -> Json:
    """The answer of GET /prompts/rank."""
    return {
        "prompt_name": response.prompt_name,
        "task_type": response.task_type,
        "metric": _metric_name(response.metric),
        "versions": [
            {
                "version": _version(one.version),
                "rank_low": one.rank_low,
                "rank_high": one.rank_high,
                "lead": _number(one.lead),
                "evidence_count": one.evidence_count,
            }
            for one in response.versions
        ],
        **{name: moment(response, name) for name in _RANGE},
        "empty_reason": response.empty_reason or None,
    }


def _metrics(field: str, names: Sequence[str]) -> list[prompts.PromptMetric.ValueType]:
    return enum_values(field, prompts.PromptMetric.items(), "PROMPT_METRIC_", names)


def _margin(text: str) -> prompts.PromptMargin:
    name, _, amount = text.rpartition(":")
    try:
        return prompts.PromptMargin(metric=_metrics("margin", [name])[0], margin=float(amount))
    except (ValueError, IndexError):
        raise invalid("margin", f"{text[:32]!r} is not like success:0.01") from None


def _version(one: prompts.PromptVersion) -> Json:
    return {
        "prompt_version": one.prompt_version,
        "call_count": one.call_count,
        "first_call_time": moment(one, "first_call_time"),
        "last_call_time": moment(one, "last_call_time"),
        "task_types": list(one.task_types),
    }


def _effect(one: prompts.PromptEffect) -> Json:
    return {
        "metric": _metric_name(one.metric),
        "verdict": prompts.PromptVerdict.Name(one.verdict).removeprefix("PROMPT_VERDICT_"),
        **{name: _number(getattr(one, name)) for name in ("difference", "low", "high")},
        "margin": one.margin,
        "call_count": one.call_count,
        "further_call_count": one.further_call_count if one.HasField("further_call_count") else None,
        "decide_time": moment(one, "decide_time"),
        "explanation": one.explanation,
        "strata": [_stratum(each) for each in one.strata],
        "sequence": _points(one.sequence),
    }


def _stratum(one: prompts.PromptStratum) -> Json:
    return {
        "provider": one.provider,
        "model": one.model,
        "task_type": one.task_type,
        **{name: _number(getattr(one, name)) for name in _STRATUM_NUMBERS},
        "weight_ratio": one.weight_ratio,
        "version_count": one.version_count,
        "baseline_count": one.baseline_count,
    }


def _points(sequence: prompts.PromptSequence) -> list[Json]:
    rows = zip(sequence.end_unix_s, sequence.difference, sequence.low, sequence.high, strict=True)
    return [
        {
            "time": datetime.fromtimestamp(end_s, UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
            "difference": _number(difference),
            "low": _number(low),
            "high": _number(high),
        }
        for end_s, difference, low, high in rows
    ]


def _metric_name(number: prompts.PromptMetric.ValueType) -> str:
    return prompts.PromptMetric.Name(number).removeprefix("PROMPT_METRIC_")


def _number(value: float) -> float | None:
    return value if isfinite(value) else None
