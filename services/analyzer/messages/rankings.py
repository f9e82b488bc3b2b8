"""Questions for rankings, and rankings, as the contract has them."""

from collections.abc import Sequence
from typing import Final

from assay.analyzer.v1 import ranking_service_pb2 as contract

from kit.errors import invalid
from services.analyzer.domain.ranking.answer import Estimate, LeftOut, RankedCandidate, Ranking
from services.analyzer.domain.ranking.evidence import Candidate
from services.analyzer.domain.ranking.measures import Measure, RankedMetric
from services.analyzer.domain.ranking.question import CANDIDATES_MAX, CONSTRAINTS_MAX, PRESETS, Constraint, Objective, Question
from services.analyzer.messages.keys import TEXT_BYTES_MAX, checked_text, timestamp

_WITH_QUANTILE: Final = frozenset({RankedMetric.LATENCY, RankedMetric.TIME_TO_FIRST_TOKEN})
_RATIOS: Final = frozenset({RankedMetric.SUCCESS, RankedMetric.QUALITY})
_LISTS: Final = ("allowed_providers", "allowed_models", "denied_providers", "denied_models")
# Weights and counts beyond this are mistakes, and sums of them might overflow.
_AMOUNT_MAX = 1e9
# Shorter, and a quiet day leaves nothing; longer than evidence is looked for makes no difference.
HALF_LIFE_DAYS_MIN, HALF_LIFE_DAYS_MAX = 0.1, 365.0


def question_from_message(request: contract.RankProvidersRequest) -> Question:
    """What is asked. Raises FIELD_INVALID."""
    if len(request.candidates) + sum(len(getattr(request, name)) for name in _LISTS) > CANDIDATES_MAX:
        raise invalid("candidates", f"candidates, and providers and models to be allowed and denied: at most {CANDIDATES_MAX} together")
    if not 0.0 <= request.call_count_min <= _AMOUNT_MAX:
        raise invalid("call_count_min", "at least 0, and a number")
    allowed_providers, allowed_models, denied_providers, denied_models = (
        frozenset(_texts(name, getattr(request, name))) for name in _LISTS
    )
    return Question(
        task_type=checked_text("task_type", request.task_type, TEXT_BYTES_MAX),
        objective=_objective(request),
        constraints=_constraints(request.constraints),
        call_count_min=request.call_count_min,
        candidates=tuple(Candidate(*_texts("candidates", (each.provider, each.model))) for each in request.candidates),
        allowed_providers=allowed_providers,
        allowed_models=allowed_models,
        denied_providers=denied_providers,
        denied_models=denied_models,
    )


def question_key(request: contract.RankProvidersRequest) -> bytes:
    """The same for the same question of the same project."""
    question = contract.RankProvidersRequest()
    question.CopyFrom(request)
    question.ClearField("project")
    return question.SerializeToString(deterministic=True)


def half_life_from_message(request: contract.RankProvidersRequest) -> float | None:
    """Days after which a call counts half, None for the usual. Raises FIELD_INVALID."""
    if not request.HasField("half_life_days"):
        return None
    if not HALF_LIFE_DAYS_MIN <= request.half_life_days <= HALF_LIFE_DAYS_MAX:
        raise invalid("half_life_days", f"lies between {HALF_LIFE_DAYS_MIN:g} and {HALF_LIFE_DAYS_MAX:g}")
    return request.half_life_days


def prompt_from_message(request: contract.RankProvidersRequest) -> tuple[str, str]:
    """Name and version of the prompt whose calls count, "" for all. Raises FIELD_INVALID."""
    name = checked_text("prompt_name", request.prompt_name, TEXT_BYTES_MAX)
    version = checked_text("prompt_version", request.prompt_version, TEXT_BYTES_MAX)
    if version and not name:
        raise invalid("prompt_version", "needs prompt_name")
    return name, version


def embedded_question(project: str, question: contract.RankProvidersRequest) -> contract.RankProvidersRequest:
    """A question that is part of another request, which names the project. Raises FIELD_INVALID."""
    if question.project:
        raise invalid("question.project", "name the project beside the question")
    whole = contract.RankProvidersRequest()
    whole.CopyFrom(question)
    whole.project = project
    return whole


