"""Rankings as JSON objects, and the parameters that ask for them."""

from collections.abc import Sequence
from datetime import UTC, datetime
from math import isfinite
from typing import Annotated, Any

from assay.analyzer.v1 import ranking_service_pb2 as rankings
from fastapi import Query
from google.protobuf.json_format import MessageToDict

from gateway.messages import Json, moment
from gateway.moments import comma_list
from gateway.parameters import End, PageSize, PageToken, Project, Start, Values, enum_values, timestamp
from kit.errors import invalid

_NUMBERS = ("score", "score_low", "score_high")
_PLAIN = (
    "rank",
    "rank_low",
    "rank_high",
    "probability_best",
    "is_tied_with_first",
    "suggested_share",
    "call_count",
    "is_in_anomaly",
    "anomaly",
)

Bound = Annotated[float | None, Query(description="A bound that candidates must surely keep.")]


def rank_providers(
    task_type: str,
    *,
    project: Project = "",
    objective: Annotated[str, Query(description="balanced, quality, cheapest, fastest or reliable.")] = "",
    weight: Annotated[Sequence[str], Query(description="Instead: weights such as quality:0.7,latency:0.3, of metrics in medians.")] = (),
    min_success_ratio: Bound = None,
    min_quality_ratio: Bound = None,
    max_p95_latency_s: Bound = None,
    max_cost_per_task_usd: Bound = None,
    min_call_count: Annotated[float, Query(description="Calls that a candidate must have had, old ones counting for less.")] = 0.0,
    candidates: Annotated[Sequence[str], Query(description="These alone, seen or not: provider/model; can be repeated.")] = (),
    providers: Values = (),
    models: Values = (),
    deny_providers: Values = (),
    deny_models: Values = (),
    prompt_name: Annotated[str, Query(description="Only calls with this prompt count.")] = "",
    prompt_version: Annotated[str, Query(description="Only calls with this version of it.")] = "",
    half_life_days: Annotated[float | None, Query(description="A call of so many days ago counts half.")] = None,
) -> rankings.RankProvidersRequest:
    """The question of GET /rankings/{task_type} and of its back-test."""
    bounds = (
        (rankings.RankedMeasure(metric=rankings.RANKED_METRIC_SUCCESS), min_success_ratio),
        (rankings.RankedMeasure(metric=rankings.RANKED_METRIC_QUALITY), min_quality_ratio),
        (rankings.RankedMeasure(metric=rankings.RANKED_METRIC_LATENCY, quantile=0.95), max_p95_latency_s),
        (rankings.RankedMeasure(metric=rankings.RANKED_METRIC_COST_PER_ACCEPTED_TASK), max_cost_per_task_usd),
    )
    preset = enum_values("objective", rankings.ObjectivePreset.items(), "OBJECTIVE_PRESET_", [objective])
    return rankings.RankProvidersRequest(
        project=project,
        task_type=task_type,
        preset=preset[0] if preset else rankings.OBJECTIVE_PRESET_UNSPECIFIED,
        weights=[_weight(text) for text in comma_list(weight)],
        constraints=[rankings.RankingConstraint(measure=measure, bound=bound) for measure, bound in bounds if bound is not None],
        call_count_min=min_call_count,
        candidates=[_candidate_of(text) for text in comma_list(candidates)],
        allowed_providers=comma_list(providers),
        allowed_models=comma_list(models),
        denied_providers=comma_list(deny_providers),
        denied_models=comma_list(deny_models),
        prompt_name=prompt_name,
        prompt_version=prompt_version,
        half_life_days=half_life_days,
    )


def ranking(response: rankings.RankProvidersResponse) -> Json:
    """The answer of GET /rankings/{task_type}."""
    return {
        "ranking_id": response.ranking_id,
        "task_type": response.task_type,
        "candidates": [_ranked(one) for one in response.candidates],
        "left_out": [
            {
                "candidate": _candidate(one.candidate),
                "reason": rankings.LeftOutReason.Name(one.reason).removeprefix("LEFT_OUT_REASON_"),
                "explanation": one.explanation,
            }
            for one in response.left_out
        ],
        "unmeasured": [_measure(one) for one in response.unmeasured],
        "as_of_time": moment(response, "as_of_time"),
        "is_stale": response.is_stale,
        "empty_reason": response.empty_reason or None,
    }


def rankings_told(response: rankings.WatchKeptRankingsResponse) -> Json:
    """What the event `rankings` says of a response."""
    return {"rankings": [_summary(one) for one in response.rankings]}


