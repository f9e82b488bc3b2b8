"""Reports over gRPC: made, kept, rendered, sent and shown by links; and what becomes of what they recommend. All behind it is real."""

import asyncio
import json
from datetime import UTC, datetime, timedelta
from email import message_from_bytes
from email.policy import SMTP
from typing import Any

import pytest
import pytest_asyncio
from assay.events.v1.reports_pb2 import ReportMade
from assay.reporter.v1 import report_service_pb2 as contract
from assay.reporter.v1.report_period_pb2 import REPORT_PERIOD_DAILY, REPORT_PERIOD_WEEKLY
from assay.reporter.v1.report_service_pb2_grpc import ReportServiceStub
from google.protobuf.timestamp_pb2 import Timestamp

from kit import database
from kit.bus import Bus
from services.reporter.domain.report import Basis, Recommendation, RecommendationKind
from services.reporter.messages.notes import recommendation_content
from services.reporter.store.recommendations import note_recommendations
from tests.alerter.notify.servers import mail_server
from tests.alerter.rules.installation import DEADLINE_S, eventually
from tests.reporter.service.desk import PUBLIC_URL, Desk, Reporter, generate, refusal

IDS = tuple(f"{number:032x}" for number in range(3))


def moment(ago: timedelta) -> Timestamp:
    made = Timestamp()
    made.FromDatetime(datetime.now(UTC) - ago)
    return made


@pytest_asyncio.fixture(scope="module")
async def filled(office: Desk) -> str:
    """A project with calls, for tests that change nothing of it."""
    return await office.project_with_calls()


async def test_yesterdays_calls_become_a_report_that_is_kept_and_announced(office: Desk, one: Reporter, bus: Bus) -> None:
    project = await office.project_with_calls()
    heard: list[Any] = []

    async def hear(message: Any) -> None:
        heard.append(ReportMade.FromString(message.data).report.report_id)

    async with bus.subscribed(f"assay.reports.{project}", hear):
        report = await generate(one, project)
        await eventually(lambda: _resolved(heard == [report.report_id]), "the report is announced")
    assert (report.call_count, report.project, report.time_zone, report.missing_sources[:]) == (40, project, "UTC", [])
    assert report.end_time.ToDatetime(UTC) - report.start_time.ToDatetime(UTC) == timedelta(days=1)
    assert report.summary and report.created_by

    found = await one.reports.GetReport(contract.GetReportRequest(project=project, report_id=report.report_id))
    assert found.report == report
    assert json.loads(found.content_json)["title"] == report.title
    listed = await one.reports.ListReports(contract.ListReportsRequest(project=project))
    assert listed.reports[:] == [report]


async def test_who_watches_is_told_of_each_report_of_its_project(office: Desk, one: Reporter) -> None:
    project, other = await office.project_with_calls(), await office.project_with_calls()
    watch = one.reports.WatchReports(contract.WatchReportsRequest(project=project), timeout=DEADLINE_S)
    assert await watch.read() == contract.WatchReportsResponse(list_again=True)
    await generate(one, other)
    made, seen = [await generate(one, project)], list[contract.Report]()
    while not seen:
        told = await watch.read()
        seen += told.reports
        if told.list_again:  # the reporter has begun to listen just now, and what was announced before is not told
            made.append(await generate(one, project))
    assert seen[0] in made
    watch.cancel()


async def _resolved(value: bool) -> bool:
    return value


async def test_the_same_id_gives_the_same_report_and_another_question_is_refused(office: Desk, one: Reporter, filled: str) -> None:
    first, second = await asyncio.gather(*(generate(one, filled, report_id="same") for _ in range(2)))
    assert first == second == await generate(one, filled, report_id="same")
    request = contract.GenerateReportRequest(project=filled, report_id="same", period=REPORT_PERIOD_WEEKLY)
    assert await refusal(_drained(one.reports.GenerateReport(request))) == "REPORT_EXISTS"


async def _drained(stream: Any) -> None:
    async for _ in stream:
        pass


