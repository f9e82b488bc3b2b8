"""The same seed gives the same fleet, however it is cut and whoever makes which part of it."""

import hashlib
import subprocess
import sys
from dataclasses import replace
from functools import cache
from itertools import islice

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from simulation.fleet import FLEET
from simulation.incident_plan import DrawnPlan
from simulation.lines import lines
from simulation.rhythm import RollOut
from simulation.stream import SLICE_CALLS_MAX, Block, Simulation, blocks
from tests.simulation.world import DAY_US, HOUR_US, SEED, START_US, US, Seen, seen

PLAN = DrawnPlan(FLEET, SEED, HOUR_US)
SIMULATION = Simulation(SEED, START_US, 5.0, PLAN)
LENGTH_US = 2 * HOUR_US


def texts(simulation: Simulation, end_us: int) -> list[str]:
    return [line for block in blocks(simulation, end_us) for line in lines(simulation.fleet, block)]


@cache
def whole_fleet() -> Seen:
    return seen(SIMULATION, START_US + LENGTH_US)


def test_another_process_makes_the_same_bytes() -> None:
    program = (
        "import hashlib; from tests.simulation.test_stream import *;"
        "print(hashlib.sha256('\\n'.join(texts(SIMULATION, START_US + LENGTH_US)).encode()).hexdigest())"
    )
    told = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout.strip()
    assert told == hashlib.sha256("\n".join(texts(SIMULATION, START_US + LENGTH_US)).encode()).hexdigest()


def test_another_seed_is_another_fleet() -> None:
    one, other = (set(texts(replace(SIMULATION, seed=seed), START_US + HOUR_US)) for seed in (1, 2))
    assert not one & other


@settings(max_examples=8, deadline=None)
@given(st.integers(1, LENGTH_US - 1))
def test_whatever_the_end_what_comes_before_it_is_the_same(length_us: int) -> None:
    whole, part = whole_fleet(), seen(SIMULATION, START_US + length_us)
    assert part.calls.call_id.tolist() == whole.calls.call_id[whole.calls.start_us < START_US + length_us].tolist()
    observed = whole.evidence.observe_us < START_US + length_us
    assert part.evidence.evidence_id.tolist() == whole.evidence.evidence_id[observed].tolist()


@settings(max_examples=8, deadline=None)
@given(st.integers(1, LENGTH_US - 1))
def test_whatever_the_start_tasks_that_begin_after_it_are_the_same(later_us: int) -> None:
    later = seen(replace(SIMULATION, start_us=START_US + later_us), START_US + LENGTH_US)
    whole = whole_fleet()
    kept = np.isin(whole.calls.task_id, later.calls.task_id)
    assert later.calls.call_id.tolist() == whole.calls.call_id[kept].tolist()
    first = {task: int(start) for task, start in zip(whole.calls.task_id[::-1].tolist(), whole.calls.start_us[::-1].tolist(), strict=True)}
    assert all(
        (first[task] >= START_US + later_us) == bool(is_kept) for task, is_kept in zip(whole.calls.task_id.tolist(), kept, strict=True)
    )


@settings(max_examples=6, deadline=None)
@given(st.permutations(range(3)))
def test_slices_are_the_same_in_whatever_order_they_are_made(order: list[int]) -> None:
    first = START_US // SIMULATION.slice_us
    made = {number: SIMULATION.slice_work(first + number).calls.call_id.tolist() for number in order}
    assert made == {number: SIMULATION.slice_work(first + number).calls.call_id.tolist() for number in range(3)}


@pytest.mark.parametrize("by_end", [False, True])
def test_blocks_are_in_order_of_time_and_follow_one_another(by_end: bool) -> None:
    found = list(blocks(SIMULATION, START_US + LENGTH_US, by_end=by_end))
    assert len(found) > 3
    times = [block.calls.end_us if by_end else block.calls.start_us for block in found]
    for all_times in (np.concatenate(times), np.concatenate([block.evidence.observe_us for block in found])):
        assert (np.diff(all_times) >= 0).all()
    for block, time_us in zip(found, times, strict=True):
        assert time_us.max() < block.until_us
        assert block.evidence.observe_us.max() < block.until_us
    assert found[-1].until_us == START_US + LENGTH_US


def test_without_an_end_it_goes_on() -> None:
    found: list[Block] = list(islice(blocks(SIMULATION), 5))
    assert [block.until_us for block in found] == [START_US + (number + 1) * SIMULATION.slice_us for number in range(5)]


def test_lines_are_in_order_of_time() -> None:
    found = [line.partition('_time":"')[2].partition('"')[0] for line in texts(SIMULATION, START_US + HOUR_US)]
    assert len(found) > 10_000
    assert found == sorted(found)


@pytest.mark.parametrize(("rate", "slice_s"), [(0.01, 3_600), (1.0, 3_600), (5.0, 900), (100.0, 40), (5_000.0, 1)])
def test_a_slice_holds_no_more_than_can_be_made_at_once(rate: float, slice_s: int) -> None:
    simulation = Simulation(SEED, START_US, rate)
    assert simulation.slice_us == slice_s * US
    assert rate * slice_s <= SLICE_CALLS_MAX


def test_a_time_without_any_call_is_an_empty_block() -> None:
    simulation = Simulation(SEED, START_US, 1e-9)
    assert texts(simulation, START_US + 2 * HOUR_US) == []


def test_a_roll_out_grows_to_the_full_rate() -> None:
    simulation = replace(SIMULATION, calls_per_s=1.0)
    growing = replace(simulation, roll_out=RollOut(START_US + 2 * DAY_US, DAY_US // 2, 0.1))
    day_counts = np.bincount((seen(growing, START_US + 3 * DAY_US).calls.start_us - START_US) // DAY_US)
    full_counts = np.bincount((seen(simulation, START_US + 3 * DAY_US).calls.start_us - START_US) // DAY_US)
    assert (day_counts / full_counts).tolist() == pytest.approx([0.13, 0.52, 1.0], abs=0.06)
