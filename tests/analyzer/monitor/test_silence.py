"""Gaps, and silence of series and groups."""

from itertools import pairwise

import numpy as np
import pytest

from services.analyzer.domain.arrays import Floats
from services.analyzer.domain.gaps import Gaps
from services.analyzer.domain.monitor_configuration import MonitorConfiguration
from services.analyzer.domain.roster import Roster
from services.analyzer.domain.series import Scope
from services.analyzer.domain.silence import SilenceWatch
from services.analyzer.domain.window_columns import EMPTY, WindowColumns
from tests.analyzer.monitor.fleet import DAY_S, HOUR_S, START_S, Fleet, grid

CONFIGURATION = MonitorConfiguration()
ONE = np.array([0])


def gaps_of(hours: int, daily: float) -> Gaps:
    """One unit that had calls in so many hours, and so many a day."""
    gaps = Gaps(CONFIGURATION)
    gaps.grow(1)
    start_s = START_S + HOUR_S * np.arange(hours)
    gaps.count_calls(np.zeros(hours, np.int64), start_s, np.full(hours, HOUR_S), np.full(hours, daily / 24))
    return gaps


def test_calls_a_day_and_hours_with_calls_are_counted() -> None:
    gaps = gaps_of(24 * 14, 480.0)
    assert gaps.column("hours")[0] == 24 * 14
    assert gaps.column("daily_calls")[0] == pytest.approx(480, rel=0.05)
    again = gaps.columns.copy()
    gaps.count_calls(np.zeros(0, np.int64), np.zeros(0, np.int64), np.zeros(0, np.int64), np.zeros(0))
    assert (gaps.columns == again).all()


@pytest.mark.parametrize(("daily", "enough"), [(48.0, 16.0), (480.0, 19.0), (48_000.0, 24.0)])
def test_some_twenty_expected_calls_are_a_silence_at_any_rate(daily: float, enough: float) -> None:
    gaps = gaps_of(24 * 14, daily)
    gaps.column("expected")[:] = 10.0
    assert not gaps.is_beyond().any()
    gaps.column("expected")[:] = enough
    assert gaps.is_beyond().all()


def test_a_gap_is_less_improbable_the_less_is_known_of_the_rate() -> None:
    known, new = gaps_of(24 * 14, 480.0), gaps_of(21, 480.0)
    for gaps in (known, new):
        gaps.column("expected")[:] = 18.0
    assert known.log10_p()[0] < new.log10_p()[0] < 0
    young = gaps_of(CONFIGURATION.silence_hours_min - 1, 480.0)
    young.column("expected")[:] = 1e6
    assert not young.is_beyond().any()


def test_uneven_calls_stretch_the_measure_and_even_ones_do_not_shrink_it() -> None:
    even, uneven, exponential = (gaps_of(24 * 14, 480.0) for _ in range(3))
    rng = np.random.default_rng(3)
    even.learn_gaps(np.zeros(300, np.int64), np.full(300, 2.1))
    exponential.learn_gaps(np.zeros(3_000, np.int64), rng.exponential(1, 3_000))
    uneven.learn_gaps(np.zeros(300, np.int64), rng.exponential(4, 300))
    for gaps in (even, uneven, exponential):
        gaps.column("expected")[:] = 20.0
    assert even.log10_p()[0] <= exponential.log10_p()[0] < uneven.log10_p()[0]
    assert even.is_beyond().all() and not uneven.is_beyond().any()
    assert exponential.log10_p()[0] > 1.35 * even.log10_p()[0]


class World:
    """A watch over a fleet, whose rates are known."""

    def __init__(self, fleet: Fleet, days: int = 3) -> None:
        self.fleet, self.roster = fleet, Roster()
        self.roster.add(range(len(fleet.keys)), fleet.keys)
        self.watch = SilenceWatch(self.roster, CONFIGURATION)
        self.watch.grow()
        hours = [fleet.windows(start_s, HOUR_S) for start_s in range(START_S - days * DAY_S, START_S, HOUR_S)]
        self.watch.learn(WindowColumns.concatenated(hours))

    def rates(self, _: float) -> Floats:
        return np.array(self.fleet.rates)

    def look(self, now_s: float, *, silent: bool = False, keep: slice = slice(None)) -> list[str]:
        """The minute until now; the series that are silent."""
        if not silent:
            self.watch.observe(self.fleet.windows(int(now_s) - 60, 60).select(keep), now_s)
        self.watch.pass_time(now_s, self.rates)
        return [self.roster.keys[number].model for number in self.watch.silences().series.tolist()]


FLEET = Fleet(grid(["p", "q"], ["a", "b"], ["x"]), (120.0, 120.0, 600.0, 120.0))