async def test_a_report_is_rendered_again_byte_for_byte(office: Desk, one: Reporter, filled: str) -> None:
    report = await generate(one, filled)
    for form, start in ((contract.REPORT_FORMAT_HTML, b"<!"), (contract.REPORT_FORMAT_MARKDOWN, b"#"), (contract.REPORT_FORMAT_JSON, b"{")):
        request = contract.RenderReportRequest(project=filled, report_id=report.report_id, format=form)
        files = [await one.reports.RenderReport(request) for _ in range(2)]
        assert files[0] == files[1]
        assert files[0].content.startswith(start)
        assert files[0].file_name.startswith(report.report_id)


async def test_pages_of_reports_are_the_latest_first(office: Desk, one: Reporter) -> None:
    project = await office.made.new_project()
    made = [await generate(one, project) for _ in range(3)]
    request = contract.ListReportsRequest(project=project, page_size=2)
    page = await one.reports.ListReports(request)
    request.page_token = page.next_page_token
    rest = await one.reports.ListReports(request)
    assert [*page.reports, *rest.reports] == made[::-1]
    assert not rest.next_page_token
    assert all(report.call_count == 0 and report.summary for report in made)  # a period without calls has a report that says so


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"report_id": "no id"}, "FIELD_INVALID"),
        ({"time_zone": "Mars/Olympus"}, "FIELD_INVALID"),
        ({"start_time": moment(timedelta(days=-2))}, "PERIOD_IN_FUTURE"),
        ({"period": 0, "start_time": moment(timedelta(days=-2)), "end_time": moment(timedelta(days=-3))}, "PERIOD_IN_FUTURE"),
        ({"period": 0}, "FIELD_INVALID"),
        ({"period": 0, "start_time": moment(timedelta(days=400))}, "FIELD_INVALID"),
        ({"period": 0, "start_time": moment(timedelta(days=2)), "end_time": moment(timedelta(days=3))}, "FIELD_INVALID"),
        ({"end_time": moment(timedelta(days=1))}, "FIELD_INVALID"),
        ({"period": 99}, "FIELD_INVALID"),
        ({"start_date": "2026-13-01"}, "FIELD_INVALID"),
        ({"start_date": "2026-11-01", "start_time": moment(timedelta(days=2))}, "FIELD_INVALID"),
        ({"project": "nobody"}, "PROJECT_UNKNOWN"),
    ],
)
async def test_what_there_can_be_no_report_of_is_refused(office: Desk, one: Reporter, fields: dict[str, Any], reason: str) -> None:
    usual: dict[str, Any] = {"project": "default", "report_id": "x", "period": REPORT_PERIOD_DAILY}
    request = contract.GenerateReportRequest(**usual | fields)
    assert await refusal(_drained(one.reports.GenerateReport(request))) == reason


async def test_a_report_is_sent_once_with_a_link_that_shows_it(office: Desk, one: Reporter) -> None:
    project = await office.project_with_calls()
    report = await generate(one, project)
    request = contract.SendReportRequest(project=project, report_id=report.report_id, receiver_ids=["ops"])
    sent = [await one.reports.SendReport(request) for _ in range(2)]
    assert sent[0] == sent[1]
    path = f"/{project}/ops"
    await eventually(lambda: _resolved(bool(office.sent_to(path))), "the report is delivered")
    text = json.dumps(office.sent_to(path))
    assert len(office.sent_to(path)) == 1
    token = text.split(f"{PUBLIC_URL}/links/reports/")[1].split('"')[0].split("\\")[0]
    stranger = ReportServiceStub(office.made.channel(one.address, "assay_unknown"))
    page = await stranger.GetLinkedReport(contract.GetLinkedReportRequest(token=token))
    rendered = await one.reports.RenderReport(contract.RenderReportRequest(project=project, report_id=report.report_id))
    assert page.content == rendered.content


async def test_a_mail_has_the_report_as_html_with_its_pictures_and_the_summary_as_text(office: Desk, one: Reporter, filled: str) -> None:
    async with mail_server(None) as box:
        config = {
            "host": "127.0.0.1",
            "port": box.port,
            "security": "MAIL_SECURITY_NONE",
            "sender": "a@assay.test",
            "recipients": ["h@e.test"],
        }
        await office.add_receiver(filled, "head", email=config)
        report = await generate(one, filled)
        request = contract.SendReportRequest(project=filled, report_id=report.report_id, receiver_ids=["head"])
        await one.reports.SendReport(request)
        await eventually(lambda: _resolved(bool(box.mails)), "the mail arrives")
    mail = message_from_bytes(box.mails[0], policy=SMTP)
    parts = {part.get_content_type(): part for part in mail.walk()}
    assert mail["Subject"] == report.title
    assert report.summary[0] in parts["text/plain"].get_content() and f"{PUBLIC_URL}/links/reports/" in parts["text/plain"].get_content()
    assert f"cid:{parts['image/png']['Content-ID'].strip('<>')}" in parts["text/html"].get_content()
    assert parts["image/png"].get_content().startswith(b"\x89PNG")


