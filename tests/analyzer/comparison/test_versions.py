"""Windows of a prompt's versions, laid out, compared, ranked and told; and sums of windows in place of values."""

import math

import numpy as np
import pytest

from services.analyzer.domain.comparison import gathered
from services.analyzer.domain.comparison.gathered import PromptWindows, table_of, uses_of
from services.analyzer.domain.comparison.sequence import DEGREES_MIN
from services.analyzer.domain.comparison.strata import ComparedMetric, Stratum, Sums
from services.analyzer.domain.comparison.verdict import Comparison, Verdict, compare, narrowing
from services.analyzer.domain.comparison.versions import ComparedVersion, compare_versions, rank_table, words

HOUR_S = 3_600.0
EASY, HARD = Stratum("provider", "model", "easy"), Stratum("provider", "model", "hard")
SUCCESS, QUALITY, LATENCY, COST = ComparedMetric.SUCCESS, ComparedMetric.QUALITY, ComparedMetric.LATENCY, ComparedMetric.COST


def grouped(values: np.ndarray[tuple[int, ...], np.dtype[np.float64]], size: int) -> Sums:
    """Values of one stratum as sums of groups of that size, by group: shape (groups, 1)."""
    total = values.reshape(-1, size).sum(1)[:, None]
    return Sums(np.full_like(total, size), total, total**2 / size, np.ones_like(total))


def windows(rows: list[tuple[str, Stratum, int, float, float]]) -> PromptWindows:
    """Windows of an hour: version, stratum, which hour, calls, and how many succeeded."""
    versions, strata = tuple(sorted({row[0] for row in rows})), tuple(sorted({row[1] for row in rows}))
    start_s = np.array([row[2] * HOUR_S for row in rows])
    calls, succeeded = np.array([row[3] for row in rows]), np.array([row[4] for row in rows])
    return PromptWindows(
        versions,
        strata,
        np.array([versions.index(row[0]) for row in rows]),
        np.array([strata.index(row[1]) for row in rows]),
        start_s,
        start_s + HOUR_S,
        calls,
        {SUCCESS: Sums(calls, succeeded, succeeded)},
    )


def test_sums_of_windows_tell_what_single_values_would() -> None:
    chance = np.random.default_rng(1)
    one, other = chance.normal(0.6, 0.2, 4_000), chance.normal(0.55, 0.2, 4_000)
    by_window = compare(QUALITY, *(grouped(each, 20).mapped(lambda part: part.sum(0)) for each in (one, other)), (EASY,))
    by_value = compare(QUALITY, *(grouped(each, 1).mapped(lambda part: part.sum(0)) for each in (one, other)), (EASY,))
    assert by_window.verdict is by_value.verdict is Verdict.BETTER
    assert by_window.difference == pytest.approx(by_value.difference)
    assert by_window.half_width == pytest.approx(by_value.half_width, rel=0.15)


