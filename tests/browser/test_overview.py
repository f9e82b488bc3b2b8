"""The first page, in a real browser."""

import pytest

from tests.browser.driver import Drive, Target

pytestmark = pytest.mark.browser

# Lost requests are the browser's to report; they are what an outage is.
OUTAGE_ERROR = "Failed to load resource"
COLLECTOR_ADDRESS = "collector.test:7001"  # as mock_server.mjs says


def test_the_login_link_leads_to_counts_that_move(drive: Drive, mock_assay: Target) -> None:
    seen = drive("overview", mock_assay, more_calls=1)
    assert seen["calls"] > 0
    assert seen["row_count"] > 10
    assert not seen["has_token_in_address"]
    assert seen["console_errors"] == []


def test_axe_finds_nothing_wrong_and_nothing_moves_while_the_page_loads(drive: Drive, mock_assay: Target) -> None:
    seen = drive("soundness", mock_assay)
    assert {page: faults for page, faults in seen["faults"].items() if faults} == {}
    assert seen["shift"] < 0.01
    assert seen["console_errors"] == []


def test_the_address_holds_the_view_and_the_back_button_works(drive: Drive, mock_assay: Target) -> None:
    seen = drive("navigation", mock_assay)
    provider = seen["chip"].split()[1]
    assert seen["addresses"] == [
        f"?provider={provider}",
        f"?range=24h&provider={provider}",
        f"?range=24h&provider={provider}&q=code",
        f"?range=24h&provider={provider}&q=code&sort=-cost",
        f"?range=24h&provider={provider}&q=code&sort=-cost&compare=previous",
        "",
    ]
    assert seen["rows"]
    assert all("code" in task for task in seen["rows"])
    lines = seen["saved"].splitlines()
    assert lines[0].startswith("provider,model,task_type,start,end,call_count,success_ratio,")
    assert [line.split(",")[2] for line in lines[1:]] == seen["rows"]
    assert seen["console_errors"] == []


def test_the_table_and_the_theme_work_by_key(drive: Drive, mock_assay: Target) -> None:
    seen = drive("keyboard", mock_assay)
    assert seen["opened"] == "is-open"
    assert seen["theme"] == "dark"


def test_a_lost_connection_is_said_and_mended(drive: Drive, mock_assay: Target) -> None:
    seen = drive("outage", mock_assay, outage="/mock/outage", recovery="/mock/recovery", deadline_ms=240_000)
    assert seen["states"] == ["reconnecting", "stale", "live"]
    assert "Not live since" in seen["warning"]
    assert [error for error in seen["console_errors"] if OUTAGE_ERROR not in error] == []


def test_an_empty_project_shows_how_to_send_the_first_call(drive: Drive, mock_assay: Target) -> None:
    seen = drive("emptyProject", mock_assay, project="empty", ways=["Python", "grpcurl", "curl"])
    assert f"{mock_assay.url}/api/v1/calls" in seen["code"]["curl"]
    assert all(COLLECTOR_ADDRESS in seen["code"][way] for way in ("Python", "grpcurl"))
    assert '"project": "empty"' in seen["code"]["curl"]
    assert seen["console_errors"] == []


def test_a_wrong_key_is_refused_in_words(drive: Drive, mock_assay: Target) -> None:
    seen = drive("wrongKey", mock_assay)
    assert "not known" in seen["error"]
