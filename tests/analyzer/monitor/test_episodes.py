"""What belongs together: scopes, episodes, their beginning, joining, widening and end."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest

from services.analyzer.domain.episode import PARTS_MAX, Episode, record
from services.analyzer.domain.episodes import Episodes
from services.analyzer.domain.finding import Finding, Form
from services.analyzer.domain.metric import AnomalyKind, Direction, Metric, Outcome, Severity
from services.analyzer.domain.monitor_configuration import MonitorConfiguration
from services.analyzer.domain.recent_calls import RecentCalls
from services.analyzer.domain.roster import Roster
from services.analyzer.domain.scope import ScopeFinder
from services.analyzer.domain.series import Scope, SeriesKey, scope_of
from services.analyzer.domain.window_columns import EMPTY, WindowColumns
from tests.analyzer.monitor.fleet import grid

CONFIGURATION = MonitorConfiguration()
NOW = 1_767_571_200
KEYS = grid(["p", "q"], "abc", ["t1", "t2", "t3"])  # p: 0..8, q: 9..17; a model each three
SHIFT = AnomalyKind.SHIFT


def finding(series: int, onset_s: float = NOW, metric: Metric = Metric.SUCCESS_RATIO, log10_e: float = 8.0, **changes: object) -> Finding:
    direction = Direction.DOWN if metric in {Metric.SUCCESS_RATIO, Metric.CALL_VOLUME} else Direction.UP
    told = Finding(KEYS[series], SHIFT, metric, direction, log10_e, None, onset_s, onset_s + 60, 0.5, 0.98, 0.95, 1.0, 20, 10)
    return replace(told, **changes)  # type: ignore[arg-type]


def silence(series: int, onset_s: float = NOW) -> Finding:
    return finding(series, onset_s, Metric.CALL_VOLUME, kind=AnomalyKind.SILENCE, observed=0.0, expected=60.0, p_value=1e-9)


def calls(numbers: Sequence[int], count: int, start_s: int = NOW, failed: int = 0) -> WindowColumns:
    """One window of so many calls, of each of the series."""
    size = len(numbers)
    blank = {name: np.zeros(size, getattr(EMPTY, name).dtype) for name in WindowColumns.__dataclass_fields__}
    outcomes = np.zeros((size, 6), np.int64)
    outcomes[:, 0], outcomes[:, 3] = count - failed, failed
    columns = {"series": np.array(numbers), "start_s": np.full(size, start_s), "length_s": np.full(size, 60), "outcome_counts": outcomes}
    return WindowColumns(**{**blank, **columns})


class World:
    def __init__(self, active: Sequence[int] = range(18), count: int = 1) -> None:
        self.roster, self.recent = Roster(), RecentCalls()
        self.roster.add(range(len(KEYS)), KEYS)
        self.recent.grow(len(KEYS))
        self.recent.add(calls(list(active), count))
        self.episodes = Episodes(self.roster, self.recent, CONFIGURATION)

    def scopes(self, *findings: Finding) -> list[Scope]:
        """The scopes that the findings are told with."""
        self.review(*findings)
        return sorted((episode.scope for episode in self.episodes.open.values()), key=str)

    def review(self, *findings: Finding, now_s: float = NOW + 60) -> list[Episode]:
        return self.episodes.review({each.id: each for each in findings}, now_s)

    def only(self) -> Episode:
        (episode,) = self.episodes.open.values()
        return episode


ALL_P = [finding(number) for number in range(9)]


@pytest.mark.parametrize(
    ("findings", "scopes"),
    [
        ([0], [scope_of(KEYS[0])]),
        (range(9), [Scope("p")]),
        ([0, 1, 2, 3, 4], [Scope("p")]),
        ([0, 1, 2], [Scope("p", "p-a")]),
        ([0, 3, 6, 9, 12, 15], [Scope(task_type="t1", prompt_name="t1-prompt")]),
        (range(18), [Scope()]),
        ([0, 17], [scope_of(KEYS[0]), scope_of(KEYS[17])]),
        ([0, 1], [Scope("p", "p-a")]),
        ([0, 4], [scope_of(KEYS[0]), scope_of(KEYS[4])]),
        ([0, 3, 6], [Scope("p", None, "t1", "t1-prompt")]),
    ],
)
def test_the_coarsest_group_that_shows_it_is_told_narrowed_to_what_is_in_common(findings: Sequence[int], scopes: list[Scope]) -> None:
    assert World().scopes(*(finding(number) for number in findings)) == sorted(scopes, key=str)


def test_healthy_series_speak_against_a_group_by_their_calls() -> None:
    three = [finding(0), finding(4), finding(8)]
    assert World(count=1).scopes(*three) == [Scope("p")]
    assert World(count=30).scopes(*three) == sorted((scope_of(KEYS[number]) for number in (0, 4, 8)), key=str)


def test_a_small_group_needs_two_series() -> None:
    world = World(active=[0, 1])
    assert world.scopes(finding(0), finding(1)) == [Scope("p")]


def test_onsets_far_apart_are_not_one_cause_unless_calls_are_rare() -> None:
    far = [finding(0), finding(1, NOW + 3_600), finding(2, NOW + 7_200), finding(3, NOW - 3_600)]
    assert len(World().scopes(*far)) == 4
    rare = World()
    for hour in range(1, 10):
        rare.recent.add(calls(range(9), 1, NOW - 3_600 * hour))
    assert rare.scopes(*far) == [Scope("p")]


def test_a_whole_project_may_be_silent_though_it_has_one_provider() -> None:
    world = World(active=range(9))
    assert world.scopes(*(silence(number) for number in range(9))) == [Scope()]
    assert world.only().severity is Severity.CRITICAL


def test_a_group_without_much_evidence_for_each_of_it_is_a_group() -> None:
    assert World().scopes(*(replace(silence(number), log10_e=0.0) for number in range(9))) == [Scope("p")]


def test_findings_come_and_go_and_the_episode_with_them() -> None:
    world = World()
    (begun,) = world.review(finding(0))
    assert begun.is_open and begun.start_s == NOW and begun.detect_s == NOW + 60
    assert world.review(finding(0, log10_e=9.0)) == []
    (ended,) = world.review(now_s=NOW + 300)
    assert ended is begun and ended.end_s == NOW + 300 and not world.episodes.open


def test_a_flicker_takes_the_episode_up_again_and_later_it_is_another_one() -> None:
    world = World()
    (first,) = world.review(finding(0))
    world.review(now_s=NOW + 300)
    (again,) = world.review(finding(0, NOW + 400), now_s=NOW + 500)
    assert again is first and again.is_open and again.start_s == NOW
    world.review(now_s=NOW + 600)
    world.review(now_s=NOW + 600 + CONFIGURATION.reopen_s + 1)
    (other,) = world.review(finding(0, NOW + 1_700), now_s=NOW + 1_800)
    assert other.anomaly_id != first.anomaly_id and not world.episodes.over


def test_a_group_is_taken_up_by_one_of_its_series_and_a_series_not_by_its_group() -> None:
    world = World()
    (group,) = world.review(*ALL_P)
    world.review(now_s=NOW + 300)
    assert world.review(finding(12, NOW + 300), now_s=NOW + 360)[0] is not group
    (again,) = world.review(finding(12, NOW + 300), finding(4, NOW + 400), now_s=NOW + 460)
    assert again is group and group.scope == Scope("p")
    other = World()
    (single,) = other.review(finding(0))
    other.review(now_s=NOW + 300)
    (wide,) = other.review(*(finding(number, NOW + 400) for number in range(9)), now_s=NOW + 460)
    assert wide is not single and wide.scope == Scope("p") and wide.start_s == NOW + 400


def test_another_metric_that_moves_at_once_is_told_with_the_strongest() -> None:
    world = World()
    (episode,) = world.review(finding(0, log10_e=7.0), finding(0, metric=Metric.LATENCY_P95, log10_e=12.0))
    assert episode.family.metric is Metric.LATENCY_P95
    told = record(episode)
    assert [part.metric for part in told.parts] == [Metric.LATENCY_P95, Metric.SUCCESS_RATIO]
    assert told.explanation.endswith("also success down")
    (joined,) = world.review(*episode.members.values(), finding(0, NOW + 120, Metric.LATENCY), now_s=NOW + 180)
    assert joined is episode and len(joined.members) == 3
    world.review(*episode.members.values(), finding(0, NOW + 7_200, Metric.QUALITY), now_s=NOW + 7_300)
    assert len(world.episodes.open) == 2


def test_silence_leads_whatever_the_evidence() -> None:
    world = World()
    (episode,) = world.review(silence(0), finding(0, log10_e=50.0))
    assert episode.family.form is Form.SILENCE and record(episode).p_value == 1e-9


def test_series_that_come_later_join_their_group() -> None:
    world = World()
    world.review(*ALL_P[:5])
    episode = world.only()
    name = episode.anomaly_id
    world.review(*ALL_P[:5], finding(7, NOW + 5_000), now_s=NOW + 5_060)
    assert world.only().anomaly_id == name and len(episode.members) == 6
    assert record(episode).part_count == 6 and record(episode).call_count == 120


def test_single_series_become_their_group_which_keeps_the_oldest_name() -> None:
    world = World()
    world.review(finding(1, NOW), finding(5, NOW + 30))
    first, second = sorted(world.episodes.open.values(), key=lambda episode: episode.start_s)
    also = finding(5, NOW + 60, Metric.LATENCY)
    world.review(finding(1), finding(5, NOW + 30), also, now_s=NOW + 120)
    changed = world.review(finding(1), finding(5, NOW + 30), also, finding(8, NOW + 60), now_s=NOW + 180)
    assert world.only() is first and first.scope == Scope("p")
    assert {episode.anomaly_id for episode in changed} == {first.anomaly_id, second.anomaly_id}
    assert not second.is_open and second.merged_into == first.anomaly_id
    assert "told with a wider one since" in record(second).explanation
    assert also.id in first.members
    assert world.review(finding(1), finding(5, NOW + 30), also, finding(8, NOW + 60), now_s=NOW + 240) == []


def test_a_model_s_outage_widens_to_its_provider_and_never_narrows() -> None:
    world = World()
    world.review(*(finding(number) for number in range(3)))
    episode = world.only()
    assert episode.scope == Scope("p", "p-a")
    world.review(*ALL_P, now_s=NOW + 120)
    assert world.only() is episode and episode.scope == Scope("p") and len(episode.members) == 9
    q = [finding(number) for number in range(9, 18)]
    world.review(*ALL_P, *q, now_s=NOW + 180)
    assert world.only() is episode and episode.scope == Scope()


def test_what_moved_along_on_one_series_is_told_with_the_group_that_came_later() -> None:
    world = World()
    (single,) = world.review(finding(4, metric=Metric.LATENCY))
    early = finding(5, NOW - 7_200, Metric.QUALITY)
    (older,) = world.review(finding(4, metric=Metric.LATENCY), early)
    changed = world.review(finding(4, metric=Metric.LATENCY), early, *ALL_P, now_s=NOW + 120)
    group = next(episode for episode in world.episodes.open.values() if episode.scope == Scope("p"))
    assert {each.anomaly_id for each in changed} >= {group.anomaly_id, single.anomaly_id}
    assert single.merged_into == group.anomaly_id and finding(4, metric=Metric.LATENCY).id in group.members
    assert older.is_open and not older.merged_into


def test_groups_that_cross_keep_what_is_theirs() -> None:
    world = World(count=30)
    task = [finding(number) for number in (0, 3, 6, 9, 12, 15)]
    world.review(*task)
    first = world.only()
    world.review(*task, finding(1, NOW + 60), finding(2, NOW + 60), now_s=NOW + 180)
    second = next(episode for episode in world.episodes.open.values() if episode is not first)
    assert first.scope.task_type == "t1" and first.scope.provider is None and len(first.members) == 6
    assert second.scope == Scope("p", "p-a") and len(second.members) == 2


def test_weak_findings_are_told_with_others_alone() -> None:
    weak = [replace(finding(number, log10_e=1.0), is_weak=True) for number in range(9)]
    assert World().scopes(weak[0]) == []
    assert World().scopes(*weak) == [Scope("p")]
    assert World().scopes(*(replace(each, log10_e=0.3) for each in weak)) == []


def test_a_group_is_well_again_when_most_of_its_calls_are() -> None:
    world = World()
    world.review(*ALL_P)
    episode = world.only()
    world.recent.add(calls(range(7), 30, NOW + 600))
    world.recent.add(calls([7, 8], 1, NOW + 600))
    world.review(*ALL_P[7:], now_s=NOW + 660)
    assert episode.is_open
    world.review(*ALL_P[7:], now_s=NOW + 661 + CONFIGURATION.settle_s)
    assert not episode.is_open and len(world.episodes.muted) == 2
    world.review(*ALL_P[7:], now_s=NOW + 2_000)
    assert not world.episodes.open
    grown = replace(ALL_P[8], log10_e=ALL_P[8].log10_e + 2)
    world.review(ALL_P[7], grown, now_s=NOW + 2_060)
    assert world.only().scope == scope_of(KEYS[8])
    world.review(grown, now_s=NOW + 2_100)
    assert not world.episodes.muted


def test_what_lasts_after_its_group_was_well_is_told_at_last() -> None:
    world = World()
    world.review(*ALL_P)
    world.recent.add(calls(range(8), 30, NOW + 600))
    world.review(ALL_P[8], now_s=NOW + 660)
    world.review(ALL_P[8], now_s=NOW + 1_000)
    assert not world.episodes.open
    world.review(replace(ALL_P[8], seen_s=NOW + 8 * 3_600.0), now_s=NOW + 8 * 3_600)
    assert world.only().scope == scope_of(KEYS[8])


def test_a_group_that_goes_on_stays_open_while_one_of_it_flickers() -> None:
    world = World()
    world.review(*ALL_P)
    world.recent.add(calls(range(9), 10, NOW + 600))
    world.review(*ALL_P[:8], now_s=NOW + 660)
    assert world.review(*ALL_P[:8], now_s=NOW + 2_000) == []
    assert world.only().is_open


def test_calls_are_counted_by_outcome_since_the_onset() -> None:
    world = World(active=range(9), count=0)
    world.recent.add(calls(range(9), 10, failed=6))
    world.review(*ALL_P)
    world.episodes.count_calls(calls(range(18), 5, NOW + 60, failed=5))
    world.episodes.count_calls(calls(range(18), 5, NOW - 60, failed=5))
    told = record(world.only())
    assert told.outcome_counts[Outcome.SUCCEEDED] == 36 and told.outcome_counts[Outcome.RATE_LIMITED] == 99
    assert told.main_outcome is Outcome.RATE_LIMITED and "mostly RATE_LIMITED" in told.explanation


def test_the_peak_is_where_it_stood_out_most_and_severity_stays() -> None:
    world = World()
    world.review(finding(0, observed=0.9))
    world.review(finding(0, observed=0.3, call_count=40, seen_s=NOW + 300.0))
    (episode,) = world.episodes.open.values()
    assert episode.peak_s == NOW + 300 and episode.severity is Severity.CRITICAL
    world.review(finding(0, observed=0.9, call_count=60, seen_s=NOW + 600.0, log10_e=3.0))
    told = record(episode)
    assert (told.peak_s, told.severity, told.log10_e) == (NOW + 300, Severity.CRITICAL, 8.0)


def test_values_of_several_series_are_told_as_one() -> None:
    world = World()
    values = {"observed": 4.0, "expected": 1.0, "low": 0.9, "high": 1.1}
    world.review(*(finding(number, metric=Metric.LATENCY, **{**values, "observed": 4.0**number}) for number in range(3)))
    told = record(world.only())
    assert told.observed == pytest.approx(4.0) and told.expected == pytest.approx(1.0)
    silent = World()
    silent.review(*(silence(number) for number in range(3)))
    told = record(silent.only())
    assert (told.observed, told.expected, told.log10_e, told.p_value) == (0.0, 180.0, 8.0, 1e-9)


def test_parts_are_listed_up_to_a_limit_and_counted_beyond() -> None:
    keys = grid(["p"], [f"m{number}" for number in range(PARTS_MAX + 10)], "x")
    world = World()
    world.roster.add(range(len(KEYS), len(KEYS) + len(keys)), keys)
    world.recent.grow(len(world.roster.keys))
    world.review(*(replace(finding(0), key=key, log10_e=float(place)) for place, key in enumerate(keys)))
    told = record(world.only())
    assert told.part_count == PARTS_MAX + 10 and len(told.parts) == PARTS_MAX
    assert told.parts[0].key == keys[-1] and told.log10_e == 300.0


@pytest.mark.parametrize("seed", range(5))
def test_the_order_of_findings_and_the_numbers_of_series_change_nothing(seed: int) -> None:
    findings = [finding(number, log10_e=5.0 + number % 4) for number in (0, 1, 2, 3, 4, 9, 12, 15)]
    findings += [finding(number, NOW + 5, Metric.COST_PER_CALL) for number in (0, 9, 17)]
    findings += [finding(17, NOW + 9_000, Metric.QUALITY)]
    order = np.random.default_rng(seed)
    told = []
    for shuffled in (findings, [findings[place] for place in order.permutation(len(findings))]):
        world = World()
        keys = [KEYS[place] for place in (order.permutation(18) if shuffled is not findings else range(18))]
        world.roster = Roster()
        world.roster.add(range(18), keys)
        world.episodes = Episodes(world.roster, world.recent, CONFIGURATION)
        world.review(*shuffled)
        told.append({each: record(episode) for each, episode in world.episodes.open.items()})
    assert told[0] == told[1] and len(told[0]) > 1


def test_prompts_are_groups_of_their_own() -> None:
    keys = [SeriesKey("p", "p-a", f"t{number}", "shared", "v1") for number in range(4)]
    keys += [SeriesKey("p", "p-a", f"t{number}", "shared", "v2") for number in range(4)]
    roster, recent = Roster(), RecentCalls()
    roster.add(range(8), keys)
    recent.grow(8)
    recent.add(calls(range(8), 40))
    widest = ScopeFinder(roster, recent, CONFIGURATION).widest([replace(finding(0), key=key) for key in keys[:4]], 4)
    assert widest is not None and widest.scope == Scope(prompt_name="shared", prompt_version="v1")
    assert widest.rows.tolist() == [0, 1, 2, 3]