def _summary(one: rankings.KeptRankingSummary) -> Json:
    return {
        "ranking_id": one.ranking_id,
        "task_type": one.task_type,
        "make_time": moment(one, "make_time"),
        "shares": [{"candidate": _candidate(each.candidate), "share": each.share} for each in one.shares],
    }


def list_rankings(
    *,
    project: Project = "",
    task_type: Annotated[str, Query(description="Only for this kind of task.")] = "",
    start: Start = "",
    end: End = "",
    page_size: PageSize = 0,
    page_token: PageToken = "",
) -> rankings.ListRankingsRequest:
    """The question of GET /ranking-history."""
    now = datetime.now(UTC)
    return rankings.ListRankingsRequest(
        project=project,
        task_type=task_type,
        start_time=timestamp("start", start, now),
        end_time=timestamp("end", end, now),
        page_size=page_size,
        page_token=page_token,
    )


def kept_ranking(kept: rankings.KeptRanking) -> Json:
    """A ranking of GET /ranking-history. What was asked is protobuf JSON."""
    question = MessageToDict(kept.question, preserving_proto_field_name=True)
    return {"make_time": moment(kept, "make_time"), "question": question, "ranking": ranking(kept.ranking)}


def backtest(response: rankings.BacktestRankingResponse) -> Json:
    """The answer of GET /ranking-backtests/{task_type}."""
    return {
        "start_time": moment(response, "start_time"),
        "end_time": moment(response, "end_time"),
        "call_count": response.call_count,
        "sent_ratio": response.sent_ratio,
        "step_count": response.step_count,
        "assumptions": list(response.assumptions),
        "policies": [_policy(one) for one in response.policies],
        "empty_reason": response.empty_reason or None,
    }


def _policy(one: rankings.ReplayedPolicy) -> Json:
    return {
        "policy": rankings.ReplayPolicy.Name(one.policy).removeprefix("REPLAY_POLICY_"),
        "choices": [{"candidate": _candidate(each.candidate), "share": each.share} for each in one.choices],
        "outcomes": [_replayed(each) for each in one.outcomes],
    }


def _replayed(one: rankings.ReplayedOutcome) -> Json:
    return {
        "outcome": rankings.ReplayOutcome.Name(one.outcome).removeprefix("REPLAY_OUTCOME_"),
        **{name: _value(getattr(one, name)) for name in ("doubly_robust", "inverse_propensity", "gain_of_ranking")},
        **{name: getattr(one, name) for name in ("effective_count", "clipped_ratio", "covered_ratio", "call_count")},
    }


def _value(one: rankings.ReplayedValue) -> Json:
    return {name: _number(getattr(one, name)) for name in ("value", "low", "high")}


def _weight(text: str) -> rankings.ObjectiveWeight:
    name, _, amount = text.rpartition(":")
    metrics = enum_values("weight", rankings.RankedMetric.items(), "RANKED_METRIC_", [name])
    try:
        return rankings.ObjectiveWeight(measure=rankings.RankedMeasure(metric=metrics[0]), weight=float(amount))
    except (ValueError, IndexError):
        raise invalid("weight", f"{text[:32]!r} is not like quality:0.7") from None


def _candidate_of(text: str) -> rankings.RankingCandidate:
    provider, slash, model = text.partition("/")
    if not slash:
        raise invalid("candidates", f"{text[:32]!r} is not like openai/gpt-5")
    return rankings.RankingCandidate(provider=provider, model=model)


def _ranked(one: rankings.RankedCandidate) -> Json:
    return {
        "candidate": _candidate(one.candidate),
        **{name: getattr(one, name) for name in _PLAIN},
        **{name: _number(getattr(one, name)) for name in _NUMBERS},
        "last_call_time": moment(one, "last_call_time"),
        "estimates": [_estimate(each) for each in one.estimates],
        "reasons": list(one.reasons),
    }


def _estimate(one: rankings.RankedEstimate) -> Json:
    numbers: dict[str, Any] = {name: _number(getattr(one, name)) for name in ("value", "low", "high")}
    return {"measure": _measure(one.measure), **numbers, "evidence_count": one.evidence_count}


def _measure(one: rankings.RankedMeasure) -> Json:
    metric = rankings.RankedMetric.Name(one.metric).removeprefix("RANKED_METRIC_")
    return {"metric": metric, "quantile": one.quantile if one.HasField("quantile") else None}


def _candidate(one: rankings.RankingCandidate) -> Json:
    return {"provider": one.provider, "model": one.model}


def _number(value: float) -> float | None:
    return value if isfinite(value) else None
