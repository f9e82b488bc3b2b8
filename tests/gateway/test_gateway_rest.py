"""The other routes: ledger, calls, projects, keys, audit log; that answers are what the OpenAPI document says."""

from datetime import UTC, datetime
from typing import Any

import pytest
from assay.access.v1 import access_service_pb2 as access
from assay.alerter.v1 import audit_service_pb2 as audit
from assay.collector.v1 import collector_service_pb2 as collector
from assay.collector.v1 import metrics_service_pb2 as metrics
from assay.collector.v1 import storage_service_pb2 as storage
from assay.telemetry.v1 import call_pb2, evidence_pb2
from google.protobuf.timestamp_pb2 import Timestamp
from pydantic import BaseModel

from gateway import access_models, models
from kit.errors import AssayError, Kind
from tests.gateway.neighbour import READER
from tests.gateway.site import Site

TIME = "2026-01-01T00:00:00Z"


def with_times(message: Any, *names: str) -> Any:
    for name in names:
        getattr(message, name).FromJsonString(TIME)
    return message


def full_call() -> metrics.StoredCall:
    """A call with every field set."""
    call = call_pb2.Call(cost_usd_nanos=0, revision_count=0, selection_ratio=0.5, outcome=call_pb2.CALL_OUTCOME_FAILED)
    for field in call.DESCRIPTOR.fields:
        if field.type == field.TYPE_STRING:
            setattr(call, field.name, f"the {field.name}")
    call.labels["team"] = "red"
    call.latency.FromMilliseconds(1500)
    call.time_to_first_token.FromMilliseconds(250)
    call.start_time.FromJsonString(TIME)
    call.usage.CopyFrom(call_pb2.TokenUsage(**{field.name: 7 for field in call_pb2.TokenUsage.DESCRIPTOR.fields}))
    stored = metrics.StoredCall(
        call=call,
        price_origin=metrics.PRICE_ORIGIN_TABLE,
        price_version="v1",
        quality_ratio=0.0,
        batch_id="b1",
    )
    stored.receive_time.FromJsonString(TIME)
    return stored


FULL_CALL_JSON = {
    "call_id": "the call_id",
    "task_id": "the task_id",
    "start_time": TIME,
    "latency": "1.500s",
    "time_to_first_token": "0.250s",
    "provider": "the provider",
    "model": "the model",
    "task_type": "the task_type",
    "agent": "the agent",
    "prompt_name": "the prompt_name",
    "prompt_version": "the prompt_version",
    "outcome": "CALL_OUTCOME_FAILED",
    "error_type": "the error_type",
    "usage": {
        "input_token_count": "7",
        "output_token_count": "7",
        "cache_read_token_count": "7",
        "cache_write_token_count": "7",
        "reasoning_token_count": "7",
    },
    "cost_usd_nanos": "0",
    "revision_count": 0,
    "labels": {"team": "red"},
    "ranking_id": "the ranking_id",
    "selection_ratio": 0.5,
    "price_origin": "TABLE",
    "price_version": "v1",
    "quality_ratio": 0.0,
    "receive_time": TIME,
    "batch_id": "b1",
}


async def test_calls_are_listed_as_protobuf_json_with_what_assay_knows(site: Site) -> None:
    plain = metrics.StoredCall(call=call_pb2.Call(call_id="c2"), price_origin=metrics.PRICE_ORIGIN_UNKNOWN)
    site.neighbour.answers["ListCalls"] = metrics.ListCallsResponse(calls=[full_call(), plain], next_page_token="more")

    answer = await site.get(
        "/calls",
        start="-1h",
        end="2026-01-01T00:00:00Z",
        outcome=["failed,TIMED_OUT", "CALL_OUTCOME_REFUSED"],
        task_id="t",
        agent="a",
        task_type="x",
        page_size=2,
        page_token="p",
    )

    first, second = answer.json()["calls"]
    assert first == FULL_CALL_JSON
    assert second["quality_ratio"] is None
    assert second["receive_time"] is None
    assert answer.json()["next_page_token"] == "more"
    models.CallsPage.model_validate(answer.json())
    (question,) = site.neighbour.questions("ListCalls")
    assert list(question.outcomes) == [
        call_pb2.CALL_OUTCOME_FAILED,
        call_pb2.CALL_OUTCOME_TIMED_OUT,
        call_pb2.CALL_OUTCOME_REFUSED,
    ]
    assert (question.task_id, question.agent, question.page_size, question.page_token) == ("t", "a", 2, "p")
    assert list(question.filter.task_types) == ["x"]
    assert question.end_time.ToDatetime(UTC) == datetime(2026, 1, 1, tzinfo=UTC)


