"""The pages about choices, in a real browser: rankings, the heat map, prompts, quality and reports."""

import pytest

from tests.browser.driver import Drive, Target, unsound

pytestmark = pytest.mark.browser

PATHS = [
    "/rankings?min_success=95",
    "/heatmap?metric=LATENCY",
    "/prompts",
    "/quality?range=24h",
    "/reports",
    "/reports?state=schedules",
    "/reports/weekly-0",
]
LAYOUT_SHIFT_MAX = 0.1  # what browsers call good: a table is as long as its answer


def test_a_ranking_follows_objective_and_bounds_and_its_address_holds_them(drive: Drive, mock_assay: Target) -> None:
    seen = drive("rankingIsPlayedWith", mock_assay)
    assert "gpt-5.3-mini" in seen["balanced"]
    assert seen["leftOut"] == 2
    assert seen["front"] >= 3
    assert "<img src=x onerror=alert(1)>" in seen["hostile"]
    assert seen["reasons"] == 2
    assert seen["search"] == "?objective=quality&min_success=95"
    assert seen["kept"] == "95"
    assert seen["console_errors"] == []


def test_what_was_recommended_before_is_shown_and_whether_following_it_would_have_paid(drive: Drive, mock_assay: Target) -> None:
    seen = drive("rankingsAreLookedBackOn", mock_assay)
    assert seen["policies"][0] == "The suggested shares"
    assert len(seen["policies"]) == 7
    assert "asked for cheapest" in seen["words"]
    assert "qwen" in seen["first"]
    assert seen["console_errors"] == []


def test_a_cell_of_the_heat_map_says_how_far_from_usual_it_is_and_leads_to_its_trends(drive: Drive, mock_assay: Target) -> None:
    seen = drive("heatMapLeadsToTrends", mock_assay)
    assert seen["cells"] > 30
    assert "Usually 2.20" in seen["worse"]
    assert "worse" in seen["worse"]
    assert " on " in seen["heading"]
    assert seen["console_errors"] == []


def test_a_prompt_has_a_verdict_and_what_it_rests_on(drive: Drive, mock_assay: Target) -> None:
    seen = drive("promptIsCompared", mock_assay)
    assert len(seen["verdicts"]) == 10
    assert seen["before"] == "Quality of v3 against v1"
    assert seen["after"] == "Latency of v3 against v1"
    assert seen["now"] != seen["earlier"]
    assert len(seen["strata"]) == 4
    assert "<b>qwen4</b>" in seen["strata"][3]
    assert "metric=LATENCY" in seen["search"]
    assert seen["console_errors"] == []


def test_a_score_is_explained_to_its_last_finding(drive: Drive, mock_assay: Target) -> None:
    seen = drive("qualityIsExplained", mock_assay)
    assert seen["columns"][:5] == ["Provider", "Task", "Score", "Scores", "Evaluation"]
    assert 0 < float(seen["worst"]) < 0.84
    assert 1 < seen["narrowed"] < seen["all"]
    assert "provider=google" in seen["search"]
    assert "src/<b>ledger</b>.py:118" in seen["findings"][0]
    assert len(seen["findings"]) == 4
    assert seen["missing"] == "the analyser took too long"
    assert seen["console_errors"] == []


def test_a_report_is_scheduled_sent_now_and_shown_as_a_stranger(drive: Drive, mock_assay: Target) -> None:
    seen = drive("reportIsMadeAndSent", mock_assay)
    assert "every day at 06:30" in seen["timing"]
    assert seen["heading"] == "Weekly report"
    # The script that stands in the report is refused, and the browser says so.
    assert "hostile" not in seen["title"]
    assert all("sandboxed" in error for error in seen["console_errors"])


def test_axe_finds_nothing_wrong_with_any_of_them_and_nothing_moves_or_sticks_out(drive: Drive, mock_assay: Target) -> None:
    seen = drive("pagesAreSound", mock_assay, paths=PATHS)
    assert unsound(seen, LAYOUT_SHIFT_MAX) == {}
    assert [error for error in seen["console_errors"] if "sandboxed" not in error] == []
