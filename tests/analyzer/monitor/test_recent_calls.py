"""What is remembered of the last windows, and the numbers of series and groups."""

from dataclasses import replace

import numpy as np

from services.analyzer.domain.metric import Outcome
from services.analyzer.domain.recent_calls import KEPT_WINDOWS, STATE_OCTETS, RecentCalls
from services.analyzer.domain.roster import MODEL, NO_GROUP, PROJECT, PROMPT, PROVIDER, Roster, scope_at
from services.analyzer.domain.series import Scope, SeriesKey
from services.analyzer.domain.window_columns import WindowColumns
from tests.analyzer.monitor.fleet import START_S, Fleet, grid

FLEET = Fleet(grid("p", "a", "xy"), (600.0, 600.0))
BOTH = np.array([0, 1])


def windows(minute: int) -> WindowColumns:
    return FLEET.windows(START_S + 60 * minute, 60)


def remembered(*parts: WindowColumns) -> RecentCalls:
    recent = RecentCalls()
    recent.grow(2)
    for part in parts:
        recent.add(part)
    return recent


def test_calls_since_a_moment_are_those_of_the_windows_since_its_minute() -> None:
    parts = [windows(minute) for minute in range(5)]
    recent = remembered(*parts)
    expected = parts[3].decided_count + parts[4].decided_count
    assert recent.calls_since(BOTH, START_S + 190.0).tolist() == expected.tolist()
    assert recent.outcomes_since(BOTH, START_S).sum() == sum(part.call_count.sum() for part in parts)
    assert recent.newest_s(BOTH).tolist() == [START_S + 240, START_S + 240]
    assert recent.interval_s(BOTH).tolist() == [60.0, 60.0]


def test_a_window_grows_however_its_calls_come() -> None:
    window = windows(0)
    doubled = remembered(WindowColumns.concatenated([window, window]))
    again = remembered(window, windows(1), window)
    assert doubled.outcomes_since(BOTH, START_S).tolist() == (2 * window.outcome_counts).tolist()
    assert again.outcomes_since(BOTH, START_S).tolist() == (2 * window.outcome_counts + windows(1).outcome_counts).tolist()


def test_the_oldest_windows_are_forgotten_and_stay_so() -> None:
    recent = remembered(*(windows(minute) for minute in range(KEPT_WINDOWS + 2)))
    before = recent.outcomes_since(BOTH, 0.0)
    recent.add(windows(0))
    assert recent.outcomes_since(BOTH, 0.0).tolist() == before.tolist()
    assert before.sum() == sum(windows(minute).call_count.sum() for minute in range(2, KEPT_WINDOWS + 2))


def test_counts_end_where_their_type_does() -> None:
    window = windows(0)
    huge = replace(window, outcome_counts=np.full((2, len(Outcome)), 10**9))
    assert remembered(huge, huge).outcomes_since(BOTH, 0.0).max() == 2**16 - 1


def test_what_is_remembered_survives_as_bytes() -> None:
    recent, other = remembered(windows(0), windows(1)), remembered()
    other.grow(1)
    other.restore(1, recent.state(0))
    assert len(recent.state(0)) == STATE_OCTETS
    assert other.outcomes_since(np.array([1]), 0.0).tolist() == recent.outcomes_since(np.array([0]), 0.0).tolist()
    assert np.isnan(other.interval_s(np.array([0]))).all()


def test_series_are_in_a_group_of_each_level() -> None:
    roster = Roster()
    keys = [*grid(["p", "q"], ["a", "b"], ["x", "y"]), SeriesKey("p", "p-a", "x", "", "")]
    roster.add(range(len(keys)), keys)
    roster.add([0], [keys[0]])
    roster.add([0, len(keys)], [keys[0], SeriesKey("r", "c", "x", "", "")])
    assert len(roster.keys) == len(keys) + 1
    assert roster.knows(keys[0]) and not roster.knows(keys[0]._replace(provider="z"))
    provider = roster.group_number(Scope(provider="p"))
    assert provider is not None and roster.members(provider).tolist() == [0, 1, 2, 3, 8]
    assert roster.memberships[8, PROMPT] == NO_GROUP and scope_at(PROMPT, keys[8]) is None
    assert scope_at(MODEL, keys[0]) == Scope("p", "p-a")
    assert roster.group_number(Scope(provider="z")) is None


def test_sums_over_groups_count_each_series_once_a_level() -> None:
    roster = Roster()
    keys = grid(["p", "q"], ["a", "b"], ["x", "y"])
    roster.add(range(len(keys)), keys)
    summed = roster.summed(np.arange(8), np.arange(8.0))
    for level, groups in ((PROJECT, 1), (PROVIDER, 2), (MODEL, 4)):
        of_level = summed[roster.group_level == level]
        assert len(of_level) == groups and of_level.sum() == 28.0
    assert roster.touched(np.array([0])).sum() == 5
