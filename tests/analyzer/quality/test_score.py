"""The score: what it is of what was read, that it never rewards worse evidence, and how unsure it is."""

import math
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.analyzer.domain.quality.plain import evaluation_reading
from services.analyzer.domain.quality.reading import Component, Finding, Reading, missing
from services.analyzer.domain.quality.score import FINDINGS_MAX, UNKNOWN_DEVIATION, Score, lost_ratio, score
from services.analyzer.domain.quality.weights import DEFAULT_WEIGHTS, Weights

RATIOS = st.floats(0, 1)
READINGS = st.builds(Reading, st.sampled_from(Component), RATIOS, st.floats(0.5, 1e6), source=st.sampled_from(("a", "b", "c")))


def scored(readings: list[Reading], weights: Weights = DEFAULT_WEIGHTS, task_type: str = "") -> Score:
    result = score(readings, weights, task_type)
    assert result is not None
    return result


@given(st.lists(READINGS, min_size=1, max_size=12), st.data())
def test_a_better_reading_never_lowers_the_score(readings: list[Reading], data: st.DataObject) -> None:
    position = data.draw(st.integers(0, len(readings) - 1))
    better = data.draw(st.floats(readings[position].score_ratio, 1))
    raised = [*readings[:position], replace(readings[position], score_ratio=better), *readings[position + 1 :]]
    assert scored(raised).value_ratio >= scored(readings).value_ratio - 1e-12


@given(st.lists(READINGS, min_size=1, max_size=12), st.sampled_from(Component))
def test_a_component_that_is_missing_never_makes_the_score_surer(readings: list[Reading], left_out: Component) -> None:
    rest = [reading for reading in readings if reading.component is not left_out]
    if rest:
        assert scored(rest).deviation >= scored(readings).deviation - 1e-12


@given(st.lists(READINGS, min_size=1, max_size=12))
def test_a_score_is_from_0_to_1_within_its_interval_and_lost_where_its_components_say(readings: list[Reading]) -> None:
    result = scored(readings)
    assert 0 <= result.low_ratio <= result.value_ratio <= result.high_ratio <= 1
    assert 0 < result.deviation <= UNKNOWN_DEVIATION + 1e-12
    assert math.isclose(sum(part.share_ratio for part in result.components), 1)
    assert math.isclose(1 - sum(lost_ratio(result.components).values()), result.value_ratio, abs_tol=1e-9)


@pytest.mark.parametrize("scores", [[0.5], [0.0, 1.0], [0.25, 0.5, 0.9]])
def test_with_evaluations_alone_the_score_is_their_mean(scores: list[float]) -> None:
    result = scored([evaluation_reading(f"judge {number}", value) for number, value in enumerate(scores)])
    assert result.value_ratio == pytest.approx(sum(scores) / len(scores), abs=1e-12)


def test_more_evidence_of_the_same_kind_makes_it_surer() -> None:
    few, many = (scored([Reading(Component.TESTS, 0.8, count)]).deviation for count in (5, 500))
    assert many < few


def test_a_score_names_its_versions_and_what_could_not_be_read() -> None:
    weights = Weights(version=7, by_task_type={"docs": dict.fromkeys(Component, 1.0)})
    readings = [
        Reading(Component.CODE, 1.0, 100.0, reader_version=3),
        Reading(Component.TESTS, 0.0, 10.0),
        missing(Component.COVERAGE, "lcov", "crashed"),
    ]
    result = scored(readings, weights, "docs")
    assert (result.weights_version, result.reader_version, result.value_ratio) == (7, 3, 0.5)
    assert [(one.component, one.source, one.reason) for one in result.missing] == [(Component.COVERAGE, "lcov", "crashed")]
    assert score([missing(Component.CODE, "code", "crashed")], weights, "docs") is None
    assert scored(readings, weights, "code").value_ratio == pytest.approx(0.15 / 0.40)


def test_findings_cost_what_they_took_off_the_whole_the_dearest_first() -> None:
    def found(rule: str, cost_ratio: float, line: int | None = None) -> Finding:
        return Finding(Component.CODE, rule, rule, "a.py", line, cost_ratio)

    readings = [
        Reading(Component.CODE, 0.5, 100.0, (found("small", 0.1, 4), found("large", 0.4))),
        Reading(Component.CODE, 0.9, 300.0, (found("other", 0.1, 2),)),
        Reading(Component.TESTS, 1.0, 10.0),
    ]
    result = scored(readings)
    share = 0.15 / 0.40
    assert [one.rule for one in result.findings] == ["large", "other", "small"]
    assert [one.cost_ratio for one in result.findings] == pytest.approx([0.4 * share / 4, 0.1 * share * 3 / 4, 0.1 * share / 4])
    assert sum(one.cost_ratio for one in result.findings) == pytest.approx(1 - result.value_ratio)


def test_the_dearest_findings_are_kept_and_the_rest_counted() -> None:
    findings = tuple(Finding(Component.CODE, "rule", "", "", line, line / 10_000) for line in range(1, FINDINGS_MAX + 6))
    result = scored([Reading(Component.CODE, 0.5, 100.0, findings)])
    assert len(result.findings) == FINDINGS_MAX
    assert (result.findings[0].line, result.omitted_finding_count) == (FINDINGS_MAX + 5, 5)


@pytest.mark.parametrize(("ratio", "weight"), [(-0.1, 1.0), (1.1, 1.0), (math.nan, 1.0), (0.5, 0.0), (0.5, math.inf), (0.5, math.nan)])
def test_a_reading_that_is_none_is_refused(ratio: float, weight: float) -> None:
    with pytest.raises(ValueError, match="is"):
        Reading(Component.CODE, ratio, weight)


@pytest.mark.parametrize("weights", [{Component.CODE: 1.0}, dict.fromkeys(Component, 0.0), dict.fromkeys(Component, math.inf)])
def test_weights_that_leave_one_out_or_are_none_are_refused(weights: dict[Component, float]) -> None:
    with pytest.raises(ValueError, match="weights are more than 0"):
        Weights(default=weights)
