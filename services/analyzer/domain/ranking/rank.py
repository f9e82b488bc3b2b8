"""Ranks the candidates of a question, in milliseconds from what was prepared."""

import math
from dataclasses import dataclass

import numpy as np

from services.analyzer.domain.arrays import Floats, Ints
from services.analyzer.domain.ranking.answer import Estimate, LeftOut, RankedCandidate, Ranking
from services.analyzer.domain.ranking.drawn import INTERVAL_TAIL, SHARE_DRAW_COUNT, SHARPENING, Scores, counted, score_draws
from services.analyzer.domain.ranking.evidence import Candidate
from services.analyzer.domain.ranking.hierarchy import Posterior
from services.analyzer.domain.ranking.measures import Measure, is_lower_better, natural, on_scale, utility
from services.analyzer.domain.ranking.model import Field, Prepared, field_of, model
from services.analyzer.domain.ranking.question import SUCCESS, Constraint, Question
from services.analyzer.domain.ranking.reasons import Standing, reasons

ALL_LEFT_OUT = "every candidate is left out"
NOBODY = "there is no candidate"
NOTHING_MEASURED = "nothing of what candidates are ranked by has been measured"


@dataclass(frozen=True, slots=True)
class _Known:
    """A measure of all candidates of a field; `value`: natural, `worth`: expected utility, both shape (candidates,)."""

    posterior: Posterior
    value: Floats
    worth: Floats
    estimates: tuple[Estimate, ...]


def rank(prepared: Prepared, question: Question) -> Ranking:
    """Answers a question. Deterministic; raises nothing: where nobody can be ranked, the answer says why."""
    field = field_of(prepared.evidence, question.task_type, question.candidates)
    left_out = [_forbidden(each) for each in field.candidates if question.forbids(each)]
    asked = _asked(field, question)
    known = {measure: each for measure in question.measures() if (each := _known(prepared, field, measure))}
    unmeasured = tuple(measure for measure in question.objective.weights if measure not in known)
    refusals = _refusals(question, field, known)
    left_out += [refusals[place] for place in asked if place in refusals]
    chosen = np.array([place for place in asked if place not in refusals], np.int64)
    empty_reason = ""
    if not len(chosen):
        empty_reason = ALL_LEFT_OUT if left_out else NOBODY
    elif not any(question.objective.ratio(measure) for measure in known):
        empty_reason = NOTHING_MEASURED
    ranked = () if empty_reason else _ranked(prepared, question, field, known, chosen)
    as_of_s = prepared.evidence.as_of_s
    answer = Ranking(question.task_type, ranked, tuple(left_out), unmeasured, as_of_s, is_stale=False, empty_reason=empty_reason)
    return answer.at(question.now_s, question.stale_after_s)


def _asked(field: Field, question: Question) -> list[int]:
    named = set(question.candidates)
    return [place for place, each in enumerate(field.candidates) if not question.forbids(each) and (not named or each in named)]


def _known(prepared: Prepared, field: Field, measure: Measure) -> _Known | None:
    modelled = model(prepared, field, measure)
    if not modelled:
        return None
    posterior, count = modelled
    low, high = (natural(measure.metric, posterior.quantile(ratio)) for ratio in (INTERVAL_TAIL, 1 - INTERVAL_TAIL))
    values, weights = posterior.nodes()
    worth = (weights * utility(measure.metric, values)).sum((0, 2))
    value = natural(measure.metric, posterior.expected())
    columns = (each.tolist() for each in (value, low, high, count))
    return _Known(posterior, value, worth, tuple(Estimate(measure, *row) for row in zip(*columns, strict=True)))


def _forbidden(candidate: Candidate) -> LeftOut:
    return LeftOut(candidate, "NOT_ALLOWED", "the question does not allow it")


def _refusals(question: Question, field: Field, known: dict[Measure, _Known]) -> dict[int, LeftOut]:
    """Who may not be chosen by what is known of it, and why; by place. Of several reasons the first is told."""
    told: dict[int, LeftOut] = {}
    for place in np.flatnonzero(field.call_count < question.call_count_min).tolist():
        words = f"{field.call_count[place]:.3g} calls, at least {question.call_count_min:.3g} are asked for"
        told[place] = LeftOut(field.candidates[place], "EVIDENCE_TOO_LITTLE", words)
    for constraint in question.constraints:
        for place, words in _broken(constraint, known.get(constraint.measure), len(field.candidates)).items():
            told.setdefault(place, LeftOut(field.candidates[place], "CONSTRAINT_NOT_MET", words))
    return told


