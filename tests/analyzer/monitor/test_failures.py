"""Failures of groups of series taken together."""

import numpy as np
import pytest

from services.analyzer.domain.failures import STATE_OCTETS, FailureWatch
from services.analyzer.domain.monitor_configuration import HOUR_S, MonitorConfiguration
from services.analyzer.domain.roster import Roster
from services.analyzer.domain.window_columns import EMPTY
from tests.analyzer.monitor.fleet import START_S, Fleet, Wrong, grid

CONFIGURATION = MonitorConfiguration()
KEYS = grid(["p", "q"], "abcd", [f"t{number}" for number in range(10)])


class World:
    """A watch over forty series of each of two providers, whose failure ratios are known."""

    def __init__(self, rate: float, wrong: tuple[Wrong, ...] = (), known_calls: float = 2_000.0, seed: int = 0) -> None:
        self.fleet = Fleet(KEYS, (rate,) * len(KEYS), seed=seed, wrong=wrong)
        self.roster = Roster()
        self.roster.add(range(len(KEYS)), KEYS)
        self.watch = FailureWatch(self.roster, CONFIGURATION)
        self.watch.grow()
        self.known_calls = known_calls
        self.failed = 0

    def look(self, minute: int, step: int = 1) -> set[str]:
        """One window; the providers of what fails."""
        start_s = START_S + 60 * minute
        windows = self.fleet.windows(start_s, 60 * step)
        ratio = np.full(len(windows), 1 - self.fleet.success_ratio)
        daily = self.roster.summed(np.arange(len(KEYS)), 24 * np.array(self.fleet.rates))
        self.watch.observe(windows, ratio, np.full(len(windows), self.known_calls), daily, start_s + 60 * step)
        self.failed += int((windows.decided_count - windows.succeeded_count)[windows.series < 40].sum())
        return {self.roster.keys[number].provider for number in self.watch.failing().series.tolist()}


def outage(minutes: int = 60, ratio: float = 0.95) -> tuple[Wrong, ...]:
    return (Wrong(START_S, START_S + 60 * minutes, lambda key: key.provider == "p", failing_ratio=ratio),)


@pytest.mark.parametrize("seed", range(4))
def test_an_outage_at_fifteen_calls_a_minute_is_found_in_the_first_whole_minute(seed: int) -> None:
    world = World(30.0, outage(), seed=seed)
    assert world.look(0) == {"p"}


@pytest.mark.parametrize("seed", range(4))
def test_an_outage_of_slow_series_is_found_by_their_first_eight_failures(seed: int) -> None:
    world = World(2.0, outage(), seed=seed)
    minute = next(minute for minute in range(60) if world.look(minute) == {"p"})
    assert world.failed <= 8 and minute < 10
    failing = world.watch.failing()
    assert len(set(failing.series.tolist())) == len(failing.series) >= 4
    assert (failing.failed >= 1).all() and (failing.expected < 0.3).all() and (failing.log10_e > 0).all()


def test_an_outage_is_over_after_some_calls_and_by_time() -> None:
    world = World(30.0, outage(10))
    found = [world.look(minute) for minute in range(30)]
    assert all(each == {"p"} for each in found[:10]) and not any(found[13:])
    assert not world.watch.counts[:, :, 1].any() or world.watch.evidence.max() < 3
    again = World(30.0, outage(10))
    again.look(0)
    again.watch.pass_time(START_S + 5 * HOUR_S)
    assert len(again.watch.failing().series)
    again.watch.pass_time(START_S + 7 * HOUR_S)
    assert not len(again.watch.failing().series)


def test_a_model_that_fails_in_part_is_found_with_its_series() -> None:
    wrong = Wrong(START_S, START_S + 3_600, lambda key: key.model == "p-b", failing_ratio=0.3)
    world = World(30.0, (wrong,))
    found = [world.look(minute) for minute in range(30)]
    assert {"p"} in found
    failing = world.watch.failing()
    strong = failing.series[failing.log10_e > 2].tolist()
    assert len(strong) >= 5 and all(KEYS[number].model == "p-b" for number in strong)


@pytest.mark.parametrize(("known_calls", "seed"), [(2_000.0, 1), (30.0, 3)])
def test_nothing_is_found_where_nothing_fails_more_than_usual(known_calls: float, seed: int) -> None:
    world = World(60.0, known_calls=known_calls, seed=seed)
    assert not any(world.look(minute, step=10) for minute in range(0, 1_440, 10))


def test_series_of_which_nothing_is_known_say_nothing() -> None:
    world = World(600.0, outage())
    windows = world.fleet.windows(START_S, 60)
    unknown = np.full(len(windows), np.nan)
    world.watch.observe(windows, unknown, np.zeros(len(windows)), np.zeros(len(world.roster.groups)), START_S + 60)
    world.watch.observe(EMPTY, np.zeros(0), np.zeros(0), np.zeros(len(world.roster.groups)), START_S + 120)
    assert not world.watch.evidence.any() and not len(world.watch.failing().series)


def test_what_is_known_of_a_series_survives_as_bytes() -> None:
    world = World(30.0, outage())
    world.look(0)
    other = World(30.0)
    other.watch.restore(3, world.watch.state(3))
    assert len(world.watch.state(3)) == STATE_OCTETS
    assert (other.watch.counts[3] == world.watch.counts[3]).all()
