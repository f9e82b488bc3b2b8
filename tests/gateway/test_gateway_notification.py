"""Silences, receivers, the policy, deliveries and links over HTTP, with a real alerter behind: from a rule to a link that acknowledges."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
import pytest_asyncio
from assay.alerter.v1 import alert_service_pb2 as alerts
from assay.alerter.v1 import link_service_pb2 as links
from assay.alerter.v1 import receiver_service_pb2 as contract
from cryptography.fernet import Fernet
from pydantic import SecretStr

from gateway import links_page, notification_messages, notification_models, policy_models
from gateway.app import gateway
from gateway.problems import Problem
from gateway.settings import GatewaySettings
from kit.bus import Bus
from kit.embedded.stack import Stack
from services.alerter.domain.notification.link_token import LinkAction, LinkClaim, sign
from services.alerter.secret_box import SecretBox
from tests.alerter.notify.servers import HttpReceiver, http_receiver, until
from tests.alerter.rules.installation import Alerter, Installation, calls, eventually, installation, running, success_rule
from tests.gateway.site import DEADLINE_S
from tests.gateway.test_gateway_alerts import checked

KEY = Fernet.generate_key().decode()
SECRET = "Bearer s3cr3t-of-the-test"
MATCHERS = ['provider="openai"']
POLICY: dict[str, Any] = {
    "root": {"group_wait_s": 0, "group_by": ["alertname"], "routes": [{"matchers": ['severity="INFO"'], "mute_times": ["night"]}]},
    "mute_times": [{"name": "night", "time_zone": "Europe/Berlin", "intervals": [{"weekdays": [1], "start_min": 1_320}]}],
    "escalation_policies": [{"name": "p", "steps": [{"delay_s": 0.5, "receiver_ids": ["default"], "rotas": ["o"]}]}],
    "rotas": [{"name": "o", "receiver_ids": ["default"], "start_date": "2026-11-23", "hand_over_min": 0}],
}


@dataclass
class Office:
    """A gateway, the alerter behind it, and somebody who gets messages."""

    made: Installation
    alerter: Alerter
    http: httpx.AsyncClient
    server: HttpReceiver

    async def project(self, *roles: str) -> tuple[str, dict[str, str]]:
        """A project that the alerter knows, and the header of a key for it."""
        project = await self.made.new_project()
        headers = await self.key(project, *(roles or ("READ", "OPERATE", "ADMIN")))
        reader = await self.key(project, "READ")

        async def is_known() -> bool:
            return (await self.http.get("/api/v1/receivers", headers=reader)).status_code == 200

        await eventually(is_known, "the project is known")
        return project, headers

    async def key(self, project: str, *roles: str) -> dict[str, str]:
        """The header of a new key."""
        return {"authorization": f"Bearer {await self.made.new_key(project, *roles)}"}

    def receiver(self, receiver_id: str = "default", **config: Any) -> dict[str, Any]:
        """The body of a receiver that gets messages at the server, and has a secret."""
        return {"receiver_id": receiver_id, "webhook": {"url": f"{self.server.url}/{receiver_id}", "authorization": SECRET, **config}}


@pytest_asyncio.fixture(scope="module")
async def office(stack: Stack, bus: Bus) -> AsyncIterator[Office]:
    assert bus.is_connected  # and has no streams of the module before
    changes = {"secrets_key": SecretStr(KEY), "public_url": "https://assay.test", "allowed_targets": "127.0.0.1"}
    async with installation(stack) as made, running(made, **changes) as alerter, http_receiver() as server:
        settings = GatewaySettings(
            listen="127.0.0.1:0",
            collector_address=made.collector,
            alerter_address=alerter.address,
            analyzer_address="127.0.0.1:1",
            reporter_address="127.0.0.1:1",
        )
        async with gateway(settings) as address, httpx.AsyncClient(base_url=f"http://{address}", timeout=DEADLINE_S) as http:
            yield Office(made, alerter, http, server)


def test_a_policy_goes_to_and_fro_whole() -> None:
    body = policy_models.NotificationPolicyBody.model_validate(POLICY)
    message = notification_messages.policy_to_message(body)
    assert message.root.HasField("group_wait") and not message.root.HasField("group_interval")
    assert message.escalation_policies[0].steps[0].delay.nanos == 500_000_000
    shown = notification_messages.policy(message)
    checked(policy_models.NotificationPolicy, shown)
    outputs = {"update_time", "updated_by", "version"}
    again = policy_models.NotificationPolicyBody(**{name: value for name, value in shown.items() if name not in outputs})
    assert notification_messages.policy_to_message(again) == message
    checked(policy_models.NotificationPolicy, notification_messages.policy(contract.NotificationPolicy()))


def test_a_secret_that_the_alerter_lets_slip_stays_here() -> None:
    message = contract.Receiver(receiver_id="r", email=contract.EmailConfig(host="h", sender="s", password="hunter2"))
    assert "hunter2" not in str(notification_messages.receiver(message))


def test_pages_of_links_escape_what_they_show_and_tell_what_is_left() -> None:
    link = links.GetLinkResponse(action=links.LINK_ACTION_ACKNOWLEDGE, project="<p>", receiver_id="<r>", labels={"a": "<l>"}, alert_count=2)
    link.alerts.add(summary="<s>", state=alerts.ALERT_STATE_ACKNOWLEDGED, acknowledged_by="<a>", severity=alerts.SEVERITY_CRITICAL)
    page = links_page.link_page(link)
    assert all(f"&lt;{mark}&gt;" in page for mark in "plrsa") and not any(f"<{mark}>" in page for mark in "lrs")
    assert "and 1 more" in page and "<form" in page  # the one that is not shown may be firing
    part = links_page.used_page(links.LINK_ACTION_ACKNOWLEDGE, links.UseLinkResponse(alert_count=1_000, remaining_count=234))
    assert "1,000 alerts are acknowledged, 234 are not yet" in part and "<form" in part
    assert "&lt;d&gt;" in links_page.refused_page(Problem(400, "FIELD_INVALID", "<d>"))
    assert "Try again" in links_page.refused_page(Problem(503, "ALERTER_UNAVAILABLE", "away"))


async def test_a_silence_is_previewed_made_changed_and_ended(office: Office) -> None:
    _, headers = await office.project()
    http = office.http
    preview = await http.post("/api/v1/silences/preview", json={"matchers": MATCHERS}, headers=headers)
    assert (preview.status_code, preview.json()) == (200, {"alerts": [], "alert_count": 0})
    end_time = (datetime.now(UTC) + timedelta(hours=1)).isoformat()
    body = {"silence_id": "s1", "matchers": MATCHERS, "author": "Ada", "comment": "deployment", "end_time": end_time}
    made = await http.post("/api/v1/silences", json=body, headers=headers)
    assert made.status_code == 201, made.text
    checked(notification_models.Silence, made.json())
    assert (made.json()["state"], made.json()["matchers"]) == ("ACTIVE", MATCHERS)
    assert (await http.post("/api/v1/silences", json=body, headers=headers)).json() == made.json()
    assert (await http.get("/api/v1/silences/s1", headers=headers)).json() == made.json()
    ended = await http.patch("/api/v1/silences/s1", json={"end_time": "now", "comment": "done"}, headers=headers)
    assert (ended.json()["state"], ended.json()["comment"]) == ("EXPIRED", "done")
    listed = await http.get("/api/v1/silences", params={"includes_expired": True}, headers=headers)
    assert listed.json() == {"silences": [ended.json()], "next_page_token": ""}
    assert (await http.get("/api/v1/silences", headers=headers)).json()["silences"] == []
    late = await http.patch("/api/v1/silences/s1", json={"end_time": end_time}, headers=headers)
    assert (late.status_code, late.json()["reason"]) == (409, "SILENCE_OVER")
    wrong = await http.post("/api/v1/silences", json={**body, "end_time": "soon"}, headers=headers)
    assert (wrong.status_code, wrong.json()["field"]) == (400, "end_time")


async def test_a_secret_goes_to_the_receiver_and_never_comes_back(office: Office) -> None:
    _, headers = await office.project()
    http = office.http
    answers = [await http.post("/api/v1/receivers", json=office.receiver("ops"), headers=headers)]
    assert answers[0].status_code == 201, answers[0].text
    checked(notification_models.Receiver, answers[0].json())
    assert (answers[0].json()["secrets_set"], answers[0].json()["webhook"]["form"]) == (["authorization"], "ASSAY")
    changed = {**office.receiver("ops"), "display_name": "Operations"}
    del changed["webhook"]["authorization"]
    answers.append(await http.put("/api/v1/receivers/ops", params={"expected_version": 1}, json=changed, headers=headers))
    assert (answers[-1].json()["version"], answers[-1].json()["secrets_set"]) == (2, ["authorization"])
    answers.append(await http.get("/api/v1/receivers/ops", headers=headers))
    answers.append(await http.get("/api/v1/receivers", headers=headers))
    assert answers[-1].json()["receivers"] == [answers[-2].json()]
    answers.append(await http.post("/api/v1/receivers/ops/test", headers=headers))
    assert answers[-1].json()["result"] == "SENT", answers[-1].text
    assert [(each.path, each.headers["authorization"]) for each in office.server.requests if each.path == "/ops"] == [("/ops", SECRET)]
    edited = {"receiver": {**changed, "webhook": {"url": "http://127.0.0.1:1/", "authorization": SECRET}}}
    answers.append(await http.post("/api/v1/receivers/ops/test", json=edited, headers=headers))
    assert answers[-1].json()["result"] == "RETRY"
    answers.append(await http.put("/api/v1/receivers/other", json=changed, headers=headers))
    assert (answers[-1].status_code, answers[-1].json()["field"]) == (400, "receiver_id")
    answers.append(await http.post("/api/v1/receivers", json={**changed, "teams": {"webhook_url": SECRET}}, headers=headers))
    assert (answers[-1].status_code, answers[-1].json()["reason"]) == (400, "FIELD_INVALID")
    assert all("s3cr3t" not in answer.text for answer in answers)
    assert (await http.delete("/api/v1/receivers/ops", headers=headers)).status_code == 204
    assert (await http.get("/api/v1/receivers/ops", headers=headers)).status_code == 404


async def test_what_a_key_may_not_is_refused_and_projects_do_not_meet(office: Office) -> None:
    project, headers = await office.project()
    http = office.http
    await http.post("/api/v1/receivers", json=office.receiver(), headers=headers)
    reader = await office.key(project, "READ")
    end_time = (datetime.now(UTC) + timedelta(hours=1)).isoformat()
    silence = {"silence_id": "s", "matchers": MATCHERS, "author": "Ada", "end_time": end_time}
    for method, path, body in (
        ("POST", "/silences", silence),
        ("PATCH", "/silences/s", {"end_time": "now"}),
        ("POST", "/receivers", office.receiver("other")),
        ("PUT", "/receivers/default", office.receiver()),
        ("DELETE", "/receivers/default", None),
        ("POST", "/receivers/default/test", None),
        ("PUT", "/notification-policy", {}),
        ("POST", "/deliveries/d/retry", None),
    ):
        refused = await http.request(method, f"/api/v1{path}", json=body, headers=reader)
        assert (refused.status_code, refused.json()["reason"]) == (403, "ROLE_MISSING"), (method, path)
    operator = await office.key(project, "OPERATE")
    edits = {"receiver": office.receiver()}
    assert (await http.post("/api/v1/receivers/default/test", json=edits, headers=operator)).status_code == 403
    assert (await http.get("/api/v1/receivers")).status_code == 401

    _, stranger = await office.project()
    assert (await http.get("/api/v1/receivers/default", headers=stranger)).status_code == 404
    for path in ("/receivers", "/silences", "/deliveries", "/notification-policy"):
        assert (await http.get(f"/api/v1{path}", params={"project": project}, headers=stranger)).status_code == 403


async def firing(office: Office, project: str) -> dict[str, Any]:
    """What the receiver is told of an alert that a rule raises."""
    await office.made.record(project, calls(20, failed=10))
    await office.alerter.create(project, success_rule())
    path = f"/{project}"
    await until(lambda: any(each.path == path for each in office.server.requests), DEADLINE_S)
    data: dict[str, Any] = next(each.json["data"] for each in office.server.requests if each.path == path)
    return data


async def test_a_link_shows_with_get_and_acts_with_post_and_twice_is_harmless(office: Office) -> None:
    project, headers = await office.project()
    http = office.http
    await http.post("/api/v1/receivers", json={**office.receiver(project), "receiver_id": "default"}, headers=headers)
    set_policy = await http.put("/api/v1/notification-policy", json=POLICY, headers=headers)
    assert (set_policy.status_code, set_policy.json()["version"]) == (200, 1), set_policy.text
    told = await firing(office, project)

    deliveries = (await http.get("/api/v1/deliveries", params={"receiver_id": "default"}, headers=headers)).json()
    checked(notification_models.DeliveriesPage, deliveries)
    assert deliveries["deliveries"][0]["group_id"] == told["group_id"]
    retried = await http.post(f"/api/v1/deliveries/{told['delivery_id']}/retry", headers=headers)
    assert retried.json()["reason"] == "DELIVERY_NOT_DEAD"

    acknowledge, silence = (told[name].removeprefix("https://assay.test") for name in ("acknowledge_url", "silence_url"))
    for look in (await http.get(acknowledge), await http.head(acknowledge), await http.get(acknowledge)):
        assert (look.status_code, look.headers["cache-control"]) == (200, "no-store")
    page = (await http.get(acknowledge)).text
    assert '<form method="post">' in page and "Success is low" in page and project in page
    assert "<script" not in page and "style=" not in page and "<style" not in page
    still = await office.alerter.alert(project, "success", alerts.ALERT_STATE_FIRING, alerts.ALERT_STATE_ACKNOWLEDGED)
    assert still.state == alerts.ALERT_STATE_FIRING

    done = await http.post(acknowledge, data={"actor_name": "Ada <b>"}, headers={"origin": "null", "sec-fetch-site": "cross-site"})
    assert (done.status_code, "1 alert is acknowledged" in done.text) == (200, True), done.text
    again = await http.post(acknowledge)
    assert (again.status_code, "acknowledged already" in again.text) == (200, True)
    now = await office.alerter.alert(project, "success", alerts.ALERT_STATE_ACKNOWLEDGED)
    assert now.acknowledged_by == "default (link) Ada <b>"
    after = (await http.get(acknowledge)).text
    assert "<form" not in after and "Ada &lt;b&gt;" in after

    assert "<select" in (await http.get(silence)).text
    assert (await http.get("/api/v1/silences", headers=headers)).json()["silences"] == []
    for _ in range(2):
        assert "1 alert is silenced" in (await http.post(silence, data={"duration": "30m"})).text
    (made,) = (await http.get("/api/v1/silences", headers=headers)).json()["silences"]
    assert made["state"] == "ACTIVE"
    assert (await http.post(silence, data={"duration": "9999h"})).status_code == 400


async def test_links_that_are_forged_or_too_old_are_told_in_plain_words(office: Office) -> None:
    (key,) = SecretBox([KEY]).link_keys
    now = datetime.now(UTC)
    good = sign(LinkClaim(LinkAction.SILENCE, "p", "g" * 32, "r", now + timedelta(hours=1)), key)
    for token, status, words in (
        ("<script>", 403, "does not work"),
        (f"{good[:-2]}AA", 403, "does not work"),
        (sign(LinkClaim(LinkAction.ACKNOWLEDGE, "p", "g" * 32, "r", now - timedelta(hours=1)), key), 403, "has expired"),
        (good, 404, "nothing left to do"),
    ):
        for answer in (await office.http.get(f"/links/{token}"), await office.http.post(f"/links/{token}")):
            assert (answer.status_code, words in answer.text) == (status, True), answer.text
            assert answer.headers["content-type"].startswith("text/html") and "<script" not in answer.text
    unreadable = await office.http.post(f"/links/{good}", content=b"\xff=1", headers={"content-type": "application/x-www-form-urlencoded"})
    assert unreadable.status_code == 400
    style = await office.http.get("/links/style.css")
    assert (style.status_code, style.headers["content-type"].split(";")[0]) == (200, "text/css")
    assert "style-src 'self'" in style.headers["content-security-policy"]


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"root": {"receiver_id": "nobody"}}, "receiver"),
        ({"rotas": [{"name": "o", "receiver_ids": [], "start_date": "soon"}]}, "start_date"),
        ({"root": {"colour": "red"}}, "root.colour"),
        ({"root": {"group_wait_s": -1}}, "root.group_wait_s"),
    ],
)
async def test_a_policy_that_cannot_be_is_refused(office: Office, change: dict[str, Any], field: str) -> None:
    _, headers = await office.project()
    refused = await office.http.put("/api/v1/notification-policy", json=change, headers=headers)
    assert (refused.status_code, refused.json()["field"]) == (400, field)


async def test_routes_below_routes_have_an_end(office: Office) -> None:
    _, headers = await office.project()
    root: dict[str, Any] = {}
    for _ in range(200):
        root = {"routes": [root]}
    refused = await office.http.put("/api/v1/notification-policy", json={"root": root}, headers=headers)
    assert (refused.status_code, "10 deep" in refused.json()["detail"]) == (400, True)
