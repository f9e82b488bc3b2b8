"""What reports recommended: kept once, decided by people, and told of by later reports."""

from datetime import UTC, datetime, timedelta
from typing import Any

from assay.reporter.v1 import report_service_pb2 as contract

from kit import database
from services.reporter.domain.report import Basis, Recommendation, RecommendationKind
from services.reporter.messages.notes import recommendation_content
from services.reporter.store.recommendations import note_recommendations
from tests.reporter.service.desk import Desk, Reporter, generate, refusal

IDS = tuple(f"{number:032x}" for number in range(3))


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