def ranking_to_message(ranking: Ranking) -> contract.RankProvidersResponse:
    """A ranking as the contract has it, without an id."""
    return contract.RankProvidersResponse(
        task_type=ranking.task_type,
        candidates=map(_ranked, ranking.candidates),
        left_out=map(_left_out, ranking.left_out),
        unmeasured=map(_measure, ranking.unmeasured),
        as_of_time=timestamp(ranking.as_of_s),
        is_stale=ranking.is_stale,
        empty_reason=ranking.empty_reason,
    )


def candidate_to_message(candidate: Candidate) -> contract.RankingCandidate:
    """Who, as the contract has it."""
    return contract.RankingCandidate(provider=candidate.provider, model=candidate.model)


def _objective(request: contract.RankProvidersRequest) -> Objective:
    if request.preset not in contract.ObjectivePreset.values():
        raise invalid("preset", "names a value that there is not")
    if not request.weights:
        preset = request.preset or contract.OBJECTIVE_PRESET_BALANCED
        return PRESETS[contract.ObjectivePreset.Name(preset).removeprefix("OBJECTIVE_PRESET_").lower()]
    if request.preset:
        raise invalid("weights", "give a preset or weights")
    weights: dict[Measure, float] = {}
    for each in request.weights:
        if not 0.0 <= each.weight <= _AMOUNT_MAX:
            raise invalid("weights", f"a weight lies between 0 and {_AMOUNT_MAX:g}")
        measure = _measure_from_message("weights", each.measure)
        if measure in weights:
            raise invalid("weights", "an objective has one weight a metric")
        weights[measure] = each.weight
    return Objective(weights)


def _constraints(given: Sequence[contract.RankingConstraint]) -> tuple[Constraint, ...]:
    if len(given) > CONSTRAINTS_MAX:
        raise invalid("constraints", f"at most {CONSTRAINTS_MAX}")
    found = []
    for each in given:
        measure = _measure_from_message("constraints", each.measure)
        if measure.metric in _RATIOS and each.bound > 1.0:
            raise invalid("constraints", "a ratio is bounded between 0 and 1")
        found.append(Constraint(measure, each.bound, each.probability) if each.HasField("probability") else Constraint(measure, each.bound))
    return tuple(found)


def _measure_from_message(field: str, message: contract.RankedMeasure) -> Measure:
    """The contract numbers the metrics from 1, with 0 for none. Raises FIELD_INVALID."""
    try:
        metric = RankedMetric(message.metric - 1)
    except ValueError:
        raise invalid(field, "name one of the metrics") from None
    return Measure(metric, message.quantile) if metric in _WITH_QUANTILE and message.HasField("quantile") else Measure(metric)


def _texts(field: str, values: Sequence[str]) -> list[str]:
    return [checked_text(field, value, TEXT_BYTES_MAX) for value in values]


def _measure(measure: Measure) -> contract.RankedMeasure:
    quantile = measure.quantile if measure.metric in _WITH_QUANTILE else None
    return contract.RankedMeasure(metric=contract.RankedMetric.ValueType(measure.metric + 1), quantile=quantile)


def _ranked(one: RankedCandidate) -> contract.RankedCandidate:
    return contract.RankedCandidate(
        candidate=candidate_to_message(one.candidate),
        rank=one.rank,
        rank_low=one.rank_low,
        rank_high=one.rank_high,
        probability_best=one.probability_best,
        is_tied_with_first=one.is_tied_with_first,
        score=one.score,
        score_low=one.score_low,
        score_high=one.score_high,
        suggested_share=one.suggested_ratio,
        call_count=one.call_count,
        last_call_time=timestamp(one.last_call_s),
        is_in_anomaly=bool(one.incident),
        anomaly=one.incident,
        estimates=map(_estimate, one.estimates),
        reasons=one.reasons,
    )


def _estimate(one: Estimate) -> contract.RankedEstimate:
    return contract.RankedEstimate(measure=_measure(one.measure), value=one.value, low=one.low, high=one.high, evidence_count=one.count)


def _left_out(one: LeftOut) -> contract.LeftOutCandidate:
    reason = contract.LeftOutReason.Value(f"LEFT_OUT_REASON_{one.reason}")
    return contract.LeftOutCandidate(candidate=candidate_to_message(one.candidate), reason=reason, explanation=one.words)
