"""The engine over simulated windows: what it finds, what it leaves alone, what it learns, and that it breaks on nothing."""

from __future__ import annotations

import dataclasses
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bench.fleet_windows import Truth, activity, windows
from kit.errors import AssayError
from services.analyzer.domain.arrays import Floats, Ints
from services.analyzer.domain.engine import Engine
from services.analyzer.domain.evidence.clock import Clocks
from services.analyzer.domain.metric import AnomalyKind, Direction, Metric
from services.analyzer.domain.series import SeriesKey
from services.analyzer.domain.signals import Parent, Season, Signals
from services.analyzer.domain.window_columns import EMPTY, WindowColumns

START_S = 1_790_553_600
HOUR_S, DAY_S = 3_600, 86_400


def keys(count: int, provider: str = "p") -> list[SeriesKey]:
    return [SeriesKey(provider, "m", f"t{number % 2}", f"x{number}", "1") for number in range(count)]


def truth(count: int, rate: float = 240.0, success: float = 0.98, latency: float = 1.0, cost: float = 1.0) -> Truth:
    ones = np.ones(count)
    return Truth(rate * ones, success * ones, latency * ones, cost * ones)


def minutes(series: Ints, what: Truth, start_s: int, count: int, seed: int = 1) -> WindowColumns:
    return windows(np.random.default_rng([seed, start_s]), series, what, start_s, window_count=count)


def longer(series: Ints, what: Truth, start_s: int, hours: int = 1) -> WindowColumns:
    """Hours in windows of ten minutes."""
    return windows(np.random.default_rng(start_s), series, what, start_s, window_count=6 * hours, length_s=600)


def taught(count: int = 4, hours: int = 48, rate: float = 240.0, success: float = 0.98) -> tuple[Engine, Ints, int]:
    """An engine that knows some hours of normal, its series, and when they end."""
    engine = Engine()
    series = engine.add(keys(count))
    history = windows(np.random.default_rng(7), series, truth(count, rate, success), START_S, window_count=hours, length_s=HOUR_S)
    engine.learn(history)
    return engine, series, START_S + hours * HOUR_S


def of(signals: Signals, metric: Metric) -> Ints:
    return np.flatnonzero((signals.metric == metric.value) & signals.is_alarm)


@pytest.mark.parametrize(
    ("metric", "direction", "then", "observed", "expected"),
    [
        (Metric.SUCCESS_RATIO, Direction.DOWN, truth(4, success=0.6), 0.6, 0.98),
        (Metric.LATENCY, Direction.UP, truth(4, latency=2.0), 4.0, 2.0),
        (Metric.LATENCY, Direction.DOWN, truth(4, latency=0.5), 1.0, 2.0),
        (Metric.COST_PER_CALL, Direction.UP, truth(4, cost=2.0), 0.00906, 0.00453),
    ],
)
def test_a_shift_is_found_with_its_size_and_its_begin(
    metric: Metric, direction: Direction, then: Truth, observed: float, expected: float
) -> None:
    engine, series, now_s = taught()
    assert not len(engine.observe(minutes(series, truth(4), now_s, 30)))
    signals = engine.observe(minutes(series, then, now_s + 1_800, 50))
    rows = of(signals, metric)
    assert set(signals.series[rows]) == set(series)
    assert (signals.direction[rows] == direction.value).all()
    assert (signals.kind[rows] == AnomalyKind.SHIFT.value).all()
    assert signals.observed[rows] == pytest.approx(observed, rel=0.15)
    assert signals.expected[rows] == pytest.approx(expected, rel=0.05)
    assert (signals.low[rows] <= signals.expected[rows]).all() and (signals.expected[rows] <= signals.high[rows]).all()
    assert np.abs(signals.onset_s[rows] - now_s - 1_800).max() < 1_200
    assert (signals.log10_e[rows] > 4).all()
    assert (signals.affected_count[rows] > 0).all() and (signals.affected_count[rows] <= signals.call_count[rows]).all()


def test_a_fleet_that_is_well_is_left_alone_from_its_first_call_on() -> None:
    engine = Engine()
    series = engine.add(keys(60))
    rate = np.resize([2.0, 20.0, 200.0, 1_000.0], 60)
    for hour in range(5):
        what = Truth.normal(rate * activity(hour), np.resize([0.98, 0.9, 0.7], 60))
        assert not len(engine.observe(minutes(series, what, START_S + hour * HOUR_S, 60)))
    for hour in range(5, 30):
        what = Truth.normal(rate * activity(hour), np.resize([0.98, 0.9, 0.7], 60))
        assert not len(engine.observe(longer(series, what, START_S + hour * HOUR_S)))


