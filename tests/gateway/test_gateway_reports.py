"""Reports, recommendations, schedules and links over HTTP, with a real reporter, alerter and collector behind."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import httpx
import pytest
import pytest_asyncio

from gateway import reporter_models as models
from gateway.app import gateway
from gateway.settings import GatewaySettings
from kit.bus import Bus
from kit.embedded.stack import Stack
from tests.alerter.rules.installation import eventually
from tests.gateway.site import DEADLINE_S
from tests.gateway.test_gateway_alerts import checked
from tests.reporter.service.desk import Desk, desk

WEEKLY: dict[str, Any] = {"schedule_id": "weekly", "period": "WEEKLY", "local_time": {"weekday": 1, "minute_of_day": 480}}


@dataclass
class Office:
    """A gateway, and all that is behind it."""

    desk: Desk
    http: httpx.AsyncClient
    project: str
    headers: dict[str, str]

    async def send(self, method: str, path: str, **arguments: Any) -> httpx.Response:
        """A request below /api/v1 with an operator's key of the project."""
        return await self.http.request(method, f"/api/v1{path}", headers=self.headers, **arguments)


@pytest_asyncio.fixture(scope="module")
async def office(stack: Stack, bus: Bus) -> AsyncIterator[Office]:
    assert bus.is_connected  # and has no streams of the module before
    async with desk(stack) as made, made.reporter() as reporter:
        settings = GatewaySettings(
            listen="127.0.0.1:0",
            collector_address=made.made.collector,
            analyzer_address="127.0.0.1:1",
            alerter_address=made.alerter,
            reporter_address=reporter.address,
        )
        async with gateway(settings) as address, httpx.AsyncClient(base_url=f"http://{address}", timeout=DEADLINE_S) as http:
            project = await made.project_with_calls()
            secret = await made.made.new_key(project, "OPERATE")
            yield Office(made, http, project, {"authorization": f"Bearer {secret}"})


async def test_a_report_is_made_read_shown_saved_and_sent(office: Office) -> None:
    made = await office.send("POST", "/reports", json={"report_id": "y", "period": "DAILY"})
    assert made.status_code == 201, made.text
    checked(models.ReportSummary, made.json())
    assert (await office.send("POST", "/reports", json={"report_id": "y", "period": "DAILY"})).json() == made.json()
    found = (await office.send("GET", "/reports/y")).json()
    checked(models.ReportWithContent, found)
    assert found["report"] == made.json() and found["content"]["title"] == made.json()["title"]
    listed = (await office.send("GET", "/reports")).json()
    checked(models.ReportsPage, listed)
    assert listed["reports"] == [made.json()]

    page = await office.send("GET", "/reports/y/file")
    assert page.headers["content-type"] == "text/html; charset=utf-8" and made.json()["title"] in page.text
    assert "sandbox" in page.headers["content-security-policy"] and "script" not in page.headers["content-security-policy"]
    assert page.content == (await office.send("GET", "/reports/y/file")).content
    saved = await office.send("GET", "/reports/y/file", params={"format": "csv", "is_download": "true"})
    assert saved.headers["content-disposition"] == 'attachment; filename="y.zip"' and saved.content.startswith(b"PK")

    sent = await office.send("POST", "/reports/y/send", json={"receiver_ids": ["ops"]})
    checked(models.Sent, sent.json())

    async def is_delivered() -> bool:
        return bool(office.desk.sent_to(f"/{office.project}/ops"))

    await eventually(is_delivered, "the report is delivered")
    unknown = await office.send("GET", "/reports/none/file")
    assert (unknown.status_code, unknown.json()["reason"]) == (404, "REPORT_UNKNOWN")


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"period": "DAILY", "start_time": "soon"}, "start_time"),
        ({"period": "DAILY", "time_zone": "Mars/Olympus"}, "time_zone"),
        ({"period": "DAILY", "start_time": "2100-01-01T00:00:00Z"}, "start_time"),
        ({"period": "HOURLY"}, "period"),
        ({}, "start_time"),
    ],
)
async def test_what_there_can_be_no_report_of_is_refused(office: Office, body: dict[str, Any], field: str) -> None:
    refused = await office.send("POST", "/reports", json={"report_id": "x", **body})
    assert (refused.status_code, refused.json()["field"]) == (400, field)