def _broken(constraint: Constraint, known: _Known | None, count: int) -> dict[int, str]:
    """Who does not keep a bound surely enough, by place, and how."""
    measure = constraint.measure
    if not known:
        return dict.fromkeys(range(count), f"{measure.words} has not been measured")
    is_most = is_lower_better(measure.metric)
    below = known.posterior.probability_below(np.full(count, on_scale(measure.metric, constraint.bound)))
    probability = below if is_most else 1 - below
    asked = f"{measure.words} is at {'most' if is_most else 'least'} {measure.told(constraint.bound)} with a probability of"
    return {
        int(place): f"{asked} {probability[place]:.2f}, {constraint.probability:g} is asked for; it is {known.estimates[place].words}"
        for place in np.flatnonzero(probability < constraint.probability).tolist()
    }


def _ranked(
    prepared: Prepared, question: Question, field: Field, known: dict[Measure, _Known], chosen: Ints
) -> tuple[RankedCandidate, ...]:
    """The chosen candidates, the first first."""
    weights = {measure: ratio for measure in known if (ratio := question.objective.ratio(measure))}
    weights = {measure: ratio / sum(weights.values()) for measure, ratio in weights.items()}
    worth = {measure: ratio * known[measure].worth[chosen] for measure, ratio in weights.items()}
    left = _left_in_incidents(field, known)[chosen]
    expected = left * np.sum(list(worth.values()), axis=0)
    usual = [(measure.metric, ratio, known[measure].posterior) for measure, ratio in weights.items()]
    sharpened = [(measure.metric, ratio, _sharpened(prepared, field, measure)) for measure, ratio in weights.items()]
    scores = counted(left * score_draws(usual, chosen), left * score_draws(sharpened, chosen, SHARE_DRAW_COUNT), expected)
    gains = {measure: each - np.median(each) for measure, each in worth.items()}
    order = sorted(range(len(chosen)), key=lambda column: (-expected[column], field.candidates[chosen[column]]))
    ranked = []
    for number, column in enumerate(order, 1):
        estimates = {measure: each.estimates[chosen[column]] for measure, each in known.items()}
        gain = {measure: float(each[column]) for measure, each in gains.items()}
        standing = _standing(prepared, question, field, scores, number=number, column=column, place=int(chosen[column]))
        ranked.append(_candidate(standing, scores, column, expected=float(expected[column]), estimates=estimates, gain=gain))
    return tuple(ranked)


def _left_in_incidents(field: Field, known: dict[Measure, _Known]) -> Floats:
    """What is left of each candidate's worth: in an incident, as much as it succeeds. Cheap failures are worth nothing."""
    succeeds = known[SUCCESS].value if SUCCESS in known else np.ones(len(field.places))
    return np.where(field.is_in_incident, succeeds, 1.0)


def _sharpened(prepared: Prepared, field: Field, measure: Measure) -> Posterior:
    modelled = model(prepared, field, measure, sharpening=SHARPENING)
    assert modelled is not None  # noqa: S101 - it is known unsharpened
    return modelled[0]


def _standing(prepared: Prepared, question: Question, field: Field, scores: Scores, *, number: int, column: int, place: int) -> Standing:
    candidate = field.candidates[place]
    last_call_s = float(field.last_call_s[place])
    return Standing(
        candidate,
        number,
        bool(scores.is_tied[column]),
        float(field.call_count[place]),
        None if math.isnan(last_call_s) else last_call_s,
        bool(field.places[place] >= 0),
        prepared.evidence.incidents.get((candidate, question.task_type), ""),
    )


def _candidate(
    standing: Standing, scores: Scores, column: int, *, expected: float, estimates: dict[Measure, Estimate], gain: dict[Measure, float]
) -> RankedCandidate:
    """Puts the answer together. An expected score may lie outside of a rank interval that draws gave by a hair: the interval gives way."""
    return RankedCandidate(
        standing.candidate,
        rank=standing.rank,
        rank_low=min(int(scores.rank_low[column]), standing.rank),
        rank_high=max(int(scores.rank_high[column]), standing.rank),
        probability_best=float(scores.probability_best[column]),
        is_tied_with_first=standing.is_tied,
        score=expected,
        score_low=float(scores.low[column]),
        score_high=float(scores.high[column]),
        suggested_ratio=float(scores.suggested_ratio[column]),
        call_count=standing.call_count,
        last_call_s=standing.last_call_s,
        incident=standing.incident,
        estimates=tuple(estimates.values()),
        reasons=reasons(standing, estimates, gain),
    )
