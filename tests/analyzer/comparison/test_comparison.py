"""Versions that differ, versions that do not, and mixes that would deceive."""

import math
from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.analyzer.domain.arrays import Bools, Floats
from services.analyzer.domain.comparison.sequence import PAIRS_MIN, contrast, radius
from services.analyzer.domain.comparison.strata import TRAITS, ComparedMetric, Stratum, Sums
from services.analyzer.domain.comparison.verdict import ERROR, Verdict, compare, compare_with_baseline, narrowing, rank_versions

EASY, HARD = Stratum("provider", "model", "easy"), Stratum("provider", "model", "hard")
BOTH = (EASY, HARD)
NOTHING = Sums(np.zeros(2), np.zeros(2), np.zeros(2))


def successes(counts: Sequence[float], ratios: Sequence[float]) -> Sums:
    """Calls that succeeded or not, by stratum."""
    count = np.array(counts, float)
    return Sums(count, count * np.array(ratios), count * np.array(ratios))


def values(count: float, mean: float, spread: float) -> Sums:
    """Values with that mean and spread, in one stratum."""
    return Sums(*(count * np.array([each]) for each in (1.0, mean, mean**2 + spread**2)))


def rows(*each: Sums) -> Sums:
    """Versions one below the other."""
    return Sums(*(np.stack([getattr(sums, name) for sums in each]) for name in ("count", "total", "square")))


@pytest.mark.parametrize(
    ("metric", "more", "verdict"),
    [
        (ComparedMetric.SUCCESS, 0.1, Verdict.BETTER),
        (ComparedMetric.SUCCESS, -0.1, Verdict.WORSE),
        (ComparedMetric.QUALITY, 0.1, Verdict.BETTER),
        (ComparedMetric.LATENCY, 0.1, Verdict.WORSE),
        (ComparedMetric.LATENCY, -0.1, Verdict.BETTER),
        (ComparedMetric.COST, 0.2, Verdict.WORSE),
        (ComparedMetric.REVISIONS, -0.1, Verdict.BETTER),
        (ComparedMetric.QUALITY, 0.0, Verdict.NO_DIFFERENCE),
    ],
)
def test_a_difference_is_told_by_what_is_better_in_the_metric(metric: ComparedMetric, more: float, verdict: Verdict) -> None:
    comparison = compare(metric, values(20_000, 0.5 + more, 0.3), values(20_000, 0.5, 0.3), (EASY,))
    assert comparison.verdict is verdict
    assert comparison.call_count == 40_000 and comparison.further_call_count is None


def test_cost_is_told_as_a_share_of_the_usual_cost_whatever_the_unit() -> None:
    for unit in (1e-6, 1.0, 1e6):
        comparison = compare(ComparedMetric.COST, values(20_000, 1.1 * unit, 0.5 * unit), values(20_000, 0.9 * unit, 0.5 * unit), (EASY,))
        assert comparison.difference == pytest.approx(0.2)
        assert comparison.half_width == pytest.approx(0.0166, abs=0.0002)
    free = Sums(np.array([100.0]), np.zeros(1), np.zeros(1))
    assert compare(ComparedMetric.COST, free, free, (EASY,)).difference == 0


def test_a_mix_of_easy_and_hard_does_not_decide() -> None:
    """B is better in both strata, and worse when all calls are thrown together, since it got the hard ones (Simpson's paradox)."""
    baseline, version = successes([9_000, 1_000], [0.90, 0.30]), successes([1_000, 9_000], [0.97, 0.40])
    assert version.total.sum() / version.count.sum() < baseline.total.sum() / baseline.count.sum()
    comparison = compare(ComparedMetric.SUCCESS, version, baseline, BOTH)
    assert comparison.verdict is Verdict.BETTER
    assert [effect.stratum for effect in comparison.strata] == [EASY, HARD]
    assert [effect.difference for effect in comparison.strata] == pytest.approx([0.07, 0.10])
    assert [effect.weight_ratio for effect in comparison.strata] == pytest.approx([0.5, 0.5])
    assert all(effect.low < effect.difference < effect.high for effect in comparison.strata)