async def test_without_times_all_calls_are_asked_for(site: Site) -> None:
    await site.get("/calls")

    (question,) = site.neighbour.questions("ListCalls")
    assert not question.HasField("start_time")
    assert not question.HasField("end_time")


@pytest.mark.parametrize(("parameter", "value"), [("page_size", "-1"), ("page_size", "x"), ("outcome", "nice")])
async def test_a_wrong_page_or_outcome_is_named(site: Site, parameter: str, value: str) -> None:
    answer = await site.get("/calls", **{parameter: value})

    assert (answer.status_code, answer.json()["field"]) == (400, parameter)


@pytest.mark.parametrize("call_id", ["c1", "a%2Fb", "%C3%A4", "..%2f.."])
async def test_a_call_is_found_by_whatever_its_id_is(site: Site, call_id: str) -> None:
    message = collector.CallMessage(batch_id="b1", part=1, stream_sequence=2**40)
    evidence = evidence_pb2.Evidence(evidence_id="e", call_id="c", feedback=evidence_pb2.Feedback(accepted=False))
    site.neighbour.answers["GetCall"] = metrics.GetCallResponse(
        call=full_call(), evidence=[evidence], messages=[with_times(message, "receive_time")]
    )

    answer = await site.http.get(f"/api/v1/calls/{call_id}?project=p1", headers={"authorization": "Bearer assay_reader_secret"})

    assert answer.json() == {
        "call": FULL_CALL_JSON,
        "evidence": [{"evidence_id": "e", "call_id": "c", "feedback": {"accepted": False}}],
        "messages": [{"batch_id": "b1", "part": 1, "stream_sequence": 2**40, "receive_time": TIME, "store_time": None}],
    }
    models.CallWithEvidence.model_validate(answer.json())
    (question,) = site.neighbour.questions("GetCall")
    expected = {"c1": "c1", "a%2Fb": "a/b", "%C3%A4": "ä", "..%2f..": "../.."}[call_id]
    assert (question.call_id, question.project) == (expected, "p1")


async def test_the_ledger_has_days_and_totals_of_both_kinds(site: Site) -> None:
    names = [field.name for field in collector.LedgerDay.DESCRIPTOR.fields if field.name.endswith("_count")]
    counts: dict[str, Any] = {name: number for number, name in enumerate(names)}
    evidence = collector.RECORD_KIND_EVIDENCE
    site.neighbour.answers["GetLedger"] = collector.GetLedgerResponse(
        days=[collector.LedgerDay(date="2026-01-01", kind=evidence, **counts)],
        totals=[collector.LedgerDay(kind=evidence, **counts)],
        lag_s=1.5,
        waiting_evidence_count=3,
    )

    answer = await site.get("/ledger", project="p1", start="2026-01-01T00:00:00Z", end="now")

    assert answer.json() == {
        "days": [{"date": "2026-01-01", "kind": "evidence", **counts}],
        "totals": {"call": dict.fromkeys(names, 0), "evidence": counts},
        "lag_s": 1.5,
        "waiting_evidence_count": 3,
    }
    models.Ledger.model_validate(answer.json())
    (question,) = site.neighbour.questions("GetLedger")
    assert question.project == "p1"
    assert question.HasField("start_time")
    assert question.HasField("end_time")


LIMITS: dict[str, Any] = {"calls_per_s_limit": 100, "calls_burst_limit": 0, "open_streams_limit": 3}
PROJECT = with_times(access.Project(project="p1", time_zone="UTC", series_limit=5, **LIMITS), "create_time")
PROJECT_JSON = {"project": "p1", "time_zone": "UTC", "series_limit": 5, "create_time": TIME, **LIMITS}
KEY = with_times(access.Key(key_id="k9", project="p1", display_name="n", roles=[access.ROLE_RECORD]), "create_time", "revoke_time")
KEY_JSON = {
    "key_id": "k9",
    "project": "p1",
    "display_name": "n",
    "roles": ["RECORD"],
    "create_time": TIME,
    "expire_time": None,
    "revoke_time": TIME,
    **dict.fromkeys(LIMITS, 0),
}
AUDIT = with_times(access.AuditEvent(actor_key_id="k1", action="key.revoke", subject="k9", details={"why": "old"}), "time")
AUDIT_JSON = {"time": TIME, "actor_key_id": "k1", "action": "key.revoke", "subject": "k9", "details": {"why": "old"}}


