"""The pages about anomalies, trends, alerts and rules, in a real browser."""

import pytest

from tests.browser.driver import Drive, Target, unsound

pytestmark = pytest.mark.browser

ANOMALY = "/anomalies/" + "1".rjust(32, "0")  # as mock_findings.mjs numbers them
ALERT = "/alerts/" + "1".rjust(32, "0")
PATHS = ["/anomalies", ANOMALY, "/series?provider=openai&range=6h", "/alerts", ALERT, "/rules", "/rules/default-latency"]
LAYOUT_SHIFT_MAX = 0.05  # a list is as long as it is; what browsers call good is 0.1


def test_an_anomaly_is_reached_from_the_first_page_marked_and_accepted(drive: Drive, mock_assay: Target) -> None:
    seen = drive("anomalyIsMarked", mock_assay)
    assert "anthropic fell" in seen["rowMark"]
    assert seen["address"] == ANOMALY
    assert seen["title"].startswith("Success of anthropic fell from 95.8")
    assert seen["parts"] == 3
    assert seen["mark"].startswith("Expected by you")
    assert "the new quota" in seen["mark"]
    assert seen["console_errors"] == []


def test_anomalies_come_and_go_by_themselves_and_an_absent_analyzer_is_no_calm(drive: Drive, mock_assay: Target) -> None:
    seen = drive("anomaliesComeAndGo", mock_assay)
    assert seen["badges"] == ["2", "3", "2"]
    assert "analyzer is not answering" in seen["warning"]
    assert seen["kept"] == 2


def test_the_list_is_narrowed_by_its_address_and_shows_data_as_text(drive: Drive, mock_assay: Target) -> None:
    seen = drive("anomaliesAreFiltered", mock_assay)
    assert "<img src=x onerror=alert(1)>" in seen["hostile"]
    assert seen["all"] == 60
    assert seen["critical"] == seen["again"] == 12
    assert seen["search"] == "?state=ended&severity=CRITICAL"
    assert seen["back"] == ""
    assert seen["console_errors"] == []


def test_a_row_leads_to_its_trends_each_with_what_is_usual_behind_it(drive: Drive, mock_assay: Target) -> None:
    seen = drive("trends", mock_assay)
    usual = ["Calls per minute", "Success", "Latency", "Latency p95", "First token", "Cost per call"]
    assert seen["titles"] == [*usual, "Calls that did not succeed, per minute", "Latency, percentiles"]
    assert " on " in seen["heading"]
    assert seen["console_errors"] == []


def test_an_alert_is_told_of_everywhere_taken_on_and_ended(drive: Drive, mock_assay: Target) -> None:
    seen = drive("alertIsTakenOn", mock_assay)
    assert "No <b>calls</b>" in seen["told"]
    assert seen["badges"] == ["3", "2"]
    assert "rolled back" in seen["timeline"]
    assert seen["console_errors"] == []


def test_a_rule_is_tried_on_the_past_before_it_is_saved(drive: Drive, mock_assay: Target) -> None:
    seen = drive("ruleIsSaved", mock_assay)
    assert "14 times, for 31" in seen["before"].replace("\u202f", " ")
    assert "6 times" in seen["after"]
    assert seen["bound"] == "200"
    assert seen["console_errors"] == []


def test_axe_finds_nothing_wrong_with_any_of_them_and_nothing_moves_or_sticks_out(drive: Drive, mock_assay: Target) -> None:
    seen = drive("pagesAreSound", mock_assay, paths=PATHS)
    assert unsound(seen, LAYOUT_SHIFT_MAX) == {}
    assert seen["console_errors"] == []
