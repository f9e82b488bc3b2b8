"""Prompts and their versions, as JSON and as tables."""

from collections.abc import Sequence
from datetime import datetime
from math import exp, isfinite

from assay.analyzer.v1 import prompt_service_pb2 as contract
from assay.analyzer.v1.prompt_service_pb2_grpc import PromptServiceStub
from google.protobuf.timestamp_pb2 import Timestamp

from cli.work.connection import ASK_TIMEOUT_S, Target, ask
from cli.work.output import as_json, finite, print_json, print_table
from kit.errors import invalid

_COLUMNS = ("version", "metric", "verdict", "difference", "interval", "calls", "further calls")
_METRIC, _VERDICT = "PROMPT_METRIC_", "PROMPT_VERDICT_"
# Differences of these are told in percent of the usual.
_RELATIVE = (contract.PROMPT_METRIC_LATENCY, contract.PROMPT_METRIC_COST)


def comparison(
    project: str, prompt_name: str, task_type: str, versions: Sequence[str], start: datetime | None, *, baseline: str | None
) -> contract.ComparePromptsRequest:
    """What is to be compared."""
    return contract.ComparePromptsRequest(
        project=project,
        prompt_name=prompt_name,
        task_type=task_type,
        versions=versions,
        start_time=_timestamp(start),
        baseline_version=baseline,
    )


def order(
    project: str, prompt_name: str, task_type: str, versions: Sequence[str], start: datetime | None, *, metric: str
) -> contract.RankPromptsRequest:
    """What is to be ranked. Raises FIELD_INVALID for a metric that there is not."""
    metrics = {name.removeprefix(_METRIC).lower(): number for name, number in contract.PromptMetric.items() if number}
    if metric.lower() not in metrics:
        raise invalid("metric", f"is one of {', '.join(metrics)}")
    return contract.RankPromptsRequest(
        project=project,
        prompt_name=prompt_name,
        task_type=task_type,
        versions=versions,
        start_time=_timestamp(start),
        metric=metrics[metric.lower()],
    )


def show_prompts(target: Target, project: str, start: datetime | None, *, json: bool) -> None:
    """Prints the prompts, a line for each version."""
    request = contract.ListPromptsRequest(project=project, start_time=_timestamp(start))
    found = ask(target, lambda channel: PromptServiceStub(channel).ListPrompts(request, timeout=ASK_TIMEOUT_S))
    if json:
        print_json(as_json(found))
        return
    rows = [
        (prompt.prompt_name, one.prompt_version, one.call_count, _day(one.first_call_time), _day(one.last_call_time), list(one.task_types))
        for prompt in found.prompts
        for one in prompt.versions
    ]
    print_table(("prompt", "version", "calls", "from", "until", "tasks"), rows, empty="No prompt was used.")


def show_comparison(target: Target, request: contract.ComparePromptsRequest, *, json: bool) -> None:
    """Prints verdicts, and where the greatest differences are."""
    found = ask(target, lambda channel: PromptServiceStub(channel).ComparePrompts(request, timeout=ASK_TIMEOUT_S))
    if json:
        print_json(finite(as_json(found)))
        return
    rows = [_row(one.version.prompt_version, effect) for one in found.versions for effect in one.effects]
    print_table(_COLUMNS, rows, empty=f"Nothing is compared: {found.empty_reason}.")
    for one in found.versions:
        print(f"{one.version.prompt_version} against {found.baseline.prompt_version}, {one.simultaneous_ratio:.0%} at the same time:")
        for effect in one.effects:
            print(f"  {effect.explanation}")
            if effect.verdict in (contract.PROMPT_VERDICT_BETTER, contract.PROMPT_VERDICT_WORSE):
                print("".join(f"    {_stratum(effect, each)}\n" for each in effect.strata[:5]), end="")


def show_order(target: Target, request: contract.RankPromptsRequest, *, json: bool) -> None:
    """Prints the order of versions."""
    found = ask(target, lambda channel: PromptServiceStub(channel).RankPrompts(request, timeout=ASK_TIMEOUT_S))
    if json:
        print_json(finite(as_json(found)))
        return
    rows = [
        (f"{one.rank_low} to {one.rank_high}", one.version.prompt_version, f"{one.lead:+.3g}", f"{one.evidence_count:,.0f}")
        for one in found.versions
    ]
    print_table(("place", "version", "better than the others by", "measured"), rows, empty=f"Nothing is ranked: {found.empty_reason}.")


def _row(version: str, effect: contract.PromptEffect) -> tuple[object, ...]:
    interval = f"{_told(effect.metric, effect.low)} to {_told(effect.metric, effect.high)}" if isfinite(effect.high) else "-"
    return (
        version,
        contract.PromptMetric.Name(effect.metric).removeprefix(_METRIC).lower(),
        contract.PromptVerdict.Name(effect.verdict).removeprefix(_VERDICT).lower().replace("_", " "),
        _told(effect.metric, effect.difference) if isfinite(effect.difference) else "-",
        interval,
        f"{effect.call_count:,.0f}",
        f"{effect.further_call_count:,.0f}" if effect.HasField("further_call_count") else "-",
    )


def _stratum(effect: contract.PromptEffect, one: contract.PromptStratum) -> str:
    change = f"{one.baseline_mean:.3g} to {one.version_mean:.3g}, {_told(effect.metric, one.difference)}"
    return f"{one.provider} {one.model} {one.task_type}: {change} ({one.weight_ratio:.0%} of the weight)"


def _told(metric: contract.PromptMetric.ValueType, difference: float) -> str:
    if metric not in _RELATIVE:
        return f"{difference:+.3g}"
    ratio = exp(min(difference, 20.0)) - 1 if metric == contract.PROMPT_METRIC_LATENCY else difference
    return f"{100 * ratio:+.3g} %"


def _timestamp(time: datetime | None) -> Timestamp | None:
    stamp = Timestamp()
    if time is None:
        return None
    stamp.FromDatetime(time)
    return stamp


def _day(stamp: Timestamp) -> str:
    return stamp.ToJsonString()[:10]