async def test_a_link_shows_the_report_without_a_key(office: Office) -> None:
    await office.send("POST", "/reports", json={"report_id": "linked", "period": "DAILY"})
    made = await office.send("POST", "/reports/linked/links", json={})
    assert made.status_code == 201
    checked(models.ReportLink, made.json())
    path = made.json()["url"].removeprefix("https://assay.test")
    page = await office.http.get(path)
    assert (page.status_code, page.headers["cache-control"]) == (200, "no-store")
    assert page.headers["x-robots-tag"] == "noindex, nofollow" and "sandbox" in page.headers["content-security-policy"]
    assert page.content == (await office.send("GET", "/reports/linked/file")).content
    assert (await office.http.head(path)).status_code == 200
    forged = await office.http.get(f"{path[:-3]}AAA")
    assert forged.status_code == 403 and "does not work" in forged.text
    late = await office.send("POST", "/reports/linked/links", json={"expire_time": "-1h"})
    assert (late.status_code, late.json()["field"]) == (400, "expire_time")


async def test_schedules_are_made_read_changed_and_ended(office: Office) -> None:
    made = await office.send("POST", "/report-schedules", json=WEEKLY)
    assert made.status_code == 201, made.text
    checked(models.ReportSchedule, made.json())
    assert (await office.send("GET", "/report-schedules/weekly")).json() == made.json()
    by_cron = {**WEEKLY, "local_time": None, "cron": "30 8 1 * *", "time_zone": "Europe/Berlin"}
    changed = await office.send("PUT", "/report-schedules/weekly", params={"expected_version": 1}, json=by_cron)
    assert (changed.json()["cron"], changed.json()["local_time"], changed.json()["version"]) == ("30 8 1 * *", None, 2)
    listed = (await office.send("GET", "/report-schedules")).json()
    checked(models.ReportSchedulesPage, listed)
    assert listed["schedules"] == [changed.json()]
    runs = (await office.send("GET", "/report-schedules/weekly/runs")).json()
    checked(models.ScheduleRunsPage, runs)
    other = await office.send("PUT", "/report-schedules/other", json=WEEKLY)
    assert (other.status_code, other.json()["field"]) == (400, "schedule_id")
    never = await office.send("POST", "/report-schedules", json={**by_cron, "schedule_id": "never", "cron": "0 8 31 2 *"})
    assert (never.status_code, never.json()["reason"]) == (400, "SCHEDULE_NEVER_FIRES")
    assert (await office.send("DELETE", "/report-schedules/weekly")).status_code == 204
    assert (await office.send("GET", "/report-schedules/weekly")).status_code == 404


async def test_recommendations_are_listed_and_decided(office: Office) -> None:
    listed = (await office.send("GET", "/recommendations", params={"state": "OPEN"})).json()
    checked(models.RecommendationsPage, listed)
    unknown = await office.send("PATCH", "/recommendations/none", json={"state": "DONE", "comment": "on Monday"})
    assert (unknown.status_code, unknown.json()["reason"]) == (404, "RECOMMENDATION_UNKNOWN")
    refused = await office.send("PATCH", "/recommendations/none", json={"state": "FORGOTTEN"})
    assert (refused.status_code, refused.json()["field"]) == (400, "state")


async def test_a_reader_may_not_have_reports_made_or_sent(office: Office) -> None:
    reader = {"authorization": f"Bearer {await office.desk.made.new_key(office.project, 'READ')}"}
    for method, path, body in (
        ("POST", "/reports", {"report_id": "mine", "period": "DAILY"}),
        ("POST", "/reports/y/send", {"receiver_ids": ["ops"]}),
        ("POST", "/reports/y/links", {}),
        ("POST", "/report-schedules", WEEKLY),
        ("PATCH", "/recommendations/none", {"state": "DONE"}),
    ):
        refused = await office.http.request(method, f"/api/v1{path}", json=body, headers=reader)
        assert (refused.status_code, refused.json()["reason"]) == (403, "ROLE_MISSING"), path
