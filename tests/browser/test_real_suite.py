"""The pages against the suite as `assay up` runs it: what is recorded is seen to arrive, and what is done reaches the services."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

import httpx
import pytest
from assay.access.v1.access_service_pb2 import CreateLoginTokenRequest
from assay.access.v1.access_service_pb2_grpc import AccessServiceStub
from google.protobuf import json_format

from tests.browser.driver import Drive, Target, unsound
from tests.system.samples import call, evaluation, varied_calls
from tests.system.suite import ANSWER_TIMEOUT_S, Suite, running_suite

pytestmark = [pytest.mark.browser, pytest.mark.slow]

CALLS = 40
SEED = 3
LAYOUT_SHIFT_MAX = 0.05  # a list is as long as it is; what browsers call good is 0.1
WORK_PAGES = [
    *("/calls?range=24h", "/calls/found-1", "/silences?state=expired", "/silences/new", "/receivers", "/receivers/default"),
    *("/routing", "/routing?part=escalation", "/routing?part=rotas", "/routing?part=mute", "/routing?part=inhibition"),
    *("/settings", "/settings?part=projects", "/settings?part=audit", "/settings?part=weights", "/system", "/rules/new"),
]


@pytest.fixture(scope="module")
def suite(built_dashboard: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Suite]:
    """An Assay of its own, so that the project is empty at first."""
    settings = {"ASSAY_ALERTER_ALLOWED_TARGETS": "127.0.0.1/32"}  # where the tests listen for messages
    with running_suite(tmp_path_factory.mktemp("suite") / "data", settings) as running:
        yield running


def link(suite: Suite) -> Target:
    """A login that was not used yet, as `assay login` makes one."""

    async def new_token() -> str:
        async with suite.channel() as channel:
            made = await AccessServiceStub(channel).CreateLoginToken(CreateLoginTokenRequest(), timeout=ANSWER_TIMEOUT_S)
        return made.token

    return Target(suite.url, f"/login?token={asyncio.run(new_token())}")


@contextmanager
def hook(answers: list[int]) -> Iterator[str]:
    """The address of a webhook that gives these answers, one a message, the last one for ever."""

    class Hook(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["content-length"]))
            self.send_response(answers.pop(0) if len(answers) > 1 else answers[0])
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Says nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Hook) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/hook"
        server.shutdown()


def asked(suite: Suite, method: str, path: str, body: object = None) -> httpx.Response:
    """What REST answers to the installation's admin."""
    headers = {"authorization": f"Bearer {suite.admin_key}"}
    answer = httpx.request(method, suite.url + path, json=body, headers=headers, timeout=ANSWER_TIMEOUT_S, trust_env=False)
    assert answer.is_success, answer.text
    return answer


def record(suite: Suite, prefix: str) -> int:
    """Records calls of the last minutes over REST, and says how many rows of provider and task they make."""
    now = datetime.now(UTC)
    calls = varied_calls(SEED, CALLS, now - timedelta(minutes=5), now, prefix)
    body = {"calls": [json_format.MessageToDict(call, preserving_proto_field_name=True) for call in calls]}
    assert asked(suite, "POST", "/api/v1/calls", body).json() == {"accepted_count": CALLS, "rejections": []}
    return len({(call.provider, call.task_type) for call in calls})


@pytest.mark.parametrize(("prefix", "seen_before"), [("first-", 0), ("second-", CALLS)])
def test_calls_appear_while_the_page_is_open(drive: Drive, suite: Suite, prefix: str, seen_before: int) -> None:
    """On the page of an empty project first, and then beside those that are there."""
    rows: list[int] = []
    seen = drive("overview", link(suite), on_ready=lambda: rows.append(record(suite, prefix)), more_calls=CALLS)
    assert seen["calls"] == seen_before + CALLS
    assert [seen["row_count"]] == rows
    assert not seen["has_token_in_address"]
    assert seen["console_errors"] == []


def test_every_page_answers_before_anything_was_found(drive: Drive, suite: Suite) -> None:
    headings = {
        "/anomalies": "Anomalies",
        "/series": "All series",
        "/calls": "Calls",
        "/alerts": "Alerts",
        "/rules": "Rules",
        "/silences": "Silences",
        "/routing": "Routing",
        "/settings": "Settings",
        "/system": "System",
        "/rankings": "Rankings",
        "/heatmap": "Heat map",
        "/prompts": "Prompts",
        "/quality?range=7d": "Quality",
        "/reports": "Reports",
        "/reports?state=schedules": "Reports",
    }
    seen = drive("pagesAnswer", link(suite), paths=list(headings))
    assert {path: page["heading"] for path, page in seen["seen"].items()} == headings
    assert {path: page["alerts"] for path, page in seen["seen"].items() if page["alerts"]} == {}
    assert seen["console_errors"] == []


def test_calls_are_narrowed_down_and_found_by_what_is_typed(drive: Drive, suite: Suite) -> None:
    now = datetime.now(UTC)
    made = call("found-1", start_time=now - timedelta(minutes=1), provider="openai", task_id="found-task", cost_usd_nanos=2_500_000)
    made.agent = "<img src=x onerror=alert(1)>"
    body = {"calls": [json_format.MessageToDict(made, preserving_proto_field_name=True)]}
    asked(suite, "POST", "/api/v1/calls", body)
    said = [json_format.MessageToDict(evaluation("found-e", "found-1", 0.75), preserving_proto_field_name=True)]
    asked(suite, "POST", "/api/v1/evidence", {"evidence": said})
    seen = drive("callsAreFound", link(suite), task="found-task")
    assert seen["providers"] == ["openai"]
    assert seen["search"] == "?range=24h&provider=openai"
    assert "0.750 · by judge" in seen["evidence"]
    assert "$0.0025" in seen["price"]
    assert "Its caller said what it cost" in seen["price"]
    assert made.agent in seen["facts"]
    assert seen["console_errors"] == []


