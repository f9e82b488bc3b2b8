"""The truth that is told beside a simulation."""

import json
from datetime import datetime
from typing import Any

import numpy as np

from simulation.calls import NONE, Asked
from simulation.failures import ANSWERS, ERRORS, failure_runs, state
from simulation.fleet import FLEET
from simulation.incident_plan import DrawnPlan
from simulation.incidents import Kind
from simulation.prices import FACTORS, PERIOD_DAYS, price_changes
from simulation.stream import Simulation
from simulation.truth import incident_truth, moment, truth
from tests.simulation.world import DAY_US, HOUR_US, SEED, START_US, US, Seen, seen, week


def told(end_us: int) -> Any:
    return json.loads(json.dumps(truth(Simulation(SEED, START_US, 1.0, DrawnPlan(FLEET, SEED, HOUR_US)), end_us)))


def unix_us(text: str) -> int:
    return round(datetime.fromisoformat(text).timestamp() * US)


def test_it_is_json_with_the_fleet_and_one_of_each_kind_of_incident() -> None:
    found = told(START_US + DAY_US)
    assert (found["seed"], found["start_time"], found["end_time"]) == (SEED, moment(START_US), moment(START_US + DAY_US))
    assert {each["kind"] for each in found["incidents"]} == {kind.value for kind in Kind}
    assert [each["name"] for each in found["fleet"]["models"]] == [model.name for model in FLEET.models]
    for each in found["incidents"]:
        assert unix_us(each["start_time"]) < unix_us(each["end_time"])
        assert each["expected_effect"]["figure"]
        assert each["size_means"]
    assert incident_truth(DrawnPlan(FLEET, SEED, HOUR_US).between(START_US, START_US + DAY_US)[0]) == found["incidents"][0]


def test_a_moment_has_its_microseconds() -> None:
    assert moment(1_790_553_600_000_001) == "2026-09-28T00:00:00.000001Z"


def test_in_the_runs_that_are_told_a_model_fails_and_outside_of_them_hardly() -> None:
    calls, failed = week().calls, week().calls.error
    inside = np.zeros(len(calls.start_us), np.bool_)
    for run in failure_runs(FLEET, SEED, START_US, START_US + 7 * DAY_US):
        here = (calls.model == run.model) & (calls.start_us >= run.start_us) & (calls.start_us < run.end_us)
        assert (failed[here] == ERRORS.index(run.error_type)).all()
        inside |= here
    assert inside.sum() > 10_000
    assert (failed[~inside] != NONE).mean() < 0.01


def test_runs_are_those_that_touch_the_time() -> None:
    runs = failure_runs(FLEET, SEED, START_US + 5 * HOUR_US, START_US + 6 * HOUR_US)
    assert runs
    assert all(run.start_us < START_US + 6 * HOUR_US and run.end_us > START_US + 5 * HOUR_US for run in runs)
    everything = failure_runs(FLEET, SEED, START_US - DAY_US, START_US + 2 * DAY_US)
    assert set(runs) < set(everything)


def test_the_share_of_time_in_runs_is_the_models_own() -> None:
    times_us = np.arange(START_US, START_US + 60 * DAY_US, 300 * US)
    for place, model in enumerate(FLEET.models):
        zeros = np.zeros(len(times_us), np.int8)
        failing = state(FLEET, SEED, Asked(zeros + np.int8(place), zeros, zeros, times_us)) != ANSWERS
        assert abs(failing.mean() - model.fail_ratio) < 0.05, model.name


def test_prices_change_when_the_truth_says_so_and_by_as_much() -> None:
    changes = price_changes(FLEET, SEED, START_US, START_US + 300 * DAY_US)
    assert changes
    assert all(FLEET.models[change.model].price is not None for change in changes)
    assert all(change.time_us % (PERIOD_DAYS * DAY_US) == 0 and change.time_us > START_US for change in changes)
    change = changes[0]
    simulation = Simulation(SEED, change.time_us - DAY_US, 1.0)
    around = seen(simulation, change.time_us + DAY_US)
    before, after = (nanos_per_token(around, change.model, day, change.time_us) for day in (-1, 0))
    assert abs(after / before / change.factor - 1) < 0.001
    assert min(abs(before - factor) for factor in FACTORS) < 0.001


def nanos_per_token(around: Seen, model: int, day: int, change_us: int) -> float:
    here = (around.calls.model == model) & (around.calls.cost_nanos != NONE) & ((around.calls.start_us - change_us) // DAY_US == day)
    calls = around.calls.take(here)
    price = FLEET.models[model].price
    assert price is not None
    list_price = (calls.input_count - 0.9 * calls.cached_count) * price.input_nanos + calls.output_count * price.output_nanos
    return float(calls.cost_nanos.sum() / list_price.sum())


def test_only_models_with_a_price_of_their_own_have_their_cost_stated() -> None:
    has_cost = week().calls.cost_nanos != NONE
    stated = np.array([model.price is not None for model in FLEET.models])[week().calls.model]
    assert (has_cost == (stated & week().is_answered)).all()
