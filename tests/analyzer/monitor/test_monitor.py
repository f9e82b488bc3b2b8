"""A monitor over simulated fleets: each incident is one anomaly, nothing is told where nothing happens, and state goes on."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from kit.errors import AssayError
from services.analyzer.domain.anomaly import Anomaly
from services.analyzer.domain.metric import AnomalyKind, Direction, Metric, Outcome, Severity
from services.analyzer.domain.monitor import Monitor
from services.analyzer.domain.monitor_state import MonitorState
from services.analyzer.domain.series import Scope, SeriesKey, scope_of
from services.analyzer.domain.signals import Signals
from services.analyzer.domain.window_columns import EMPTY, WindowColumns
from tests.analyzer.monitor.fleet import DAY_S, HOUR_S, START_S, Fleet, Wrong, grid, latest, taught, watched

KEYS = grid(["openai", "anthropic", "google"], "ab", [f"t{number}" for number in range(7)])
RATES = tuple(float(rate) for rate in np.random.default_rng(1).choice([4, 30, 120], len(KEYS)))
FLEET = Fleet(KEYS, RATES)
END_S = START_S + 45 * 60
FAST = KEYS[RATES.index(120.0)]


@pytest.fixture(scope="module")
def known() -> MonitorState:
    """What a monitor knows after four days of the fleet."""
    return taught(FLEET, 4).state()


@pytest.fixture
def monitor(known: MonitorState) -> Monitor:
    return again(known)


def again(state: MonitorState) -> Monitor:
    monitor = Monitor()
    monitor.restore(state)
    return monitor


def openai(key: SeriesKey) -> bool:
    return key.provider == "openai"


def wrong(concerns: Callable[[SeriesKey], bool], minutes: int = 45, **what: float | bool) -> Fleet:
    return FLEET.with_wrong(Wrong(START_S, START_S + 60 * minutes, concerns, **what))  # type: ignore[arg-type]


def facts(anomaly: Anomaly) -> tuple[object, ...]:
    """What is told of an anomaly that rests on calls alone."""
    parts = {(part.key, part.metric, part.call_count, part.affected_count) for part in anomaly.parts}
    times = anomaly.start_s, anomaly.detect_s, anomaly.end_s, anomaly.is_open
    return anomaly.anomaly_id, anomaly.version, anomaly.scope, anomaly.severity, *times, parts, anomaly.outcome_counts


def leading(anomalies: dict[str, Anomaly]) -> list[Anomaly]:
    """Those that were not merged into wider ones."""
    return [anomaly for anomaly in anomalies.values() if not anomaly.merged_into]


def test_a_provider_s_outage_is_one_anomaly_from_its_first_minute(monitor: Monitor) -> None:
    fleet = wrong(openai, 20, failing_ratio=0.95, outcome=Outcome.RATE_LIMITED.value)
    told = list(watched(monitor, fleet, START_S, END_S))
    first, last = told[0], told[-1]
    assert {anomaly.anomaly_id for anomaly in told} == {first.anomaly_id}
    assert first.scope == Scope("openai") and first.detect_s == START_S + 60
    assert [anomaly.version for anomaly in told] == list(range(1, len(told) + 1))
    assert (last.kind, last.metric, last.direction) == (AnomalyKind.SHIFT, Metric.SUCCESS_RATIO, Direction.DOWN)
    assert last.severity is Severity.CRITICAL and last.main_outcome is Outcome.RATE_LIMITED
    assert not last.is_open and last.end_s is not None and last.end_s > START_S + 1_200
    assert last.part_count >= 10 and all(openai(part.key) for part in last.parts)
    assert last.explanation.startswith("success of openai fell from 98") and "mostly RATE_LIMITED" in last.explanation
    assert monitor.open() == []


def test_one_task_failing_with_all_providers_is_that_task_s(monitor: Monitor) -> None:
    (told,) = leading(latest(watched(monitor, wrong(lambda key: key.task_type == "t3", failing_ratio=0.9), START_S, END_S)))
    assert told.scope.task_type == "t3" and told.scope.provider is None and told.is_open
    assert monitor.open()[0].anomaly_id == told.anomaly_id


def test_a_series_that_is_silent_is_told_and_ends_with_its_calls(monitor: Monitor) -> None:
    told = list(watched(monitor, wrong(lambda key: key == FAST, 30, is_silent=True), START_S, END_S))
    assert {anomaly.anomaly_id for anomaly in told} == {told[0].anomaly_id}
    assert told[0].kind is AnomalyKind.SILENCE and told[0].scope == scope_of(FAST) and told[0].severity is Severity.WARNING
    assert told[0].p_value is not None and told[0].p_value < 1e-6
    assert not told[-1].is_open and told[-1].end_s is not None and abs(told[-1].end_s - START_S - 1_800) <= 120
    assert "were expected" in told[-1].explanation


@pytest.mark.parametrize(
    ("onset_s", "direction", "is_told"),
    [(START_S, Direction.DOWN, False), (START_S + 2 * HOUR_S, Direction.DOWN, True), (START_S, Direction.UP, True)],
)
def test_the_low_volume_of_a_silence_is_not_told_again(monitor: Monitor, onset_s: float, direction: Direction, is_told: bool) -> None:
    told = list(watched(monitor, wrong(lambda key: key == FAST, 30, is_silent=True), START_S, END_S))
    assert {anomaly.kind for anomaly in told} == {AnomalyKind.SILENCE} and not told[-1].is_open
    values = {
        "log10_e": 9.0,
        "p_value": math.nan,
        "onset_s": onset_s,
        "seen_s": END_S,
        "observed": 1.0,
        "expected": 9.0,
        "low": 8.0,
        "high": 10.0,
    }
    counts = {"series": KEYS.index(FAST), "metric": Metric.CALL_VOLUME.value, "kind": 1, "direction": direction.value, "is_alarm": True}
    columns = {**values, **counts, "is_accepted": False, "call_count": 1, "affected_count": 1}
    signals = Signals(**{name: np.array([value]) for name, value in columns.items()})
    monitor._hear(signals, signals.series)
    found = monitor._findings(END_S)
    assert [finding.metric for finding in found.values()] == [Metric.CALL_VOLUME] * is_told


def test_a_project_that_is_silent_is_one_anomaly_and_none_for_the_time_that_nobody_looked(monitor: Monitor, known: MonitorState) -> None:
    told = list(watched(monitor, wrong(lambda _: True, 20, is_silent=True), START_S, END_S))
    assert {anomaly.scope for anomaly in told} == {Scope()} and len(latest(iter(told))) == 1
    assert told[-1].log10_e > 3 and told[0].part_count == len(KEYS) and told[0].detect_s <= START_S + 300 and not told[-1].is_open
    absent = again(known)
    assert list(watched(absent, FLEET, START_S, START_S + 300)) == []
    assert absent.tick(START_S + 6 * HOUR_S) == absent.tick(START_S + 30 * DAY_S) == []


def test_a_field_that_stops_is_told_for_its_provider_with_what_follows_from_it(monitor: Monitor) -> None:
    told = leading(latest(watched(monitor, wrong(openai, lacks_usage=True), START_S, END_S)))
    (anomaly,) = told
    assert anomaly.kind is AnomalyKind.FIELD_MISSING and anomaly.scope == Scope("openai") and anomaly.severity is Severity.WARNING
    assert {part.metric for part in anomaly.parts} >= {Metric.COST_PER_CALL, Metric.OUTPUT_TOKENS}
    assert "missing" in anomaly.explanation and anomaly.observed + 0.8 < anomaly.expected


def test_a_cost_that_jumps_is_told(monitor: Monitor) -> None:
    (told,) = leading(latest(watched(monitor, wrong(openai, cost_factor=3.0), START_S, END_S)))
    assert (told.metric, told.direction, told.scope) == (Metric.COST_PER_CALL, Direction.UP, Scope("openai"))
    assert 2 < told.observed / told.expected < 4 and told.expected_low < told.expected < told.expected_high


def test_calls_that_lose_their_prompt_s_version_are_told_as_that(monitor: Monitor) -> None:
    bare = tuple(key._replace(prompt_version="") for key in KEYS)
    monitor.engine.add(bare)
    told = []
    for minute in range(START_S, END_S, 60):
        windows = FLEET.windows(minute, 60)
        lost = np.array([openai(KEYS[number]) for number in windows.series.tolist()])
        windows = replace(windows, series=np.where(lost, windows.series + len(KEYS), windows.series))
        told += [*monitor.observe(windows, minute + 60), *monitor.tick(minute + 60)]
    (anomaly,) = leading(latest(iter(told)))
    assert (anomaly.kind, anomaly.metric) == (AnomalyKind.FIELD_MISSING, Metric.CALL_VOLUME)
    assert anomaly.scope.provider == "openai" and "prompt version of openai" in anomaly.explanation


def test_a_series_whose_calls_another_version_takes_over_wakes_nobody(monitor: Monitor) -> None:
    (number,) = monitor.engine.add([FAST._replace(prompt_version="v2")]).tolist()
    told = []
    for minute in range(START_S, END_S, 60):
        windows = FLEET.windows(minute, 60)
        windows = replace(windows, series=np.where(windows.series == KEYS.index(FAST), number, windows.series))
        told += [*monitor.observe(windows, minute + 60), *monitor.tick(minute + 60)]
    (anomaly,) = latest(iter(told)).values()
    assert anomaly.kind is AnomalyKind.SILENCE and anomaly.severity is Severity.INFO and anomaly.scope == scope_of(FAST)


@pytest.mark.parametrize("seed", [11, 12, 13])
def test_nothing_is_told_where_nothing_happens(known: MonitorState, seed: int) -> None:
    assert list(watched(again(known), replace(FLEET, seed=seed), START_S, START_S + 3 * HOUR_S, 300)) == []


def test_state_in_the_middle_of_an_incident_goes_on_alike(monitor: Monitor) -> None:
    fleet = wrong(openai, 25, failing_ratio=0.9).with_wrong(
        Wrong(START_S, START_S + 1_500, openai, failing_ratio=0.9),
        Wrong(START_S, START_S + 2_400, lambda key: key == KEYS[-1], is_silent=True),
        Wrong(START_S, START_S + 2_400, lambda key: key.model == "google-a", lacks_cost=True),
    )
    middle_s = START_S + 1_200
    list(watched(monitor, fleet, START_S, middle_s))
    other = again(monitor.state())
    assert other.open() == monitor.open() and len(monitor.open()) >= 2
    mine, its = (list(watched(each, fleet, middle_s, END_S + 600)) for each in (monitor, other))
    assert [facts(each) for each in mine] == [facts(each) for each in its] and any(not anomaly.is_open for anomaly in mine)
    assert [each.expected for each in mine] == pytest.approx([each.expected for each in its], rel=0.01)


def test_only_series_that_changed_are_told_to_be_kept(monitor: Monitor) -> None:
    monitor.changed_series()
    windows = FLEET.windows(START_S, 60)
    monitor.observe(windows, START_S + 60)
    assert monitor.changed_series().tolist() == sorted(set(windows.series.tolist()))
    assert monitor.changed_series().tolist() == []
    for minute in range(1, 15):
        monitor.tick(START_S + 60 + 60 * minute)
    expecting = monitor.changed_series().tolist()
    assert len(expecting) > 0 and all(RATES[number] >= 4 for number in expecting)
    assert len(monitor.state(np.array(expecting)).series) == len(expecting)


def test_late_windows_teach_and_raise_nothing(monitor: Monitor) -> None:
    assert list(watched(monitor, FLEET, START_S, START_S + HOUR_S, 300)) == []
    late = wrong(openai, 20, failing_ratio=1.0)
    told = []
    for minute in range(START_S, START_S + 1_200, 60):
        told += monitor.observe(late.windows(minute, 60), START_S + HOUR_S + 60)
    assert told == []


def test_a_clock_in_the_future_is_not_believed(monitor: Monitor) -> None:
    future = FLEET.windows(START_S + 40 * DAY_S, 60)
    assert monitor.observe(future, START_S) == []
    assert len(monitor.changed_series()) == 0 or monitor.observe(EMPTY, START_S) == []
    assert list(watched(monitor, FLEET, START_S, START_S + 600)) == []


def test_time_in_disorder_and_weeks_of_gap_make_no_storm(monitor: Monitor) -> None:
    told = []
    for start_s in (START_S, START_S + 600, START_S + 60, START_S - DAY_S, START_S + 21 * DAY_S, START_S + 21 * DAY_S + 60, START_S):
        now_s = max(start_s, START_S + 600) + 60.0
        told += [*monitor.observe(FLEET.windows(start_s, 60), now_s), *monitor.tick(now_s), *monitor.tick(now_s)]
    assert told == []


def test_an_empty_project_and_a_single_call_tell_nothing() -> None:
    monitor = Monitor()
    assert monitor.tick(START_S) == monitor.observe(EMPTY, START_S) == monitor.open() == []
    monitor.learn([], EMPTY)
    empty = again(monitor.state())
    empty.learn([FAST], EMPTY)
    one = replace(FLEET, keys=(FAST,), rates=(60.0,)).windows(START_S, 60)
    told = [*empty.observe(one, START_S + 60), *(each for hour in range(72) for each in empty.tick(START_S + 60 + hour * 600))]
    assert told == [] and empty.take_accepted() == []


def test_shifts_that_stood_long_are_normal_and_can_be_asked_for(monitor: Monitor) -> None:
    fleet = FLEET.with_wrong(Wrong(START_S, START_S + 9 * DAY_S, lambda key: key == FAST, latency_factor=4.0))
    told = list(watched(monitor, fleet, START_S, START_S + 25 * HOUR_S, 1_800))
    accepted = {(monitor.engine.keys[shift.series], shift.metric): shift for shift in monitor.take_accepted()}
    assert accepted[FAST, Metric.LATENCY].to_value > accepted[FAST, Metric.LATENCY].from_value
    assert monitor.take_accepted() == []
    first = latest(iter(told))[told[0].anomaly_id]
    assert first.scope == scope_of(FAST) and first.end_s is not None and first.end_s - START_S >= DAY_S


def test_an_accepted_shift_is_over_with_the_next_calls(monitor: Monitor) -> None:
    fleet = FLEET.with_wrong(Wrong(START_S, START_S + DAY_S, lambda key: key == FAST, latency_factor=4.0))
    list(watched(monitor, fleet, START_S, END_S))
    assert [anomaly.scope for anomaly in monitor.open()] == [scope_of(FAST)]
    for metric in {part.metric for part in monitor.open()[0].parts}:
        monitor.engine.accept(KEYS.index(FAST), metric)
    list(watched(monitor, fleet, END_S, END_S + 300))
    assert monitor.open() == []


@pytest.mark.parametrize("part", ["series", "project"])
@pytest.mark.parametrize("state", [b"", b"\x01", b"\x63" + b"x" * 50, b"\x01\x00\x00\x00\x00junk"])
def test_a_state_of_another_version_is_refused(known: MonitorState, part: str, state: bytes) -> None:
    if part == "project" and not state:
        Monitor().restore(MonitorState({}, b""))
        return
    broken = MonitorState({KEYS[0]: state}, b"") if part == "series" else MonitorState({}, state)
    with pytest.raises(AssayError, match="state") as refused:
        Monitor().restore(broken)
    assert refused.value.reason == "STATE_UNREADABLE"


def test_what_belongs_to_series_that_are_gone_is_left_out(monitor: Monitor) -> None:
    list(watched(monitor, wrong(openai, failing_ratio=0.9), START_S, START_S + 600))
    state = monitor.state()
    kept = {key: content for key, content in state.series.items() if not openai(key)}
    fewer = again(MonitorState(kept, state.project))
    assert monitor.open() and fewer.open() == [] and len(fewer.engine.keys) == len(kept)
    assert list(watched(fewer, replace(FLEET, keys=tuple(kept), rates=(60.0,) * len(kept)), START_S + 600, START_S + 900)) is not None


def test_the_same_windows_in_other_numbers_give_the_same(known: MonitorState) -> None:
    fleet = wrong(openai, 20, failing_ratio=0.9)
    shuffled = np.random.default_rng(2).permutation(len(KEYS))
    other = Monitor()
    other.restore(MonitorState({KEYS[number]: known.series[KEYS[number]] for number in shuffled}, known.project))
    renumbered = np.argsort(shuffled)
    mine = list(watched(again(known), fleet, START_S, START_S + 900))
    its = []
    for minute in range(START_S, START_S + 900, 60):
        windows = fleet.windows(minute, 60)
        windows = replace(windows, series=renumbered[windows.series])
        its += [*other.observe(WindowColumns.concatenated([windows]), minute + 60), *other.tick(minute + 60)]
    assert [(each.anomaly_id, each.version, each.explanation) for each in its] == [
        (each.anomaly_id, each.version, each.explanation) for each in mine
    ]