def test_people_are_told_and_what_was_refused_is_sent_again(drive: Drive, suite: Suite) -> None:
    heartbeat = asked(suite, "GET", "/api/v1/rules/default-heartbeat?project=default").json()
    body = {name: value for name, value in heartbeat.items() if name not in {"create_time", "update_time", "updated_by", "version"}}
    unpause = body | {"is_paused": False}
    with hook([200, 400, 200]) as address:
        told = drive(
            "peopleAreTold",
            link(suite),
            on_ready=lambda: asked(suite, "PUT", "/api/v1/rules/default-heartbeat?project=default", unpause),
            hook=address,
        )
    assert "An address like https://" in told["refused"]
    assert "It took the sample" in told["sample"]
    assert "Set, and never shown" in told["shown"]
    assert not told["has_secret"]
    assert "refused for good" in told["attempts"]
    assert told["console_errors"] == []


def test_a_policy_is_saved_only_when_it_holds_together(drive: Drive, suite: Suite) -> None:
    hands = {"receiver_id": "hands", "webhook": {"url": "https://receiver.invalid/"}}
    asked(suite, "POST", "/api/v1/receivers?project=default", hands)
    seen = drive("policyIsChanged", link(suite))
    assert "Route 1" in seen["problem"]
    assert "is no condition" in seen["problem"]
    assert not seen["couldSave"]
    assert "step 1 tells nobody" in seen["nobody"]
    assert "escalation all hands" in seen["kept"]
    kept = asked(suite, "GET", "/api/v1/notification-policy?project=default").json()
    assert kept["root"]["routes"][0]["escalation_policy"] == "all hands"
    assert seen["console_errors"] == []


def test_a_silence_is_made_after_a_look_and_ended(drive: Drive, suite: Suite) -> None:
    seen = drive("silenceIsMadeAndEnded", link(suite))
    assert "label" in seen["problem"]
    assert 'provider="openai"' in seen["made"]
    assert "Kim <b>" in seen["made"]
    assert seen["over"].startswith("Over")
    assert seen["console_errors"] == []


def test_a_key_is_shown_once_and_works_until_it_is_revoked(drive: Drive, suite: Suite) -> None:
    seen = drive("keyIsMadeAndRevoked", link(suite))
    assert not seen["isShownAgain"]
    assert (seen["before"], seen["after"]) == (200, 401)
    assert seen["console_errors"] == []


def test_weights_of_quality_are_saved_and_what_is_kept_is_shown(drive: Drive, suite: Suite) -> None:
    record(suite, "weights-")
    series = asked(suite, "GET", "/api/v1/series?project=default").json()["series"]
    task_type = next(one["key"]["task_type"] for one in series if one["key"]["task_type"])
    seen = drive("weightsAreSet", link(suite), task_type=task_type)
    assert not seen["couldSave"]
    assert seen["kept"] == "7.5"
    own = next(one for one in asked(suite, "GET", "/api/v1/quality/weights").json()["task_types"] if one["task_type"] == task_type)
    assert {"component": "TESTS", "weight": 7.5} in own["weights"]
    assert any(line.startswith("Calls") for line in seen["stored"])
    assert "kept for 30 days" in " ".join(seen["facts"].split())
    assert seen["console_errors"] == []


def test_a_rule_is_narrowed_down_and_deleted(drive: Drive, suite: Suite) -> None:
    record(suite, "rule-")
    seen = drive("ruleIsNarrowedAndDeleted", link(suite))
    assert seen["left"]
    assert "Answers take long" not in seen["left"]
    rules = asked(suite, "GET", "/api/v1/rules?project=default").json()["rules"]
    assert "default-latency" not in {rule["rule_id"] for rule in rules}
    assert seen["console_errors"] == []


def test_axe_finds_nothing_wrong_where_people_work_and_nothing_moves_or_sticks_out(drive: Drive, suite: Suite) -> None:
    seen = drive("pagesAreSound", link(suite), paths=WORK_PAGES)
    assert unsound(seen, LAYOUT_SHIFT_MAX) == {}
    assert seen["console_errors"] == []


def test_a_login_link_works_once(drive: Drive, suite: Suite) -> None:
    used = link(suite)
    drive("overview", used, on_ready=lambda: record(suite, "third-"), more_calls=CALLS)
    token = used.login_path.partition("token=")[2]
    answer = httpx.post(f"{suite.url}/api/v1/session", json={"token": token}, timeout=ANSWER_TIMEOUT_S, trust_env=False)
    assert (answer.status_code, answer.json()["reason"]) == (401, "TOKEN_INVALID")


def test_choices_are_shown_and_a_report_is_made_and_opened(drive: Drive, suite: Suite) -> None:
    record(suite, "choice-")
    scored = call("choice-scored", start_time=datetime.now(UTC) - timedelta(minutes=1), provider="openai")
    asked(suite, "POST", "/api/v1/calls", {"calls": [json_format.MessageToDict(scored, preserving_proto_field_name=True)]})
    said = json_format.MessageToDict(evaluation("choice-e", "choice-scored", 0.75), preserving_proto_field_name=True)
    asked(suite, "POST", "/api/v1/evidence", {"evidence": [said]})
    seen = drive("choicesAreShown", link(suite))
    assert "openai" in seen["ranked"]
    assert seen["cells"] > 0
    assert seen["score"].startswith("0.75 on a scale")
    assert seen["report"]
    assert seen["schedule"] == "Every morning"
    assert seen["console_errors"] == []
