"""The first page, in a real browser."""

import pytest

from tests.browser.driver import Target, drive

pytestmark = pytest.mark.browser

# Lost requests are the browser's to report; they are what an outage is.
OUTAGE_ERROR = "Failed to load resource"
COLLECTOR_ADDRESS = "collector.test:7001"  # as mock_server.mjs says


def test_the_login_link_leads_to_counts_that_move(mock_assay: Target) -> None:
    seen = drive("overview", mock_assay, more_calls=1)
    assert seen["calls"] > 0
    assert seen["row_count"] > 10
    assert not seen["has_token_in_address"]
    assert seen["console_errors"] == []


def test_axe_finds_nothing_wrong_in_either_theme(mock_assay: Target) -> None:
    seen = drive("accessibility", mock_assay)
    assert {page: faults for page, faults in seen["faults"].items() if faults} == {}


def test_the_address_holds_the_view_and_the_back_button_works(mock_assay: Target) -> None:
    seen = drive("navigation", mock_assay)
    provider = seen["chip"].split()[1]
    assert seen["addresses"] == [
        f"?provider={provider}",
        f"?range=24h&provider={provider}",
        f"?range=24h&provider={provider}&q=code",
        f"?range=24h&provider={provider}&q=code&sort=-cost",
        "",
    ]
    assert seen["rows"]
    assert all("code" in task for task in seen["rows"])
    assert seen["console_errors"] == []


def test_the_table_and_the_theme_work_by_key(mock_assay: Target) -> None:
    seen = drive("keyboard", mock_assay)
    assert seen["opened"] == "is-open"
    assert seen["theme"] == "dark"


def test_a_lost_connection_is_said_and_mended(mock_assay: Target) -> None:
    seen = drive("outage", mock_assay, outage="/mock/outage", recovery="/mock/recovery", deadline_ms=240_000)
    assert seen["states"] == ["reconnecting", "stale", "live"]
    assert "Not live since" in seen["warning"]
    assert [error for error in seen["console_errors"] if OUTAGE_ERROR not in error] == []


def test_an_empty_project_shows_how_to_send_the_first_call(mock_assay: Target) -> None:
    seen = drive("emptyProject", mock_assay, project="empty", ways=["Python", "grpcurl", "curl"])
    assert f"{mock_assay.url}/api/v1/calls" in seen["code"]["curl"]
    assert all(COLLECTOR_ADDRESS in seen["code"][way] for way in ("Python", "grpcurl"))
    assert '"project": "empty"' in seen["code"]["curl"]
    assert seen["console_errors"] == []


def test_a_wrong_key_is_refused_in_words(mock_assay: Target) -> None:
    seen = drive("wrongKey", mock_assay)
    assert "not known" in seen["error"]


def test_nothing_moves_while_the_page_loads(mock_assay: Target) -> None:
    seen = drive("loading", mock_assay)
    assert seen["layout_shift"] < 0.01
    assert seen["console_errors"] == []
