"""Fields that are no longer filled."""

import numpy as np
import pytest

from services.analyzer.domain.fields import STATE_OCTETS, FieldWatch
from services.analyzer.domain.metric import Metric
from services.analyzer.domain.monitor_configuration import MonitorConfiguration
from tests.analyzer.monitor.fleet import DAY_S, HOUR_S, START_S, Fleet, Wrong, grid

CONFIGURATION = MonitorConfiguration()
FLEET = Fleet(grid(["p", "q"], ["a"], ["x"]), (60.0, 2.0))
ALL = {Metric.TIME_TO_FIRST_TOKEN, Metric.OUTPUT_TOKENS, Metric.COST_PER_CALL}


def taught_watch(fleet: Fleet = FLEET, hours: int = 48) -> FieldWatch:
    watch = FieldWatch(CONFIGURATION)
    watch.grow(len(fleet.keys))
    for hour in range(hours):
        watch.learn(fleet.windows(START_S - (hours - hour) * HOUR_S, HOUR_S))
    return watch


def looked(watch: FieldWatch, fleet: Fleet, minutes: range) -> list[set[tuple[int, Metric]]]:
    """What is missing after each minute."""
    found = []
    for minute in minutes:
        watch.observe(fleet.windows(START_S + 60 * minute, 60))
        missing = watch.missing()
        found.append({(series, Metric(metric)) for series, metric in zip(missing.series.tolist(), missing.metric.tolist(), strict=True)})
    return found


@pytest.mark.parametrize(
    ("wrong", "metrics"),
    [
        (Wrong(START_S, START_S + HOUR_S, lacks_first_token=True), {Metric.TIME_TO_FIRST_TOKEN}),
        (Wrong(START_S, START_S + HOUR_S, lacks_cost=True), {Metric.COST_PER_CALL}),
        (Wrong(START_S, START_S + HOUR_S, lacks_usage=True), {Metric.OUTPUT_TOKENS, Metric.COST_PER_CALL}),
    ],
)
def test_a_field_is_missed_after_a_few_calls_and_found_again_after_a_few(wrong: Wrong, metrics: set[Metric]) -> None:
    watch, fleet = taught_watch(), FLEET.with_wrong(wrong)
    found = looked(watch, fleet, range(120))
    busy = [{metric for series, metric in each if series == 0} for each in found]
    assert busy.index(metrics) <= 12 and busy[59] == metrics
    assert busy[75:] == [set()] * 45
    assert set().union(*busy) == metrics


def test_what_is_told_has_its_counts_and_its_time() -> None:
    watch = taught_watch()
    looked(watch, FLEET.with_wrong(Wrong(START_S + 600, START_S + HOUR_S, lambda key: key.provider == "p", lacks_cost=True)), range(40))
    missing = watch.missing()
    assert missing.series.tolist() == [0]
    assert START_S + 540 <= missing.onset_s[0] <= START_S + 720
    assert missing.seen_s[0] == START_S + 2_400
    assert missing.missing_count[0] == missing.call_count[0] > 15
    assert missing.filled_ratio[0] > 0.99 and missing.log10_e[0] >= CONFIGURATION.field_log10_e


@pytest.mark.parametrize("hours", [0, 48])
def test_nothing_is_missed_of_a_series_that_never_had_it_or_is_hardly_known(hours: int) -> None:
    never = Wrong(0, START_S + DAY_S, lacks_cost=True, lacks_first_token=True)
    fleet = FLEET.with_wrong(never) if hours else FLEET.with_wrong(Wrong(START_S + 60, START_S + DAY_S, lacks_cost=True))
    assert not any(looked(taught_watch(fleet, hours), fleet, range(60)))


def test_a_field_that_some_calls_lack_is_not_missed_for_that() -> None:
    rng = np.random.default_rng(5)
    watch = taught_watch()
    for minute in range(300):
        window = FLEET.windows(START_S + 60 * minute, 60)
        window.first_token_count[:] = rng.binomial(window.succeeded_count, 0.93)
        (watch.learn if minute < 200 else watch.observe)(window)
        assert not len(watch.missing().series)


def test_a_field_that_stays_away_becomes_normal() -> None:
    watch = taught_watch()
    fleet = FLEET.with_wrong(Wrong(START_S, START_S + 30 * DAY_S, lambda key: key.provider == "p", lacks_cost=True))
    looked(watch, fleet, range(30))
    assert not len(watch.pass_time(START_S + DAY_S))
    assert watch.pass_time(START_S + 3 * DAY_S + HOUR_S).tolist() == [0]
    assert not any(looked(watch, fleet, range(5_000, 5_100)))


def test_what_is_known_survives_as_bytes() -> None:
    watch, other = taught_watch(), FieldWatch(CONFIGURATION)
    looked(watch, FLEET.with_wrong(Wrong(START_S, START_S + HOUR_S, lacks_cost=True)), range(20))
    other.grow(2)
    other.restore(0, watch.state(0))
    assert len(watch.state(0)) == STATE_OCTETS
    assert (other.columns[0] == watch.columns[0]).all() and len(other.missing().series) == 1
