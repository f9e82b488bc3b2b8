"""Rankings, as JSON and as a table."""

from collections.abc import Sequence

from assay.analyzer.v1 import ranking_service_pb2 as contract
from assay.analyzer.v1.ranking_service_pb2_grpc import RankingServiceStub

from cli.work.connection import ASK_TIMEOUT_S, Target, ask
from cli.work.output import as_json, print_json, print_table
from kit.errors import invalid

HISTORY_SIZE = 50  # the contract's largest
# What the table shows of the measures; --json has all.
_SHOWN = (
    ("success", contract.RANKED_METRIC_SUCCESS, None),
    ("quality", contract.RANKED_METRIC_QUALITY, None),
    ("latency p95, s", contract.RANKED_METRIC_LATENCY, 0.95),
    ("USD a task", contract.RANKED_METRIC_COST_PER_ACCEPTED_TASK, None),
)
_COLUMNS = ("rank", "provider", "model", "best with", "share", "score (90 %)", *(title for title, _, _ in _SHOWN), "calls")


def question(
    project: str,
    task_type: str,
    objective: str,
    *,
    providers: Sequence[str],
    models: Sequence[str],
    success_ratio_min: float | None,
    p95_latency_s_max: float | None,
    cost_per_task_usd_max: float | None,
    prompt: tuple[str, str],
    half_life_days: float | None,
) -> contract.RankProvidersRequest:
    """What is asked. Raises FIELD_INVALID for an objective that there is not."""
    presets = {name.removeprefix("OBJECTIVE_PRESET_").lower(): number for name, number in contract.ObjectivePreset.items() if number}
    if objective.lower() not in presets:
        raise invalid("objective", f"is one of {', '.join(presets)}")
    bounds = (
        (contract.RankedMeasure(metric=contract.RANKED_METRIC_SUCCESS), success_ratio_min),
        (contract.RankedMeasure(metric=contract.RANKED_METRIC_LATENCY, quantile=0.95), p95_latency_s_max),
        (contract.RankedMeasure(metric=contract.RANKED_METRIC_COST_PER_ACCEPTED_TASK), cost_per_task_usd_max),
    )
    return contract.RankProvidersRequest(
        project=project,
        task_type=task_type,
        preset=presets[objective.lower()],
        constraints=[contract.RankingConstraint(measure=measure, bound=bound) for measure, bound in bounds if bound is not None],
        allowed_providers=providers,
        allowed_models=models,
        prompt_name=prompt[0],
        prompt_version=prompt[1],
        half_life_days=half_life_days,
    )


def show_ranking(target: Target, asked: contract.RankProvidersRequest, *, json: bool) -> None:
    """Prints a ranking: the first first, then why they stand there, and who is left out."""
    ranking = ask(target, lambda channel: RankingServiceStub(channel).RankProviders(asked, timeout=ASK_TIMEOUT_S))
    if json:
        print_json(as_json(ranking))
        return
    if ranking.is_stale:
        print(f"Stale: this rests on calls up to {ranking.as_of_time.ToJsonString()}.")
    print_table(_COLUMNS, [_row(one) for one in ranking.candidates], empty=f"Nobody is ranked: {ranking.empty_reason}.")
    for one in ranking.candidates:
        print(f"{one.rank}. {one.candidate.provider} {one.candidate.model}: {'; '.join(one.reasons)}")
    for left in ranking.left_out:
        print(f"left out: {left.candidate.provider} {left.candidate.model}: {left.explanation}")
    for measure in ranking.unmeasured:
        name = contract.RankedMetric.Name(measure.metric).removeprefix("RANKED_METRIC_")
        print(f"{name.lower().replace('_', ' ')} should count, but has not been measured")


def show_history(target: Target, project: str, task_type: str, *, json: bool) -> None:
    """Prints a page of what was recommended for a kind of task, the latest first."""
    request = contract.ListRankingsRequest(project=project, task_type=task_type, page_size=HISTORY_SIZE)
    response = ask(target, lambda channel: RankingServiceStub(channel).ListRankings(request, timeout=ASK_TIMEOUT_S))
    if json:
        print_json(as_json(response))
        return
    rows = [(kept.make_time.ToJsonString()[:19], _first(kept.ranking), kept.ranking.ranking_id) for kept in response.rankings]
    print_table(("from", "recommended", "ranking"), rows, empty="Nothing was recommended for this kind of task.")


def _first(ranking: contract.RankProvidersResponse) -> str:
    """The first and who was tied with it, with their shares; or why there was nobody."""
    tied = [one for one in ranking.candidates if one.is_tied_with_first]
    shares = (f"{one.candidate.provider} {one.candidate.model} {one.suggested_share:.0%}" for one in tied)
    return ", ".join(shares) or ranking.empty_reason


def _row(one: contract.RankedCandidate) -> tuple[object, ...]:
    rank = f"{one.rank}" if one.rank_low == one.rank_high else f"{one.rank} ({one.rank_low} to {one.rank_high})"
    return (
        rank + (" =" if one.is_tied_with_first and one.rank > 1 else ""),
        one.candidate.provider,
        one.candidate.model,
        f"{one.probability_best:.1%}",
        f"{one.suggested_share:.1%}",
        f"{one.score:.3f} ({one.score_low:.3f} to {one.score_high:.3f})",
        *(_estimate(one, metric, quantile) for _, metric, quantile in _SHOWN),
        f"{one.call_count:,.0f}",
    )


def _estimate(one: contract.RankedCandidate, metric: contract.RankedMetric.ValueType, quantile: float | None) -> str:
    """A measure's value and interval, "-" where nobody has been measured by it."""
    for each in one.estimates:
        if each.measure.metric == metric and quantile in (None, each.measure.quantile):
            return f"{each.value:.3g} ({each.low:.3g} to {each.high:.3g})"
    return "-"