@pytest.mark.parametrize(
    ("path", "method", "response", "expected", "model"),
    [
        (
            "/projects",
            "ListProjects",
            access.ListProjectsResponse(projects=[PROJECT], next_page_token="t"),
            {"projects": [PROJECT_JSON], "next_page_token": "t"},
            access_models.ProjectsPage,
        ),
        (
            "/keys?project=p1",
            "ListKeys",
            access.ListKeysResponse(keys=[KEY]),
            {"keys": [KEY_JSON], "next_page_token": ""},
            access_models.KeysPage,
        ),
    ],
)
async def test_lists_are_told_page_by_page(
    *, site: Site, path: str, method: str, response: Any, expected: dict[str, Any], model: type[BaseModel]
) -> None:
    site.neighbour.answers[method] = response
    separator = "&" if "?" in path else "?"

    answer = await site.get(f"{path}{separator}page_size=7&page_token=p")

    assert answer.json() == expected
    model.model_validate(expected)
    (question,) = site.neighbour.questions(method)
    assert (question.page_size, question.page_token) == (7, "p")
    if "project=p1" in path:
        assert question.project == "p1"


def audit_event(second: int, token: str) -> access.AuditEvent:
    return access.AuditEvent(time=Timestamp(seconds=second), action=f"at.{second}", page_token=token)


async def test_the_audit_log_puts_those_of_the_services_together_page_by_page(site: Site) -> None:
    of_collector = [audit_event(9, "c9"), audit_event(5, "c5"), audit_event(4, "c4")]
    of_alerter = [audit_event(8, "a8"), audit_event(7, "a7"), audit_event(1, "a1")]
    site.neighbour.answers["ListAuditEvents"] = access.ListAuditEventsResponse(events=of_collector, next_page_token="c4")
    site.neighbour.answers["ListAlerterAuditEvents"] = audit.ListAuditEventsResponse(events=of_alerter)
    first = (await site.get("/audit", project="p1", page_size=3)).json()
    access_models.AuditPage.model_validate(first)
    assert [event["action"] for event in first["events"]] == ["at.9", "at.8", "at.7"]

    site.neighbour.answers["ListAuditEvents"] = access.ListAuditEventsResponse(events=of_collector[1:])
    site.neighbour.answers["ListAlerterAuditEvents"] = audit.ListAuditEventsResponse(events=of_alerter[2:])
    rest = (await site.get("/audit", project="p1", page_size=3, page_token=first["next_page_token"])).json()
    assert ([event["action"] for event in rest["events"]], rest["next_page_token"]) == (["at.5", "at.4", "at.1"], "")
    for method, token in (("ListAuditEvents", "c9"), ("ListAlerterAuditEvents", "a7")):
        assert [(one.project, one.page_size, one.page_token) for one in site.neighbour.questions(method)] == [
            ("p1", 3, ""),
            ("p1", 3, token),
        ]
    other = await site.get("/audit", project="p2", page_token=first["next_page_token"])
    assert (other.status_code, other.json()["reason"]) == (400, "PAGE_TOKEN_INVALID")


async def test_the_audit_log_of_the_installation_and_without_the_alerter_is_the_collectors(site: Site) -> None:
    site.neighbour.answers["ListAuditEvents"] = access.ListAuditEventsResponse(events=[AUDIT])
    site.neighbour.refusals["ListAlerterAuditEvents"] = AssayError(Kind.UNAVAILABLE, "DATABASE_UNAVAILABLE", "the database is away")
    expected = {"events": [AUDIT_JSON], "next_page_token": "", "missing_sources": ["alerter"]}
    assert (await site.get("/audit")).json() == expected
    site.neighbour.keys[READER].ClearField("project")
    assert (await site.get("/audit")).json() == expected | {"missing_sources": []}
    site.neighbour.refusals["ListAlerterAuditEvents"] = AssayError(Kind.PERMISSION_DENIED, "ROLE_MISSING", "needs admin")
    assert (await site.get("/audit", project="p1")).status_code == 403