async def test_who_has_no_such_receiver_is_told_and_the_others_get_it(office: Desk, one: Reporter) -> None:
    project = await office.project_with_calls()
    report = await generate(one, project)
    request = contract.SendReportRequest(project=project, report_id=report.report_id, receiver_ids=["nobody", "ops"])
    assert await refusal(one.reports.SendReport(request)) == "RECEIVER_UNKNOWN"
    await eventually(lambda: _resolved(bool(office.sent_to(f"/{project}/ops"))), "the report is delivered")


async def test_a_link_shows_one_report_until_it_expires(office: Desk, one: Reporter, filled: str) -> None:
    report, other = await generate(one, filled), await generate(one, filled)
    asked = contract.CreateReportLinkRequest(project=filled, report_id=report.report_id)
    link = await one.reports.CreateReportLink(asked)
    assert link.url == f"{PUBLIC_URL}/links/reports/{link.token}"
    page = await one.reports.GetLinkedReport(contract.GetLinkedReportRequest(token=link.token))
    assert report.title.encode() in page.content
    payload, signature = link.token.split(".")
    others = await one.reports.CreateReportLink(contract.CreateReportLinkRequest(project=filled, report_id=other.report_id))
    for forged in (
        "",
        "x",
        f"{payload}.",
        f"{payload}.{signature[:-2]}AA",
        f"{others.token.split('.')[0]}.{signature}",
        f"bm9uZQ.{signature}",
    ):
        assert await refusal(one.reports.GetLinkedReport(contract.GetLinkedReportRequest(token=forged))) == "LINK_INVALID"
    asked.expire_time.CopyFrom(moment(timedelta(days=-91)))
    assert await refusal(one.reports.CreateReportLink(asked)) == "FIELD_INVALID"
    asked.expire_time.CopyFrom(moment(timedelta(seconds=-1.2)))
    brief = await one.reports.CreateReportLink(asked)

    async def is_over() -> bool:
        try:
            await one.reports.GetLinkedReport(contract.GetLinkedReportRequest(token=brief.token))
        except Exception as error:  # noqa: BLE001 - which one is looked at
            return "expired" in str(error)
        return False

    await eventually(is_over, "the link expires")


async def test_a_key_sees_the_reports_of_its_own_project_alone(office: Desk, one: Reporter) -> None:
    mine, others = await office.made.new_project(), await office.project_with_calls()
    report = await generate(one, others)
    stub = ReportServiceStub(office.made.channel(one.address, await office.made.new_key(mine, "ADMIN")))
    assert not (await stub.ListReports(contract.ListReportsRequest())).reports
    named: dict[str, Any] = {"report_id": report.report_id}
    assert await refusal(stub.GetReport(contract.GetReportRequest(**named))) == "REPORT_UNKNOWN"
    assert await refusal(stub.RenderReport(contract.RenderReportRequest(**named))) == "REPORT_UNKNOWN"
    assert await refusal(stub.CreateReportLink(contract.CreateReportLinkRequest(**named))) == "REPORT_UNKNOWN"
    assert await refusal(stub.SendReport(contract.SendReportRequest(**named, receiver_ids=["ops"]))) == "REPORT_UNKNOWN"
    assert await refusal(stub.GetReport(contract.GetReportRequest(project=others, **named))) == "PROJECT_FORBIDDEN"


async def test_a_report_says_what_could_not_be_asked(office: Desk, filled: str) -> None:
    async with office.reporter(analyzer_address="127.0.0.1:1", alerter_address="127.0.0.1:1") as lonely:
        report = await generate(lonely, filled)
        assert report.missing_sources[:] == ["alerter", "analyzer"]
        assert report.call_count == 40
        request = contract.SendReportRequest(project=filled, report_id=report.report_id, receiver_ids=["ops"])
        assert await refusal(lonely.reports.SendReport(request)) == "ALERTER_UNAVAILABLE"


