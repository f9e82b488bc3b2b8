"""Evidence that is a few numbers, what still holds of several pieces, and readings as JSON."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.analyzer.domain.quality.current import Observed, current_readings
from services.analyzer.domain.quality.encoding import reading_from_json, reading_to_json
from services.analyzer.domain.quality.penalty import FINDINGS_MAX, Fault, judged
from services.analyzer.domain.quality.plain import (
    coverage_ratio_reading,
    coverage_reading,
    evaluation_reading,
    feedback_reading,
    finding_counts_reading,
    revision_reading,
    run_reading,
    run_score,
)
from services.analyzer.domain.quality.reading import Component, Reading, missing


@pytest.mark.parametrize(
    ("rating", "accepted", "kept", "expected"),
    [
        (1.0, None, None, 1.0),
        (0.25, None, None, 0.25),
        (None, True, None, 1.0),
        (None, False, None, 0.0),
        (0.5, True, None, 0.75),
        (None, True, 0.6, 0.6),
        (0.2, None, 0.6, 0.4),
    ],
)
def test_feedback_is_the_mean_of_what_was_said(rating: float | None, accepted: bool | None, kept: float | None, expected: float) -> None:
    reading = feedback_reading(rating, accepted=accepted, kept_ratio=kept, rater="ann")
    assert reading is not None
    assert reading.source == "ann"
    assert reading.score_ratio == pytest.approx(expected)
    assert sum(found.cost_ratio for found in reading.findings) == pytest.approx(1 - expected)


def test_feedback_of_words_alone_is_no_reading() -> None:
    assert feedback_reading(None, accepted=None, kept_ratio=None, rater="ann") is None


def test_each_revision_costs_a_fifth_of_what_is_left() -> None:
    assert [revision_reading(count).score_ratio for count in (0, 1, 2, -1)] == pytest.approx([1, 0.8, 0.64, 1])


@given(st.integers(0, 10_000), st.integers(0, 10_000))
def test_a_test_that_passes_is_good_and_one_that_fails_is_bad(passed: int, failed: int) -> None:
    assert run_score(passed + 1, failed) > run_score(passed, failed) > run_score(passed, failed + 1)
    assert run_score(passed + 1, failed) > run_score(passed, failed + 1)


@pytest.mark.parametrize(("passed", "failed", "told"), [(3, 1, "1 of 4 tests failed"), (3, 0, "only 3 tests were run")])
def test_counts_of_tests_tell_what_they_cost(passed: int, failed: int, told: str) -> None:
    reading = run_reading(passed, failed)
    assert (reading.findings[0].message, reading.weight) == (told, passed + failed)


def test_coverage_is_told_as_counts_or_as_a_ratio() -> None:
    assert coverage_reading(30, 40, "lcov").score_ratio == 0.75
    assert coverage_ratio_reading(0.75).findings[0].cost_ratio == 0.25
    assert coverage_ratio_reading(1.0).findings == ()


def test_findings_count_by_level_and_by_how_much_was_looked_at() -> None:
    short, long = finding_counts_reading(1, 2, 3, 100), finding_counts_reading(1, 2, 3, 1_000)
    assert short.score_ratio < long.score_ratio
    assert [found.rule for found in short.findings] == ["error", "warning", "note"]
    assert finding_counts_reading(0, 0, 0, 0).score_ratio == 1
    assert finding_counts_reading(0, 5, 0, 100).score_ratio == pytest.approx(0.5)


@given(st.lists(st.floats(0, 30), max_size=20), st.floats(0, 30), st.floats(0, 10_000))
def test_one_fault_more_never_raises_a_score_and_the_faults_bear_the_loss(points: list[float], one_more: float, lines: float) -> None:
    faults = [Fault("rule", "", "", None, point) for point in points]
    reading = judged(Component.CODE, faults, lines, "code")
    assert judged(Component.CODE, [*faults, Fault("more", "", "", None, one_more)], lines, "code").score_ratio <= reading.score_ratio
    assert sum(found.cost_ratio for found in reading.findings) == pytest.approx(1 - reading.score_ratio)


def test_a_reading_keeps_its_dearest_findings() -> None:
    faults = [Fault("rule", "", "", line, line / 100) for line in range(FINDINGS_MAX + 10)]
    found = judged(Component.CODE, faults, 1_000, "code").findings
    assert (len(found), found[0].line) == (FINDINGS_MAX, FINDINGS_MAX + 9)


def test_of_each_source_the_newest_counts_and_what_was_seen_at_once_counts_together() -> None:
    def evaluated(judge: str, ratio: float) -> Reading:
        return evaluation_reading(judge, ratio)

    unread = missing(Component.TESTS, "junit", "crashed")
    pieces = [
        Observed(2, (evaluated("a", 0.2), evaluated("b", 0.3))),
        Observed(1, (evaluated("a", 0.1), unread)),
        Observed(3, (evaluated("b", 0.4),)),
        Observed(3, (evaluated("b", 0.5),)),
    ]
    expected = [("a", 0.2), ("b", 0.4), ("b", 0.5), ("junit", 0.0)]
    assert [(reading.source, reading.score_ratio) for reading in current_readings(pieces)] == expected


@pytest.mark.parametrize("reading", [run_reading(3, 1), missing(Component.CODE, "code", "crashed"), finding_counts_reading(1, 0, 0, 10)])
def test_a_reading_comes_back_from_json(reading: Reading) -> None:
    assert reading_from_json(json.loads(json.dumps(reading_to_json(reading)))) == reading
