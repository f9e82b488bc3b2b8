"""The supervisor's decisions: restarts, deadlines, and how an end is told."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kit.supervisor.policy import RestartPolicy, exit_in_words, hint_for, stage_deadlines_s

POLICY = RestartPolicy(restarts_max=3, window_s=10, delay_min_s=0.5, delay_max_s=1.5)


@pytest.mark.parametrize(
    ("deaths_s", "now_s", "delay_s"),
    [
        ([100.0], 100.0, 0.5),
        ([98.0, 100.0], 100.0, 1.0),
        ([97.0, 98.0, 100.0], 100.0, 1.5),  # 2.0 by doubling, capped
        ([97.0, 98.0, 99.0, 100.0], 100.0, None),
        ([90.0, 98.0, 99.0, 100.0], 100.0, 1.5),  # the first is as old as the window and no longer counts
        ([80.0], 100.0, 0.5),
    ],
)
def test_a_restart_waits_longer_each_time_and_is_refused_past_the_limit(deaths_s: list[float], now_s: float, delay_s: float | None) -> None:
    assert POLICY.delay_s(deaths_s, now_s) == delay_s


@given(st.lists(st.floats(0, 1000), min_size=1, max_size=20))
def test_a_delay_is_within_its_bounds_and_only_more_recent_deaths_than_allowed_end_it(deaths_s: list[float]) -> None:
    delay_s = POLICY.delay_s(deaths_s, 1000.0)
    recent_count = sum(death_s > 990 for death_s in deaths_s)
    if delay_s is None:
        assert recent_count > POLICY.restarts_max
    else:
        assert recent_count <= POLICY.restarts_max
        assert POLICY.delay_min_s <= delay_s <= POLICY.delay_max_s


@given(st.integers(1, 6), st.floats(0.1, 60))
def test_every_stage_has_an_equal_share_and_the_last_one_ends_in_time(stage_count: int, total_s: float) -> None:
    deadlines_s = stage_deadlines_s(stage_count, total_s)
    assert deadlines_s == pytest.approx([total_s / stage_count * n for n in range(1, stage_count + 1)])
    assert deadlines_s[-1] == pytest.approx(total_s)


def test_without_stages_there_is_no_deadline() -> None:
    assert stage_deadlines_s(0, 5.0) == []


@pytest.mark.parametrize(
    ("exit_code", "words"),
    [
        (0, "ended with exit code 0"),
        (3, "ended with exit code 3"),
        (-9, "was killed by SIGKILL"),
        (-99, "by signal 99"),
    ],
)
def test_an_exit_code_is_told_in_words(exit_code: int, words: str) -> None:
    assert words in exit_in_words(exit_code)


def test_the_hint_is_that_of_the_first_known_text() -> None:
    hints = {"disk full": "free some space", "port taken": "choose another"}
    assert hint_for(["all well", "FATAL: port taken"], hints) == "choose another"
    assert hint_for(["port taken", "disk full"], hints) == "free some space"
    assert hint_for(["all well"], hints) is None