def test_a_stratum_that_only_one_version_has_says_nothing() -> None:
    alone = compare(ComparedMetric.SUCCESS, successes([500, 0], [0.9, 0.0]), successes([500, 5_000], [0.9, 0.1]), BOTH)
    assert alone.difference == pytest.approx(0) and alone.call_count == 1_000
    assert [effect.stratum for effect in alone.strata] == [EASY]
    apart = compare(ComparedMetric.SUCCESS, successes([500, 0], [0.9, 0.0]), successes([0, 500], [0.0, 0.1]), BOTH)
    assert apart.verdict is Verdict.UNDECIDED and math.isnan(apart.difference) and apart.half_width == math.inf
    assert apart.further_call_count is None and apart.strata == () and apart.call_count == 0


def test_hardly_any_calls_decide_nothing() -> None:
    few = compare(ComparedMetric.SUCCESS, successes([20, 0], [1.0, 0.0]), successes([20, 0], [0.0, 0.0]), BOTH)
    assert few.verdict is Verdict.UNDECIDED and few.half_width == math.inf
    pairs = 20 * 20 / 40
    assert pairs < PAIRS_MIN and few.further_call_count == pytest.approx(40 * (PAIRS_MIN / pairs - 1), rel=0.05)


def test_the_calls_that_are_foretold_bring_the_verdict() -> None:
    early = compare(ComparedMetric.SUCCESS, successes([300, 300], [0.85, 0.55]), successes([300, 300], [0.82, 0.52]), BOTH)
    assert early.verdict is Verdict.UNDECIDED and early.further_call_count is not None
    times = 1 + early.further_call_count / early.call_count
    for factor, verdict in ((0.9 * times, Verdict.UNDECIDED), (1.1 * times, Verdict.BETTER)):
        count = [300 * factor] * 2
        assert compare(ComparedMetric.SUCCESS, successes(count, [0.85, 0.55]), successes(count, [0.82, 0.52]), BOTH).verdict is verdict


def test_a_difference_at_the_margin_has_no_verdict_in_sight_at_some_point() -> None:
    tiny = compare(ComparedMetric.SUCCESS, successes([40, 40], [0.5, 0.5]), successes([40, 40], [0.5, 0.5]), BOTH, margin=1e-5)
    assert tiny.verdict is Verdict.UNDECIDED and tiny.further_call_count is None and tiny.margin == 1e-5


def test_more_versions_take_more_evidence_each() -> None:
    sums = {
        ComparedMetric.SUCCESS: rows(
            successes([400, 400], [0.8, 0.5]), successes([400, 400], [0.9, 0.6]), successes([400, 400], [0.8, 0.5])
        )
    }
    table = compare_with_baseline(sums, ("a", "b", "c"), "a", BOTH)
    assert set(table) == {"b", "c"}
    alone = compare(ComparedMetric.SUCCESS, successes([400, 400], [0.9, 0.6]), successes([400, 400], [0.8, 0.5]), BOTH)
    corrected = table["b"][ComparedMetric.SUCCESS]
    assert corrected.difference == alone.difference and corrected.half_width > alone.half_width
    assert table["c"][ComparedMetric.SUCCESS].verdict is Verdict.UNDECIDED


def test_versions_are_ordered_and_places_are_claimed_only_where_they_are_known() -> None:
    sums = rows(
        successes([4_000, 4_000], [0.8, 0.5]), successes([4_000, 4_000], [0.9, 0.7]), successes([4_000, 4_000], [0.803, 0.503]), NOTHING
    )
    places = rank_versions(ComparedMetric.SUCCESS, sums, ("a", "b", "c", "d"), BOTH)
    assert [place.version for place in places] == ["b", "d", "c", "a"]
    assert [(place.rank_low, place.rank_high) for place in places] == [(1, 2), (1, 4), (2, 4), (2, 4)]
    assert places[0].lead == pytest.approx(0.15, abs=0.01) and places[1].lead == 0 and places[1].call_count == 0
    slower = rank_versions(ComparedMetric.LATENCY, sums, ("a", "b", "c", "d"), BOTH)
    assert slower[-1].version == "b" and slower[-1].lead < 0


