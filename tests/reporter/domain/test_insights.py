"""Each insight finds its fact, and keeps silent without one."""

import numpy as np
import pytest

from bench.reports_plants import PLANTS, quiet
from bench.reports_world import history, quiet_world
from services.reporter.domain.build import build, held_findings
from services.reporter.domain.insights.scene import scene_of
from services.reporter.domain.period_data import SeriesKey, Sum, Table
from services.reporter.domain.prices import Model, fitted_prices
from services.reporter.domain.report import InsightKind, RecommendationKind
from tests.reporter.samples import CEDAR, MONDAY, Series, changed, fleet, key, only_now, period_data, steady, until_now

ALDER = {"price": 1e-6, "success": 0.88, "quality": 0.6, "accepted": 0.6, "latency_s": 1.5}


def kinds(series: dict[SeriesKey, Series], **more: object) -> dict[InsightKind, str]:
    """What is told of a period, and what about."""
    return {each.kind: each.subject for each in build(period_data(series, **more)).insights}


def test_a_quiet_week_is_told_in_one_sentence() -> None:
    report = build(period_data(fleet()))
    assert not report.insights and not report.recommendations
    assert report.summary[1] == "Nothing changed beyond the usual ups and downs."
    assert "Nothing has to be done" in report.summary[4]


@pytest.mark.parametrize(
    ("after", "kind", "subject"),
    [
        ({**CEDAR, "calls": 300.0}, InsightKind.VOLUME, "review"),
        ({**CEDAR, "price": 5e-6}, InsightKind.PRICE, "cedar/cedar-1"),
        ({**CEDAR, "price": 3e-6}, InsightKind.PRICE, "cedar/cedar-1"),
        ({**CEDAR, "input_tokens": 1_600.0, "output_tokens": 160.0}, InsightKind.TOKENS, "review/main"),
        ({**CEDAR, "cached_ratio": 0.05}, InsightKind.CACHE, "cedar/cedar-1/review"),
        ({**CEDAR, "cached_ratio": 0.9}, InsightKind.CACHE, "cedar/cedar-1/review"),
        ({**CEDAR, "latency_s": 4.5}, InsightKind.LATENCY, "cedar/cedar-1"),
        ({**CEDAR, "latency_s": 2.0}, InsightKind.LATENCY, "cedar/cedar-1"),
        ({**CEDAR, "success": 0.85, "failure": Sum.RATE_LIMITED}, InsightKind.ERRORS, "cedar/cedar-1"),
        ({**CEDAR, "revisions": 1.2}, InsightKind.REVISIONS, "review"),
        ({**CEDAR, "revisions": 0.0}, InsightKind.REVISIONS, "review"),
    ],
)
def test_what_changed_is_told_as_what_it_is(after: dict[str, float], kind: InsightKind, subject: str) -> None:
    told = kinds(fleet(cedar=changed(CEDAR, after)))
    assert told[kind] == subject


def test_calls_that_go_to_a_dearer_model_are_a_mix_and_no_price() -> None:
    series = fleet(cedar=changed(CEDAR, {**CEDAR, "calls": 350.0}), alder=changed(ALDER, {**ALDER, "calls": 50.0}))
    told = build(period_data(series)).insights
    assert told[0].kind is InsightKind.MIX and told[0].title == "review moved to dearer models"
    assert "cedar-1 from 33" in told[0].text
    back = build(period_data(fleet(cedar=changed(CEDAR, {**CEDAR, "calls": 50.0}), alder=changed(ALDER, {**ALDER, "calls": 350.0}))))
    assert back.insights[0].title == "review moved to cheaper models"


def test_a_new_version_that_takes_more_tokens_is_named_and_going_back_is_advised() -> None:
    series = fleet(cedar=until_now(**CEDAR))
    series[key("cedar", "cedar-1", version="v2")] = only_now(**{**CEDAR, "input_tokens": 1_800.0, "output_tokens": 180.0})
    report = build(period_data(series))
    assert report.insights[0].kind is InsightKind.WASTEFUL_PROMPT and "v2" in report.insights[0].title
    advice = report.recommendations[0]
    assert advice.kind is RecommendationKind.TRIM_PROMPT and advice.title.startswith("Go back from version v2")
    assert advice.saving is not None and advice.saving.low > 0