def advice(recommendation_id: str, **fields: Any) -> Recommendation:
    usual: dict[str, Any] = {
        "kind": RecommendationKind.MOVE_MODEL,
        "title": "Move code_review to a cheaper model",
        "text": "It is as good.",
        "undo": "Move it back.",
        "confidence": "high",
        "confidence_ratio": 0.97,
        "comparable_call_count": 2_140,
        "task_type": "code_review",
        "provider": "openai",
        "model": "gpt-4o",
        "basis": Basis.COST_PER_CALL_USD,
        "before": 0.002,
        "predicted": 0.001,
        "predicted_low": 0.0009,
        "predicted_high": 0.0011,
    }
    return Recommendation(recommendation_id, **usual | fields)


async def note(office: Desk, project: str, report_id: str, *made: Recommendation, ago: timedelta = timedelta()) -> None:
    """Keeps what a report recommends."""
    rows = [(one.recommendation_id, one.title, recommendation_content(one)) for one in made]
    async with database.engine(office.made.database_url) as engine, engine.begin() as connection:
        await note_recommendations(connection, project, report_id, rows, datetime.now(UTC) - ago)


async def test_the_same_advice_is_kept_once_and_follows_the_latest_report_until_it_is_decided(office: Desk, one: Reporter) -> None:
    project = await office.project_with_calls()
    for number, recommendation_id in enumerate(IDS):
        await note(office, project, "first", advice(recommendation_id), ago=timedelta(days=10, hours=-number))
    decide = contract.UpdateRecommendationRequest(
        project=project, recommendation_id=IDS[0], state=contract.RECOMMENDATION_STATE_DONE, comment="on Monday"
    )
    done = (await one.reports.UpdateRecommendation(decide)).recommendation
    assert (done.state, done.comment, done.version, bool(done.state_by)) == (contract.RECOMMENDATION_STATE_DONE, "on Monday", 1, True)
    assert done == (await one.reports.UpdateRecommendation(decide)).recommendation
    decide.comment = "on Tuesday"
    assert (await one.reports.UpdateRecommendation(decide)).recommendation.state_time == done.state_time

    await note(office, project, "second", *(advice(name, before=0.003) for name in IDS[:2]))
    request = contract.ListRecommendationsRequest(project=project, page_size=2)
    page = await one.reports.ListRecommendations(request)
    request.page_token = page.next_page_token
    rest = await one.reports.ListRecommendations(request)
    found = {each.recommendation_id: each for each in (*page.recommendations, *rest.recommendations)}
    assert list(found) == list(IDS[::-1]) and not rest.next_page_token
    assert [found[name].report_id for name in IDS] == ["second", "second", "first"]
    assert ['"before":0.003' in found[name].content_json for name in IDS] == [False, True, False]
    assert found[IDS[0]].create_time.ToDatetime(UTC) < datetime.now(UTC) - timedelta(days=9)

    opened = contract.ListRecommendationsRequest(project=project, state=contract.RECOMMENDATION_STATE_OPEN)
    assert len((await one.reports.ListRecommendations(opened)).recommendations) == 2
    report = await generate(one, project)
    content = await one.reports.GetReport(contract.GetReportRequest(project=project, report_id=report.report_id))
    assert '"state": "done"' in content.content_json  # what became of it


async def test_what_cannot_be_decided_is_refused(one: Reporter) -> None:
    known: dict[str, Any] = {"project": "default", "recommendation_id": IDS[0], "state": contract.RECOMMENDATION_STATE_DONE}
    for fields, reason in (
        ({}, "RECOMMENDATION_UNKNOWN"),
        ({"state": 0}, "FIELD_INVALID"),
        ({"state": 9}, "FIELD_INVALID"),
        ({"comment": "x" * 1_025}, "FIELD_INVALID"),
        ({"comment": "\0"}, "FIELD_INVALID"),
        ({"recommendation_id": ""}, "FIELD_INVALID"),
    ):
        request = contract.UpdateRecommendationRequest(**known | fields)
        assert await refusal(one.reports.UpdateRecommendation(request)) == reason
    listing = contract.ListRecommendationsRequest(project="default", page_token="garbage")
    assert await refusal(one.reports.ListRecommendations(listing)) == "PAGE_TOKEN_INVALID"