def windows(chance: np.random.Generator, calls: int, difference: float) -> tuple[Sums, Sums]:
    is_version: Bools = chance.random(calls) < 0.5
    value = chance.standard_normal(calls) + difference * is_version

    def one_by_one(is_of: Bools) -> Sums:
        counted: Floats = is_of.astype(float)[:, None]
        return Sums(counted, counted * value[:, None], counted * value[:, None] ** 2)

    return one_by_one(is_version), one_by_one(~is_version)


def test_looking_after_every_call_is_rarely_wrong_where_nothing_differs() -> None:
    chance = np.random.default_rng(1)
    wrong = 0
    for _ in range(200):
        seen = narrowing(ComparedMetric.LATENCY, *windows(chance, 3_000, 0.0))
        wrong += bool((np.abs(np.nan_to_num(seen.difference)) > seen.half_width).any())
    assert wrong <= 16  # 5 % would be 10


def test_a_real_difference_comes_to_light_in_time() -> None:
    chance = np.random.default_rng(2)
    fixed = 4 * (1.96 + 0.84) ** 2 / 0.2**2
    times = []
    for _ in range(60):
        seen = narrowing(ComparedMetric.LATENCY, *windows(chance, int(5 * fixed), 0.2))
        told = np.abs(np.nan_to_num(seen.difference)) > seen.half_width
        times.append((told.argmax() + 1) / fixed if told.any() else math.inf)
    assert np.median(times) < 1.6 and np.quantile(times, 0.8) < 2.5


def test_the_sequence_ends_where_the_comparison_stands_and_narrows() -> None:
    version, baseline = windows(np.random.default_rng(3), 2_000, 0.1)
    seen = narrowing(ComparedMetric.LATENCY, version, baseline, comparison_count=3)
    at_once = compare(
        ComparedMetric.LATENCY,
        Sums(version.count.sum(0), version.total.sum(0), version.square.sum(0)),
        Sums(baseline.count.sum(0), baseline.total.sum(0), baseline.square.sum(0)),
        (EASY,),
        comparison_count=3,
    )
    assert seen.difference[-1] == pytest.approx(at_once.difference) and seen.half_width[-1] == pytest.approx(at_once.half_width)
    assert seen.half_width[0] == math.inf and seen.half_width[-1] < seen.half_width[200]


@settings(max_examples=50, deadline=None)
@given(st.integers(20, 5_000), st.floats(0.05, 0.95), st.floats(0.0, 1.0), st.integers(1, 50))
def test_sums_may_come_in_any_pieces_and_a_smaller_error_widens(count: int, ratio: float, part: float, comparisons: int) -> None:
    whole, other = successes([count, count], [ratio, ratio / 2]), successes([count, 2 * count], [0.5, 0.5])
    first = Sums(whole.count * part, whole.total * part, whole.square * part)
    rest = Sums(whole.count * (1 - part), whole.total * (1 - part), whole.square * (1 - part))
    trait = TRAITS[ComparedMetric.SUCCESS]
    together = contrast(whole, other, trait)
    assert contrast(first + rest, other, trait).difference == pytest.approx(together.difference)
    one, many = (radius(together, ERROR / number) for number in (1, comparisons))
    assert many >= one


def test_versions_change_places_with_the_sign_of_their_difference() -> None:
    one, other = successes([500, 300], [0.8, 0.6]), successes([200, 900], [0.7, 0.65])
    trait = TRAITS[ComparedMetric.SUCCESS]
    there, back = contrast(one, other, trait), contrast(other, one, trait)
    assert there.difference == pytest.approx(-back.difference) and there.clock == pytest.approx(back.clock)