async def test_a_project_is_made_and_changed(site: Site) -> None:
    site.neighbour.answers["CreateProject"] = access.CreateProjectResponse(project=PROJECT)
    site.neighbour.answers["UpdateProject"] = access.UpdateProjectResponse(project=PROJECT)

    made = await site.send("POST", "/projects", json={"project": "p1", "time_zone": "Asia/Kolkata", **LIMITS})
    changed = await site.send("PATCH", "/projects/p1", json={"series_limit": 9, "open_streams_limit": 0})

    assert (made.status_code, made.json()) == (201, PROJECT_JSON)
    assert (changed.status_code, changed.json()) == (200, PROJECT_JSON)
    access_models.Project.model_validate(PROJECT_JSON)
    assert site.neighbour.questions("CreateProject") == [access.CreateProjectRequest(project="p1", time_zone="Asia/Kolkata", **LIMITS)]
    assert site.neighbour.questions("UpdateProject") == [access.UpdateProjectRequest(project="p1", series_limit=9, open_streams_limit=0)]


async def test_a_key_is_made_shown_once_and_revoked(site: Site) -> None:
    site.neighbour.answers["CreateKey"] = access.CreateKeyResponse(secret="assay_new", key=KEY)
    site.neighbour.keys["assay_new"] = KEY

    body = {"display_name": "n", "roles": ["record", "ROLE_READ"], "lifetime_s": 60, **LIMITS}
    made = await site.send("POST", "/keys?project=p1", json=body)
    forever = await site.send("POST", "/keys", json={"roles": ["ADMIN"]})
    revoked = await site.send("DELETE", "/keys/k9?project=p1")

    assert (made.status_code, made.json()) == (201, {"secret": "assay_new", "key": KEY_JSON})
    access_models.CreatedKey.model_validate(made.json())
    first, second = site.neighbour.questions("CreateKey")
    assert (first.project, first.display_name, list(first.roles)) == ("p1", "n", [1, 2])
    assert {name: getattr(first, name) for name in LIMITS} == LIMITS
    assert first.lifetime.ToSeconds() == 60
    assert forever.status_code == 201
    assert not second.HasField("lifetime")
    assert (revoked.status_code, revoked.json()) == (200, KEY_JSON)
    assert site.neighbour.questions("RevokeKey") == [access.RevokeKeyRequest(project="p1", key_id="k9")]


def fields_of(message: Any) -> set[str]:
    return {field.name for field in message.DESCRIPTOR.fields}


def test_the_described_fields_are_those_of_the_contract() -> None:
    known = {"price_origin", "price_version", "quality_ratio", "receive_time", "batch_id"}
    assert set(models.StoredCall.model_fields) == fields_of(call_pb2.Call) | known
    assert set(models.Usage.model_fields) == fields_of(call_pb2.TokenUsage)
    assert set(models.LedgerDay.model_fields) == fields_of(collector.LedgerDay)
    assert set(models.SeriesKey.model_fields) == fields_of(metrics.SeriesKey)
    assert set(models.CallMessage.model_fields) == fields_of(collector.CallMessage)
    assert set(models.Rejection.model_fields) == fields_of(collector.Rejection)
    assert set(models.Storage.model_fields) == fields_of(storage.GetStorageResponse)
    assert set(models.StoredTable.model_fields) == fields_of(storage.StoredTable)
    assert set(models.StoredStream.model_fields) == fields_of(storage.StoredStream)
    assert set(access_models.Project.model_fields) == fields_of(access.Project)
    assert set(access_models.Key.model_fields) == fields_of(access.Key)
    assert set(access_models.AuditEvent.model_fields) == fields_of(access.AuditEvent) - {"page_token"}


@pytest.mark.parametrize(
    ("described", "enum", "prefix"),
    [
        (models.RejectionReasonName, collector.RejectionReason, "REJECTION_REASON_"),
        (models.PriceOriginName, metrics.PriceOrigin, "PRICE_ORIGIN_"),
        (access_models.RoleName, access.Role, "ROLE_"),
        (models.Outcome, call_pb2.CallOutcome, "CALL_OUTCOME_"),
    ],
)
def test_the_described_names_are_those_of_the_contract(described: Any, enum: Any, prefix: str) -> None:
    names = {name.removeprefix(prefix) for name in enum.keys()}  # noqa: SIM118  an enum is no mapping

    assert set(described.__args__) | {"UNSPECIFIED"} == names
