"""The first five sentences, for who reads no further."""

from collections.abc import Sequence

from services.reporter.domain.comparisons import WHOLE, Comparison
from services.reporter.domain.grid import began_at
from services.reporter.domain.insights.finding import Judged
from services.reporter.domain.insights.scene import Scene
from services.reporter.domain.measures import CALLS, COST_PER_ACCEPTED, QUALITY, SPEND, SUCCESS, Measure, Unit
from services.reporter.domain.period_data import Sum
from services.reporter.domain.records import effect_of
from services.reporter.domain.report import Mark, Money, Recommendation
from services.reporter.domain.spans import zone_of
from services.reporter.domain.words import change_cell, listed, moment, plural, text


def summary(
    scene: Scene, compared: Sequence[Comparison], held: Sequence[Judged], advice: Sequence[Recommendation], money: Money
) -> tuple[str, ...]:
    """What happened, what changed, what it brought, what went wrong, what to do. Of a period without calls, why there is nothing."""
    if not scene.grid.of(Sum.CALLS).sum():
        return (_empty(scene), money.text) if scene.data.days else (_empty(scene),)
    of = {each.measure: each for each in compared if each.cell == WHOLE}
    return (_happened(of), _changed(scene, held), _brought(of, money), _went_wrong(scene), _to_do(advice))


def _empty(scene: Scene) -> str:
    data = scene.data
    zone = zone_of(data.zone)
    began = began_at(data)
    if began is None:
        return "Nothing has been recorded in this project yet: there is nothing to report."
    if began >= data.end:
        return f"The project's first call came after this period, on {moment(began, zone)}: there is nothing to report."
    return "No call was recorded in this period. Either nobody asked a provider for anything, or recording is broken: look at the clients."


def _happened(of: dict[Measure, Comparison]) -> str:
    calls, spend, success = of[CALLS], of[SPEND], of.get(SUCCESS)
    told = f"{plural(round(calls.now), 'call')}{_against(calls)}, {text(spend.now, Unit.USD)} spent{_against(spend)}"
    return f"{told}; {text(success.now, Unit.RATIO)} succeeded{_against(success)}." if success else f"{told}."


def _against(one: Comparison) -> str:
    """The change in brackets; what is within the usual ups and downs is said to be so."""
    change = change_cell(one.now, one.previous, is_difference=one.measure.is_difference)
    if change.value is None:
        return ""
    return f" ({change.text})" if one.previous_mark is not Mark.NONE else f" ({change.text}, no more than usual)"


def _changed(scene: Scene, held: Sequence[Judged]) -> str:
    if held:
        first = held[0].finding
        return f"{first.title}. {first.text}"
    return "Nothing changed beyond the usual ups and downs." if scene.is_comparable else "There is nothing before to compare with."


def _brought(of: dict[Measure, Comparison], money: Money) -> str:
    told = [
        f"{name} {text(one.now, one.measure.unit)}{_against(one)}"
        for measure, name in ((COST_PER_ACCEPTED, "an accepted task cost"), (QUALITY, "quality was"))
        if (one := of.get(measure)) and one.now == one.now
    ]
    begin = f"{listed(told)}. " if told else ""
    return f"{begin[:1].upper()}{begin[1:]}{money.text}"


def _went_wrong(scene: Scene) -> str:
    data = scene.data
    if not data.anomalies and not data.alerts:
        return "No anomaly and no alert."
    effects = [effect_of(scene, each) for each in data.anomalies]
    failed = sum(each for each, _ in effects if each == each)  # noqa: PLR0124 - not NaN
    lost = sum(each for _, each in effects if each == each)  # noqa: PLR0124 - not NaN
    open_count = sum(each.end is None for each in data.anomalies)
    told = f"{plural(len(data.anomalies), 'anomaly', 'anomalies')} and {plural(len(data.alerts), 'alert')}"
    effect = f": {plural(round(failed), 'failed call')} and {text(lost, Unit.USD)}" if failed or lost else ""
    going = f"; {open_count} of them {'goes' if open_count == 1 else 'go'} on" if open_count else ""
    return f"{told}{effect}{going}."


def _to_do(advice: Sequence[Recommendation]) -> str:
    if not advice:
        return "Nothing has to be done: no change would surely pay."
    first = advice[0]
    saving = f": saves {first.saving.text} a month" if first.saving else ""
    more = f" And {plural(len(advice) - 1, 'other recommendation')} below." if len(advice) > 1 else ""
    return f"{first.title}{saving}.{more}"
