"""What to do: from findings that hold, each with what it would bring in a month, and what became of earlier advice."""

import hashlib
from typing import Final

from services.reporter.domain.insights.finding import Advice, Judged
from services.reporter.domain.insights.scene import Scene
from services.reporter.domain.measures import Unit
from services.reporter.domain.period_data import EarlierRecommendation, PromptVerdict, State, Sum
from services.reporter.domain.report import Basis, FollowUp, Money, Recommendation, RecommendationKind
from services.reporter.domain.statistics import growth
from services.reporter.domain.words import points, text, usd_estimate

RECOMMENDATIONS_MAX: Final = 5
_HIGH = 0.95
# What would save less of the spend is not worth anybody's morning.
_SAVING_MIN = 0.01


# What became of so many is told; the list has all.
FOLLOW_UPS_MAX = 10


def recommended(scene: Scene, held: list[Judged]) -> tuple[Recommendation, ...]:
    """Advice from findings that hold, the most money first."""
    found = [
        _from_advice(scene, each.finding.advice)
        for each in held
        if each.finding.advice and _saved(each.finding.advice) >= _SAVING_MIN * scene.spend_usd
    ]
    found.sort(key=lambda each: (-(each.saving.value if each.saving else 0.0), each.recommendation_id))
    verdicts = [_from_verdict(scene.data.project, verdict) for verdict in scene.data.prompt_verdicts]
    return tuple((found + verdicts)[:RECOMMENDATIONS_MAX])


def _saved(advice: Advice) -> float:
    return -advice.spend_usd * growth(advice.logarithm)


def _from_advice(scene: Scene, advice: Advice) -> Recommendation:
    factors = [growth(each) for each in (advice.logarithm, advice.logarithm_low, advice.logarithm_high)]
    monthly = advice.spend_usd * scene.month_factor
    after = [advice.before * (1 + advice.share_ratio * each) for each in factors]
    return Recommendation(
        recommendation_id=recommendation_id(scene.data.project, advice.kind, advice.scope),
        kind=advice.kind,
        title=advice.title,
        text=advice.text,
        undo=advice.undo,
        confidence="high" if advice.probability >= _HIGH else "medium",
        confidence_ratio=round(advice.probability, 3),
        comparable_call_count=advice.call_count,
        task_type=advice.task_type,
        provider=advice.provider,
        model=advice.model,
        saving=usd_estimate(-monthly * factors[0], -monthly * factors[2], -monthly * factors[1]),
        effects=advice.effects,
        basis=Basis.COST_PER_CALL_USD,
        before=_kept(advice.before),
        predicted=_kept(after[0]),
        predicted_low=_kept(after[1]),
        predicted_high=_kept(after[2]),
    )


def _from_verdict(project: str, verdict: PromptVerdict) -> Recommendation:
    gain, low, high = (points(each).text for each in (verdict.difference, verdict.low, verdict.high))
    return Recommendation(
        recommendation_id=recommendation_id(
            project, RecommendationKind.PROMOTE_PROMPT, (verdict.task_type, verdict.prompt_name, verdict.better, verdict.other)
        ),
        kind=RecommendationKind.PROMOTE_PROMPT,
        title=f"Promote version {verdict.better} of prompt {verdict.prompt_name}, retire {verdict.other}",
        text=f"The comparison is decided: {verdict.metric} {gain} ({low} to {high}), at any time it was looked at.",
        undo=f"Put version {verdict.other} back into use.",
        confidence="high",
        confidence_ratio=_HIGH,
        comparable_call_count=verdict.call_count,
        task_type=verdict.task_type,
        provider="",
        model="",
    )


def budget_rule(project: str, money: Money) -> tuple[Recommendation, ...]:
    """To be told in time, where even the lower end of the forecast is above the budget."""
    if not money.budget or not money.forecast or money.budget.value is None or money.forecast.low <= money.budget.value:
        return ()
    return (
        Recommendation(
            recommendation_id=recommendation_id(project, RecommendationKind.SET_BUDGET_RULE, (money.month,)),
            kind=RecommendationKind.SET_BUDGET_RULE,
            title=f"The budget of {money.budget.text} will not last through {money.month}: raise it, or set a limit",
            text=f"Forecast to the end of the month: {money.forecast.text}. A rule on the month's spend tells when it is reached.",
            undo="Delete the rule.",
            confidence="high",
            confidence_ratio=_HIGH,
            comparable_call_count=0,
            task_type="",
            provider="",
            model="",
        ),
    )


def recommendation_id(project: str, kind: RecommendationKind, scope: tuple[str, ...]) -> str:
    """32 hexadecimal digits; the same advice has the same one."""
    return hashlib.blake2b("\x1f".join((project, kind.value, *scope)).encode(), digest_size=16).hexdigest()


def follow_ups(scene: Scene) -> tuple[FollowUp, ...]:
    """What became of earlier recommendations that somebody took up, in the order in which they are given."""
    decided = [earlier for earlier in scene.data.earlier if earlier.state in {State.DONE, State.ACCEPTED}]
    return tuple(_follow_up(scene, earlier) for earlier in decided[:FOLLOW_UPS_MAX])


def _follow_up(scene: Scene, earlier: EarlierRecommendation) -> FollowUp:
    realised = None
    if earlier.state is not State.DONE:
        words = "Accepted, and not done yet."
    elif earlier.metric != Basis.COST_PER_CALL_USD.value:
        words = "Done."
    elif earlier.done_at is None or earlier.done_at > scene.data.start:
        words = "Done within this period: the next report can say what it brought."
    else:
        realised = _cost_per_call(scene, earlier.task_type)
        words = _realised(earlier, realised)
    return FollowUp(earlier.recommendation_id, earlier.title, earlier.state.value, words, None if realised is None else _kept(realised))


def _realised(earlier: EarlierRecommendation, realised: float | None) -> str:
    if realised is None:
        return f"Done; {earlier.task_type} had no call with a known cost in this period."
    told = text(realised, Unit.USD)
    span = f"{text(earlier.predicted_low, Unit.USD)} to {text(earlier.predicted_high, Unit.USD)}"
    before, predicted = text(earlier.before, Unit.USD), text(earlier.predicted, Unit.USD)
    begin = f"Done. A call of {earlier.task_type} cost {before}; predicted were {predicted} ({span})"
    if realised > earlier.predicted_high:
        return f"{begin}, it is {told}: less was saved than predicted."
    if realised < earlier.predicted_low:
        return f"{begin}, it is {told}: more was saved than predicted."
    return f"{begin}, it is {told}, as predicted."


def _cost_per_call(scene: Scene, task: str) -> float | None:
    places = [place for place, key in enumerate(scene.grid.cells) if key.task_type == task]
    known = float((scene.grid.of(Sum.CALLS) - scene.grid.of(Sum.COST_UNKNOWN))[places].sum())
    return float(scene.grid.of(Sum.COST_USD)[places].sum()) / known if known > 0 else None


def _kept(value: float) -> float:
    """To six significant digits: what is held against it later needs no more."""
    return float(f"{value:.6g}")