def test_few_windows_tell_nothing_however_many_calls_they_hold() -> None:
    values = np.random.default_rng(2).normal(0.5, 0.2, 10_000)
    groups = 8
    assert 2 * (groups - 1) < DEGREES_MIN
    few = compare(QUALITY, *(grouped(each, 10_000 // groups).mapped(lambda part: part.sum(0)) for each in (values + 0.3, values)), (EASY,))
    assert few.verdict is Verdict.UNDECIDED and few.half_width == math.inf and few.further_call_count is not None


def test_sums_of_windows_are_rarely_wrong_where_nothing_differs() -> None:
    chance = np.random.default_rng(3)
    wrong = 0
    for _ in range(300):
        seen = narrowing(QUALITY, *(grouped(chance.beta(8, 2, 2_000), 10) for _ in range(2)))
        wrong += bool((np.abs(np.nan_to_num(seen.difference)) > seen.half_width).any())
    assert wrong <= 24  # 5 % would be 15


def test_sums_with_groups_add_up_and_those_without_make_none() -> None:
    one = grouped(np.arange(8.0), 2).mapped(lambda each: each.sum(0))
    both = one + one
    assert both.groups is not None and both.groups.tolist() == [8.0] and both.degrees.tolist() == [7.0]
    assert (one + Sums(one.count, one.total, one.square)).groups is None


def test_how_versions_were_used_is_told_the_last_used_first() -> None:
    rows = [("old", EASY, 0, 5.0, 5.0), ("new", HARD, 1, 1.0, 0.0), ("new", EASY, 3, 3.0, 3.0), ("never", EASY, 9, 0.0, 0.0)]
    uses = uses_of(windows(rows))
    assert list(uses) == ["new", "old"]
    assert (uses["new"].call_count, uses["new"].first_s, uses["new"].last_s) == (4, HOUR_S, 4 * HOUR_S)
    assert uses["new"].task_types == ("easy", "hard")


def test_the_busiest_strata_are_kept_and_only_the_versions_that_are_meant(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gathered, "STRATA_MAX", 1)
    rows = [("a", EASY, 0, 5.0, 4.0), ("b", EASY, 2, 6.0, 6.0), ("a", HARD, 0, 9.0, 1.0), ("c", HARD, 1, 99.0, 1.0)]
    table = table_of(windows(rows), ["b", "a"])
    assert table.strata == (EASY,) and table.end_s.tolist() == [HOUR_S, 2 * HOUR_S, 3 * HOUR_S]
    assert table.sums[SUCCESS].total[:, :, 0].tolist() == [[0.0, 4.0], [0.0, 0.0], [6.0, 0.0]]
    assert table.simultaneous_ratio(0, 1) == 0.0


def versions_that_differ() -> tuple[ComparedVersion, ...]:
    rows = [("b", each, hour, 40.0, 38.0) for each in (EASY, HARD) for hour in range(20)]
    rows += [("a", each, hour, 40.0, 30.0) for each in (EASY, HARD) for hour in range(10, 20)]
    return compare_versions(table_of(windows(rows), ["b", "a"]), "a", (SUCCESS,), {SUCCESS: 0.01})


def test_a_verdict_says_since_when_and_where_it_holds_and_how_it_came_about() -> None:
    (compared,) = versions_that_differ()
    assert compared.version == "b" and compared.simultaneous_ratio == pytest.approx(0.5)
    (effect,) = compared.effects
    assert effect.comparison.verdict is Verdict.BETTER and effect.comparison.margin == 0.01
    assert [each.stratum for each in effect.comparison.strata] == [EASY, HARD]
    assert effect.comparison.strata[0].version_mean == pytest.approx(0.95) and effect.comparison.strata[0].baseline_count == 400
    assert effect.decide_s is not None and 11 * HOUR_S <= effect.decide_s < 20 * HOUR_S
    half = effect.sequence.half_width
    assert len(half) == 20 and math.isinf(half[0]) and half[-1] < half[12]
    assert effect.words.startswith("better: success ratio +0.2 (+0.1")


def test_what_is_not_decided_has_no_time_and_says_how_many_calls_it_takes() -> None:
    rows = [(version, EASY, hour, 40.0, 30.0 + (version == "b")) for version in "ab" for hour in range(5)]
    table = table_of(windows(rows), ["b", "a"])
    ((effect,),) = [each.effects for each in compare_versions(table, "a", (SUCCESS,), {})]
    assert effect.decide_s is None and effect.comparison.further_call_count
    assert effect.words.endswith("further calls until a verdict")
    assert [place.version for place in rank_table(table, SUCCESS)] == ["b", "a"]


@pytest.mark.parametrize(
    ("metric", "verdict", "difference", "half", "told"),
    [
        (SUCCESS, Verdict.UNDECIDED, math.nan, math.inf, "nothing to compare: no provider and kind of task has the success ratio of both"),
        (QUALITY, Verdict.UNDECIDED, 0.1, math.inf, "undecided: too little is known of the quality yet"),
        (LATENCY, Verdict.WORSE, 0.1, 0.05, "worse: latency +10.5 % (+5.13 % to +16.2 %)"),
        (LATENCY, Verdict.UNDECIDED, 0.1, 800.0, "undecided: latency +10.5 % (-100 % to +4.85e+10 %)"),
        (
            COST,
            Verdict.NO_DIFFERENCE,
            0.01,
            0.02,
            "no difference worth having: cost a call +1 % (-1 % to +3 %), which is within 5 % either way",
        ),
    ],
)
def test_a_comparison_is_told_in_words(metric: ComparedMetric, verdict: Verdict, difference: float, half: float, told: str) -> None:
    assert words(Comparison(metric, verdict, difference, half, 0.05, 100.0, None, ())).startswith(told)


def test_a_verdict_at_the_very_edge_is_dated_to_the_end() -> None:
    ((effect,),) = [each.effects for each in versions_that_differ()]
    edge = Comparison(SUCCESS, Verdict.WORSE, -0.1, 0.09, 0.02, 100.0, None, ())
    assert effect.sequence.first_told(edge) == 19