def test_a_series_without_calls_is_silent_until_its_first_call() -> None:
    world = World(FLEET)
    minutes = range(START_S + 60, START_S + HOUR_S, 60)
    found = []
    for now_s in minutes:
        windows = FLEET.windows(now_s - 60, 60)
        world.watch.observe(windows.select(windows.series != 0), now_s)
        found.append(world.look(now_s, silent=True))
    first = found.index(["p-a"])
    assert 5 <= first <= 15 and all(each == ["p-a"] for each in found[first:]) and not any(found[:first])
    silence = world.watch.silences()
    assert silence.rate.tolist() == [120.0] and silence.expected[0] > 90 and silence.log10_p[0] < -10
    world.watch.observe(FLEET.windows(START_S + HOUR_S, 600), START_S + HOUR_S + 600)
    assert not len(world.watch.silences().series)


def test_a_fleet_without_prompts_is_learnt_and_its_silence_found() -> None:
    keys = tuple(key._replace(prompt_name="", prompt_version="") for key in FLEET.keys)
    world = World(Fleet(keys, FLEET.rates))
    world.look(START_S + 60)
    found = [world.look(now_s, silent=True) for now_s in range(START_S + 120, START_S + 600, 60)]
    assert found[-1] == ["p-a", "p-b", "q-a", "q-b"]


def test_a_group_is_silent_sooner_than_its_series_and_with_all_of_them() -> None:
    world = World(FLEET)
    world.look(START_S + 60)
    found = [world.look(now_s, silent=True) for now_s in range(START_S + 120, START_S + 600, 60)]
    first = found.index(["p-a", "p-b", "q-a", "q-b"])
    assert first <= 2 and not any(found[:first])
    assert (world.watch.silences().since_s == START_S + 60).all()


def test_series_of_a_group_that_is_heard_of_again_begin_anew() -> None:
    world = World(FLEET)
    world.look(START_S + 60)
    for now_s in range(START_S + 120, START_S + HOUR_S, 60):
        world.look(now_s, silent=True)
    assert len(world.watch.silences().series) == 4
    assert world.look(START_S + HOUR_S, keep=slice(2, 3)) == []
    assert (world.watch.series.column("silent_until_s") == START_S + HOUR_S).all()
    found = [world.look(START_S + HOUR_S + 60 * minute, keep=slice(2, 4)) for minute in range(1, 30)]
    assert found[0] == [] and found[-1] == ["p-a", "p-b"]


def test_nothing_is_counted_while_nobody_looked() -> None:
    world = World(FLEET)
    world.look(START_S + 60)
    assert world.look(START_S + 60 + CONFIGURATION.away_s + 1, silent=True) == []
    assert world.look(START_S + 3 * DAY_S, silent=True) == []
    assert world.look(START_S + DAY_S, silent=True) == []
    assert (world.watch.series.column("expected") == 0).all()
    assert world.watch.looked_s == START_S + 3 * DAY_S


def test_what_is_silent_for_days_is_told_once_and_rests() -> None:
    world = World(FLEET)
    world.look(START_S + 60)
    found = [world.look(START_S + 60 + 600 * step, silent=True) for step in range(1, 6 * 24 * 5)]
    told = [bool(each) for each in found]
    assert told[0] and not told[-1] and sum(before != after for before, after in pairwise(told)) == 1
    assert not world.watch.series.is_armed().any()
    world.look(START_S + 6 * DAY_S)
    assert [world.look(START_S + 6 * DAY_S + 600 * step, silent=True) for step in range(1, 100)][-1] == []


def test_an_empty_project_is_not_silent() -> None:
    watch = SilenceWatch(Roster(), CONFIGURATION)
    watch.grow()
    watch.observe(EMPTY, START_S)
    for now_s in (START_S, START_S + 60, START_S + 120):
        watch.pass_time(now_s, lambda _: np.zeros(0))
    assert not len(watch.silences().series) and not len(watch.marks())


@pytest.mark.parametrize("seed", range(2))
def test_no_silence_where_there_is_none(seed: int) -> None:
    rng = np.random.default_rng(seed)
    fleet = Fleet(grid(["p", "q"], ["a", "b", "c"], ["x", "y", "z"]), tuple(2 * 300 ** rng.random(18)), seed=seed)
    world = World(fleet, days=2)
    for now_s in range(START_S + 600, START_S + DAY_S, 600):
        world.watch.observe(fleet.windows(now_s - 600, 600), now_s)
        world.watch.pass_time(now_s, world.rates)
        assert not len(world.watch.silences().series)


def test_a_job_that_runs_once_a_day_stretches_the_measure_by_its_own_gaps() -> None:
    """By rates of the hour its gaps are as expected; by an even rate they are long, and known to be so."""
    world = World(FLEET)
    starts = np.arange(START_S - 20 * DAY_S, START_S, DAY_S)
    gaps = Gaps(CONFIGURATION)
    gaps.grow(1)
    gaps.count_calls(np.zeros(20, np.int64), starts, np.full(20, HOUR_S), np.full(20, 24.0))
    for _ in starts:
        gaps.column("expected")[:] = 23.0
        gaps.end_gaps(ONE, START_S)
    gaps.column("expected")[:] = 23.0
    assert gaps.is_armed().all() and not gaps.is_beyond().any()
    assert world.roster.group_number(Scope()) is not None