def test_an_incident_is_one_signal_that_ends_and_teaches_nothing() -> None:
    engine, series, now_s = taught()
    before = engine.baselines(series, Metric.SUCCESS_RATIO, np.full(4, float(now_s))).centre
    told = []
    for part, what in enumerate([truth(4), truth(4, success=0.5), truth(4, success=0.5), truth(4), truth(4), truth(4)]):
        signals = engine.observe(minutes(series, what, now_s + part * HOUR_S, 60))
        told.append([(int(s), bool(a)) for s, m, a in zip(signals.series, signals.metric, signals.is_alarm, strict=True) if m == 1])
    assert told[0] == [] and told[4] == [] and told[5] == []
    assert sorted(told[1]) == sorted(told[2]) == [(number, True) for number in series]
    assert sorted(told[3]) == [(number, False) for number in series]
    after = engine.baselines(series, Metric.SUCCESS_RATIO, np.full(4, float(now_s))).centre
    assert after == pytest.approx(before, abs=0.005)


def test_a_great_shift_is_one_alarm_as_long_as_it_lasts() -> None:
    engine, series, now_s = taught()
    onsets = set()
    for hour in range(12):
        signals = engine.observe(longer(series, truth(4, latency=30.0), now_s + hour * HOUR_S))
        rows = np.flatnonzero(signals.metric == Metric.LATENCY.value)
        assert signals.is_alarm[rows].all() and len(rows) == 4
        onsets |= set(zip(signals.series[rows].tolist(), signals.onset_s[rows].tolist(), strict=True))
    assert len(onsets) == 4


def test_a_shift_that_has_stood_for_a_day_becomes_normal_by_itself() -> None:
    engine, series, now_s = taught()
    accepted = []
    for hour in range(30):
        signals = engine.observe(longer(series, truth(4, latency=2.0), now_s + hour * HOUR_S))
        accepted += [
            (m, round(o, 1), round(e, 1))
            for m, o, e, a in zip(signals.metric, signals.observed, signals.expected, signals.is_accepted, strict=True)
            if a and m == Metric.LATENCY.value
        ]
    assert len(accepted) == 4
    assert all(observed == pytest.approx(4, rel=0.05) and expected == pytest.approx(2, rel=0.05) for _, observed, expected in accepted)
    assert not len(of(signals, Metric.LATENCY))
    normal = engine.baselines(series, Metric.LATENCY, np.full(4, now_s + 30.0 * HOUR_S))
    assert normal.centre == pytest.approx(4, rel=0.1)


def test_an_operator_accepts_what_is_in_alarm_and_nothing_else() -> None:
    engine, series, now_s = taught()
    with pytest.raises(AssayError, match="no alarm"):
        engine.accept(int(series[0]), Metric.LATENCY)
    engine.observe(minutes(series, truth(4, latency=3.0), now_s, 40))
    shift = engine.accept(int(series[0]), Metric.LATENCY)
    assert shift.metric is Metric.LATENCY
    assert shift.from_value == pytest.approx(2, rel=0.1) and shift.to_value == pytest.approx(6, rel=0.15)
    assert shift.onset_s == pytest.approx(now_s, abs=600) and shift.time_s == now_s + 2_400
    later = engine.observe(minutes(series, truth(4, latency=3.0), now_s + 2_400, 60))
    assert int(series[0]) not in later.series[of(later, Metric.LATENCY)]


def test_what_keeps_growing_is_a_drift_and_what_stays_is_none() -> None:
    engine, series, now_s = taught(rate=120.0)
    for hour in range(16):
        latency = np.array([1 + 0.05 * hour, 1 + 0.05 * hour, 1.5, 1.5])
        what = Truth(np.full(4, 120.0), np.full(4, 0.98), latency, np.ones(4))
        signals = engine.observe(longer(series, what, now_s + hour * HOUR_S))
    rows = of(signals, Metric.LATENCY)
    assert dict(zip(signals.series[rows].tolist(), signals.kind[rows].tolist(), strict=True)) == {0: 3, 1: 3, 2: 1, 3: 1}


def test_calls_that_stay_away_or_flood_in_are_told_by_the_hour() -> None:
    engine, series, now_s = taught(hours=15 * 24)
    engine.observe(longer(series, truth(4), now_s, 3))
    for hour in range(3, 15):
        signals = engine.observe(longer(series, truth(4, rate=1_500.0), now_s + hour * HOUR_S))
    assert (signals.direction[of(signals, Metric.CALL_VOLUME)] == Direction.UP.value).all()
    assert len(of(signals, Metric.CALL_VOLUME)) == 4