def test_a_prompt_without_a_name_that_grows_is_told_without_one() -> None:
    before = {key(provider, f"{provider}-1", prompt=""): steady() for provider in ("alder", "birch")}
    grown = {each: changed({}, {"input_tokens": 1_500.0, "output_tokens": 150.0}) for each in before}
    report = build(period_data(grown))
    assert report.insights[0].title.startswith("The calls of review without a named prompt takes 5")
    assert report.recommendations[0].title == "Bring calls of review without a named prompt back to its earlier length"


def test_a_model_that_another_beats_in_everything_is_advised_against() -> None:
    series = {
        key("cedar", "cedar-1"): steady(price=6e-6, success=0.9, quality=0.7, accepted=0.7, latency_s=4.0),
        key("birch", "birch-1"): steady(price=2e-6),
        key("birch", "birch-1", prompt="only here"): steady(calls=30.0),
        key("alder", "alder-1"): steady(calls=2.0),
    }
    report = build(period_data(series))
    advice = report.recommendations[0]
    assert advice.kind is RecommendationKind.MOVE_MODEL
    assert advice.title == "Move review from cedar-1 to birch-1"
    assert advice.saving is not None and advice.saving.low > 0
    assert dict(advice.effects)["cost per call"].value == pytest.approx(-2 / 3, abs=0.02)
    assert report.insights[0].kind is InsightKind.DOMINATED_MODEL


@pytest.mark.parametrize(
    "lacking",
    [
        {"quality": 0.5},
        {"success": 0.7},
        {"latency_s": 9.0},
        {"scored_ratio": 0.0, "accepted": 0.0},
    ],
)
def test_a_cheap_model_that_is_worse_in_anything_is_not_advised(lacking: dict[str, float]) -> None:
    series = {
        key("cedar", "cedar-1"): steady(price=6e-6, **({"scored_ratio": 0.0, "accepted": 0.0} if "scored_ratio" in lacking else {})),
        key("birch", "birch-1"): steady(**{"price": 2e-6, **lacking}),
    }
    report = build(period_data(series))
    assert not [each for each in report.recommendations if each.kind is RecommendationKind.MOVE_MODEL]


def test_what_nobody_scored_is_not_told_of_a_move() -> None:
    series = {key("cedar", "cedar-1"): steady(price=6e-6, scored_ratio=0.0), key("birch", "birch-1"): steady(price=2e-6, scored_ratio=0.0)}
    names = [name for name, _ in build(period_data(series)).recommendations[0].effects]
    assert "tasks accepted" in names and "quality" not in names


def test_models_are_not_compared_where_the_other_served_hardly_any_of_the_prompts() -> None:
    series = {
        key("cedar", "cedar-1"): steady(price=6e-6, calls=20.0),
        key("cedar", "cedar-1", prompt="most of it"): steady(price=6e-6, calls=500.0),
        key("birch", "birch-1"): steady(price=2e-6, calls=20.0),
        key("alder", "alder-1", prompt="alone"): steady(),
    }
    assert not build(period_data(series)).recommendations


def test_with_several_better_models_the_calls_go_to_the_best_of_them() -> None:
    worse = {"success": 0.9, "quality": 0.7, "accepted": 0.7, "latency_s": 4.0}
    middle = {"success": 0.93, "quality": 0.76, "accepted": 0.76, "latency_s": 3.0}
    series = {
        key("cedar", "cedar-1"): steady(price=9e-6, **worse),
        key("birch", "birch-1"): steady(price=5e-6, **middle),
        key("alder", "alder-1"): steady(price=2e-6),
    }
    moves = {each.title for each in build(period_data(series)).recommendations}
    assert moves == {"Move review from cedar-1 to alder-1", "Move review from birch-1 to alder-1"}


def test_a_kind_of_task_without_any_evidence_is_told() -> None:
    series = {
        key("alder", "alder-1"): steady(scored_ratio=0.0, accepted=0.0),
        key("birch", "birch-1"): steady(scored_ratio=0.0, accepted=0.0),
    }
    assert kinds(series)[InsightKind.LITTLE_EVIDENCE] == "review"


