"""The pages against the suite as `assay up` runs it: what is recorded is seen to arrive."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import httpx
import pytest
from google.protobuf import json_format

from tests.browser.driver import Target, drive
from tests.system.samples import varied_calls
from tests.system.suite import ANSWER_TIMEOUT_S, Suite, running_suite

pytestmark = [pytest.mark.browser, pytest.mark.slow]

CALLS = 40
SEED = 3


@pytest.fixture(scope="module")
def suite(built_dashboard: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Suite]:
    """An Assay of its own, so that the project is empty at first."""
    with running_suite(tmp_path_factory.mktemp("suite") / "data") as running:
        yield running


def link(suite: Suite) -> Target:
    """A login that was not used yet."""
    return Target(suite.url, str(suite.assay("login")["url"]).removeprefix(suite.url))


def record(suite: Suite, prefix: str) -> int:
    """Records calls of the last minutes over REST, and says how many rows of provider and task they make."""
    now = datetime.now(UTC)
    calls = varied_calls(SEED, CALLS, now - timedelta(minutes=5), now, prefix)
    body = {"calls": [json_format.MessageToDict(call, preserving_proto_field_name=True) for call in calls]}
    headers = {"authorization": f"Bearer {suite.admin_key}"}
    answer = httpx.post(f"{suite.url}/api/v1/calls", json=body, headers=headers, timeout=ANSWER_TIMEOUT_S, trust_env=False)
    assert answer.json() == {"accepted_count": CALLS, "rejections": []}
    return len({(call.provider, call.task_type) for call in calls})


@pytest.mark.parametrize(("prefix", "seen_before"), [("first-", 0), ("second-", CALLS)])
def test_calls_appear_while_the_page_is_open(suite: Suite, prefix: str, seen_before: int) -> None:
    """On the page of an empty project first, and then beside those that are there."""
    rows: list[int] = []
    seen = drive("overview", link(suite), on_ready=lambda: rows.append(record(suite, prefix)), more_calls=CALLS)
    assert seen["calls"] == seen_before + CALLS
    assert [seen["row_count"]] == rows
    assert not seen["has_token_in_address"]
    assert seen["console_errors"] == []


def test_every_page_answers_before_anything_was_found(suite: Suite) -> None:
    seen = drive("pagesAnswer", link(suite), paths=["/anomalies", "/series", "/alerts", "/rules"])
    assert {path: page["heading"] for path, page in seen["seen"].items()} == {
        "/anomalies": "Anomalies",
        "/series": "All series",
        "/alerts": "Alerts",
        "/rules": "Rules",
    }
    assert {path: page["alerts"] for path, page in seen["seen"].items() if page["alerts"]} == {}
    assert seen["console_errors"] == []


def test_a_login_link_works_once(suite: Suite) -> None:
    used = link(suite)
    drive("overview", used, on_ready=lambda: record(suite, "third-"), more_calls=CALLS)
    token = used.login_path.partition("token=")[2]
    answer = httpx.post(f"{suite.url}/api/v1/session", json={"token": token}, timeout=ANSWER_TIMEOUT_S, trust_env=False)
    assert (answer.status_code, answer.json()["reason"]) == (401, "TOKEN_INVALID")