def test_hours_of_the_day_are_learnt_when_they_differ_and_only_then() -> None:
    engine = Engine()
    series = engine.add(keys(2))
    hours = []
    for hour in range(6 * 24):
        what = Truth(np.full(2, 300.0), np.full(2, 0.98), np.array([1.0, 3.0 if hour % 24 >= 12 else 1.0]), np.ones(2))
        hours.append(windows(np.random.default_rng(hour), series, what, START_S + hour * HOUR_S, window_count=1, length_s=HOUR_S))
    engine.learn(WindowColumns.concatenated(hours))
    noon = np.full(2, START_S + 6.0 * DAY_S + 13 * HOUR_S)
    told = engine.baselines(series, Metric.LATENCY, noon)
    night = engine.baselines(series, Metric.LATENCY, noon - 12 * HOUR_S)
    assert told.season.tolist() == [Season.FLAT, Season.HOUR_OF_DAY]
    assert told.centre[1] / night.centre[1] == pytest.approx(3, rel=0.1)
    assert told.centre[0] / night.centre[0] == pytest.approx(1, rel=0.05)
    assert (told.low < told.centre).all() and (told.centre < told.high).all()


def test_weekends_are_learnt_as_hours_of_the_week() -> None:
    engine = Engine()
    series = engine.add(keys(1))
    days = [
        windows(
            np.random.default_rng(day),
            series,
            truth(1, 300.0 if day % 7 < 5 else 30.0),
            START_S + day * DAY_S,
            window_count=24,
            length_s=HOUR_S,
        )
        for day in range(28)
    ]
    engine.learn(WindowColumns.concatenated(days))
    weekday, weekend = START_S + 28.0 * DAY_S, START_S + 33.0 * DAY_S
    told = engine.baselines(np.array([0, 0]), Metric.CALL_VOLUME, np.array([weekday, weekend]))
    assert told.season.tolist() == [Season.HOUR_OF_WEEK] * 2
    assert told.centre == pytest.approx([300, 30], rel=0.3)


def test_a_young_series_borrows_from_its_parents_and_says_so() -> None:
    engine = Engine()
    series = engine.add([*keys(8), SeriesKey("p", "m", "t0", "new", "1"), SeriesKey("q", "m", "t9", "lonely", "1")])
    old = windows(np.random.default_rng(1), series[:8], truth(8), START_S, window_count=24, length_s=HOUR_S)
    few = windows(np.random.default_rng(2), series[8:9], truth(1, rate=8.0), START_S + 23 * HOUR_S, window_count=1, length_s=HOUR_S)
    engine.learn(WindowColumns.concatenated([old, few]))
    told = engine.baselines(series, Metric.LATENCY, np.full(10, START_S + 24.0 * HOUR_S))
    assert told.parent[8] == Parent.PROVIDER_TASK and told.borrowed_ratio[8] > 0.5
    assert told.borrowed_ratio[:8].max() < 0.6 and told.confidence_ratio[:8].min() > told.confidence_ratio[8] > 0
    assert told.centre[8] == pytest.approx(2, rel=0.15)
    assert np.isnan(told.centre[9]) and told.confidence_ratio[9] == 0 and told.parent[9] == Parent.NONE


def test_late_windows_teach_and_are_not_tested() -> None:
    engine, series, now_s = taught()
    engine.observe(minutes(series, truth(4), now_s, 60))
    late = minutes(series, truth(4, success=0.0), now_s + 60, 40, seed=5)
    assert not len(engine.observe(late))


def test_a_window_may_come_twice_with_what_was_new() -> None:
    engine, series, now_s = taught()
    minute = minutes(series, truth(4, success=0.1), now_s, 10)
    signals = engine.observe(WindowColumns.concatenated([minute, minute, minute]))
    assert len(of(signals, Metric.SUCCESS_RATIO)) == 4


def test_a_gap_of_weeks_and_clocks_that_jump_raise_no_storm() -> None:
    engine, series, now_s = taught(count=20)
    after = now_s + 40 * DAY_S
    assert not len(engine.observe(minutes(series, truth(20, rate=240.0), after, 60)))
    assert not len(engine.observe(minutes(series, truth(20), after + 400 * DAY_S, 60)))
    assert not len(engine.observe(minutes(series, truth(20), now_s, 60)))