def test_longer_answers_and_other_hours_are_taken_off_what_a_model_is_slower_by() -> None:
    slow = {"output_tokens": 200.0, "latency_s": 4.0}

    def growing(week: int, day: int) -> object:
        from tests.reporter.samples import Calls

        size = 1.0 + 0.1 * ((3 * week + day) % 7)
        return Calls(output_tokens=100.0 * size, latency_s=2.0 * size) if week else Calls(**slow)

    hours = [np.array([1_000.0 if hour == busy else 10.0 for hour in range(24)]) for busy in (15, 3)]
    tables = [hour_table(calls) for calls in hours]
    series: dict[SeriesKey, Series] = {key(): growing}  # type: ignore[dict-item]
    for previous, of_hours in ((tables[1], True), (hour_table(hours[1], latency_s=0.0), False)):
        report = build(period_data(series, period_hours=tables[0], previous_hours=previous))
        text = next(each.text for each in report.insights if each.kind is InsightKind.LATENCY)
        assert "by the length of answers" in text and ("by the hours at which it was called" in text) is of_hours


def hour_table(calls: np.ndarray, latency_s: float = 2.0) -> Table:
    """A day by the hour, slower in the afternoon."""
    sums = np.zeros((len(Sum), 24))
    sums[Sum.SUCCEEDED] = calls
    sums[Sum.LATENCY_S] = calls * latency_s * np.where(np.arange(24) > 12, 1.6, 1.0)
    start = int(MONDAY.timestamp())
    return Table((SeriesKey("alder", "alder-1", ""),), np.zeros(24, np.int64), start + 3_600 * np.arange(24), sums)


def test_the_length_of_answers_says_nothing_without_tokens_or_with_few_windows() -> None:
    silent = {key(): changed({"output_tokens": 0.0}, {"output_tokens": 0.0, "latency_s": 5.0})}
    text = next(each.text for each in build(period_data(silent)).insights if each.kind is InsightKind.LATENCY)
    assert "length" not in text
    few = {key(): changed({}, {"latency_s": 9.0}), key("birch", "birch-1"): steady()}
    text = next(each.text for each in build(period_data(few, weeks=2)).insights if each.kind is InsightKind.LATENCY)
    assert "length" not in text


@pytest.mark.parametrize("cached", [0.1, 0.5])
def test_prices_are_read_off_what_calls_cost(cached: float) -> None:
    world = quiet_world(3)
    world.cache_price_ratio[:] = cached
    prices = fitted_prices(scene_of(history(world)).grid, -1)
    for place, each in enumerate(world.keys):
        told = prices[Model(each.provider, each.model)]
        fresh = world.price[place, -1]
        assert told[:2] == pytest.approx([fresh, cached * fresh], rel=0.02)
        assert told[3] == pytest.approx(5 * fresh, rel=0.02)


def test_prices_that_windows_cannot_tell_apart_are_the_usual_ones() -> None:
    """Costs that fall as tokens rise are no price list."""

    def odd(week: int, day: int) -> object:
        from tests.reporter.samples import Calls

        return Calls(input_tokens=1_000.0 + 300 * day, price=2e-6 / (1 + day) ** 2)

    series: dict[SeriesKey, Series] = {key(): odd, key("birch", "birch-1"): steady(cost_unknown=True)}  # type: ignore[dict-item]
    scene = scene_of(period_data(series))
    prices = fitted_prices(scene.grid, -1)
    assert list(prices) == [Model("alder", "alder-1")]
    assert prices[Model("alder", "alder-1")][3] / prices[Model("alder", "alder-1")][0] == pytest.approx(5.0)


@pytest.mark.parametrize("name", PLANTS)
def test_a_planted_fact_is_among_the_first_three(name: str) -> None:
    seen = quiet(quiet_world(1))
    planted = PLANTS[name](seen.world, seen, 7.0, True)
    held = held_findings(scene_of(history(planted.world)))
    assert (planted.kind, planted.subject) in [(each.finding.kind, each.finding.subject) for each in held[:3]]


def test_nothing_is_advised_where_every_model_is_worth_its_price() -> None:
    advised = [build(history(quiet_world(seed))).recommendations for seed in range(300, 303)]
    assert not any(advised)