def test_after_days_without_calls_the_volume_of_the_first_hours_counts_and_nothing_else_is_told() -> None:
    engine, series, now_s = taught()
    engine.observe(longer(series, truth(4), now_s, 3))
    signals = engine.observe(longer(series, truth(4), now_s + 4 * DAY_S, 2))
    assert set(signals.metric.tolist()) <= {Metric.CALL_VOLUME.value}


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf, 0.0, -1.0, 1e300])
def test_values_that_cannot_be_neither_break_nor_teach(value: float) -> None:
    engine, series, now_s = taught()
    good = minutes(series, truth(4), now_s, 10)
    columns = ("latency_log_sum", "latency_log_square_sum", "first_token_log_sum", "cost_usd", "latency_p95_s", "quality_sum")
    bad = dataclasses.replace(good, **{name: np.full(len(good), value) for name in columns})
    with np.errstate(all="raise"):
        engine.observe(bad)
    told = [engine.baselines(series, metric, np.full(4, float(now_s))) for metric in Metric if metric.value <= 9]
    assert all(np.isfinite(each.confidence_ratio).all() for each in told)
    engine.observe(minutes(series, truth(4), now_s + 3_600, 60))


def test_constant_values_are_normal() -> None:
    engine = Engine()
    series = engine.add(keys(1))
    one = minutes(series, truth(1, rate=600.0, success=1.0), START_S, 1)
    one = dataclasses.replace(
        one, cost_usd=np.asarray(one.cost_known_count * 0.01, np.float64), latency_log_sum=np.zeros(1), latency_log_square_sum=np.zeros(1)
    )
    rows = WindowColumns.concatenated([dataclasses.replace(one, start_s=one.start_s + 60 * number) for number in range(150)])
    engine.learn(rows.select(slice(0, 100)))
    assert not len(of(engine.observe(rows.select(slice(100, 150))), Metric.COST_PER_CALL))


def test_nothing_is_answered_with_nothing() -> None:
    engine = Engine()
    assert not len(engine.add([]))
    engine.learn(EMPTY)
    assert not len(engine.observe(EMPTY))
    assert len(engine.baselines(np.zeros(0, np.int64), Metric.LATENCY, np.zeros(0)).centre) == 0
    assert len(Signals.concatenated([])) == 0


@settings(max_examples=5, deadline=None)
@given(cut=st.lists(st.integers(1, 79), min_size=1, max_size=4), seed=st.integers(0, 1_000))
def test_batches_may_be_cut_anywhere_between_minutes(cut: list[int], seed: int) -> None:
    series = np.arange(3)
    rows = minutes(series, truth(3, rate=60.0, success=0.8), START_S + 2_400, 80, seed=seed)
    bounds = [START_S, *(START_S + 2_400 + 60 * at for at in sorted(set(cut))), START_S + 7_200]
    whole, parts = Engine(), Engine()
    for engine in (whole, parts):
        engine.add(keys(3))
    whole.observe(rows)
    for begin, end in pairwise(bounds):
        parts.observe(rows.select((rows.start_s >= begin) & (rows.start_s < end)))
    assert whole.state(series) == parts.state(series)


def test_a_state_goes_on_as_if_nothing_had_happened() -> None:
    engine, series, now_s = taught()
    engine.observe(minutes(series, truth(4, latency=2.0), now_s, 40))
    restored = Engine()
    numbers = [restored.restore(key, state) for key, state in zip(keys(4), engine.state(series), strict=True)]
    assert numbers == series.tolist()
    assert restored.state(series) == engine.state(series)
    rows = minutes(series, truth(4, latency=2.0), now_s + 2_400, 15)
    first, second = engine.observe(rows), restored.observe(rows)
    assert first.onset_s.tolist() == second.onset_s.tolist() and first.log10_e.tolist() == second.log10_e.tolist()


@pytest.mark.parametrize("state", [b"", b"\x00abc", b"\x01no such thing", b"\x01" + b"\x78\x9c\x03\x00\x00\x00\x00\x01"])
def test_what_is_no_state_is_refused(state: bytes) -> None:
    with pytest.raises(AssayError) as caught:
        Engine().restore(keys(1)[0], state)
    assert caught.value.reason == "STATE_UNREADABLE"


def test_many_series_are_kept_in_tables_that_grow() -> None:
    engine = Engine()
    series = engine.add(keys(300))
    assert series.tolist() == list(range(300)) and engine.add(keys(2)).tolist() == [0, 1]
    engine.observe(minutes(series, truth(300, rate=60.0), START_S, 3))
    assert len(engine.state(series[-1:])[0]) > 100


def test_a_clock_counts_windows_by_the_day() -> None:
    from services.analyzer.domain.evidence.configuration import DEFAULT_CONFIGURATION

    clocks = Clocks(DEFAULT_CONFIGURATION)
    rows = np.array([0])
    for hour in range(24 * 14):
        clocks.pass_to(rows, np.array([START_S + hour * 3_600.0]))
    rate: Floats = clocks.windows_per_day(rows)
    assert rate[0] == pytest.approx(24, rel=0.2)
