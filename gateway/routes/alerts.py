"""GET /alerts, /alerts/{alert_id}, POST …/acknowledge and …/resolve: what is wrong, and who looks after it."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Annotated

from assay.alerter.v1 import alert_service_pb2 as contract
from fastapi import Depends, Query, Response

from gateway import alerter_messages as messages
from gateway import alerter_models as models
from gateway.auth import CallerOf
from gateway.parameters import End, PageSize, PageToken, Project, Start, enum_values, timestamp
from gateway.parts import AlerterOf, answer
from gateway.routes.described import answers, api_router
from kit.errors import invalid

router = api_router("alerts")


def list_request(
    *,
    project: Project = "",
    state: Annotated[Sequence[str], Query(description="Any of these states, such as firing; can be repeated.")] = (),
    severity: Annotated[Sequence[str], Query(description="Any of these severities; can be repeated.")] = (),
    rule_id: Annotated[str, Query(description="One rule's alerts.")] = "",
    label: Annotated[Sequence[str], Query(description="A label that they have, as name=value; can be repeated.")] = (),
    start: Start = "",
    end: End = "",
    page_size: PageSize = 0,
    page_token: PageToken = "",
) -> contract.ListAlertsRequest:
    """The question of GET /alerts."""
    now = datetime.now(UTC)
    return contract.ListAlertsRequest(
        project=project,
        states=enum_values("state", contract.AlertState.items(), "ALERT_STATE_", state),
        severities=enum_values("severity", contract.Severity.items(), "SEVERITY_", severity),
        rule_id=rule_id,
        labels=dict(map(_label, label)),
        start_time=timestamp("start", start, now),
        end_time=timestamp("end", end, now),
        page_size=page_size,
        page_token=page_token,
    )


def _label(text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not equals:
        raise invalid("label", "write it as name=value")
    return name, value


@router.get("/alerts", **answers(models.AlertsPage))
async def list_alerts(
    alerter: AlerterOf, caller: CallerOf, question: Annotated[contract.ListAlertsRequest, Depends(list_request)]
) -> Response:
    """Alerts, the latest begun first."""
    response = await alerter.ask(alerter.alerts.ListAlerts, question, caller.secret)
    return answer({"alerts": list(map(messages.alert, response.alerts)), "next_page_token": response.next_page_token})


@router.get("/alerts/{alert_id}", **answers(models.WholeAlert))
async def get_alert(alerter: AlerterOf, caller: CallerOf, alert_id: str, project: Project = "") -> Response:
    """One alert and all that became of it."""
    question = contract.GetAlertRequest(project=project, alert_id=alert_id)
    return answer(messages.whole_alert(await alerter.ask(alerter.alerts.GetAlert, question, caller.secret)))


@router.post("/alerts/{alert_id}/acknowledge", **answers(models.Alert))
async def acknowledge(alerter: AlerterOf, caller: CallerOf, alert_id: str, body: models.AlertChange, project: Project = "") -> Response:
    """Says that somebody looks after it."""
    change = contract.AcknowledgeAlertRequest(project=project, alert_id=alert_id, actor_name=body.actor_name, comment=body.comment)
    response = await alerter.ask(alerter.alerts.AcknowledgeAlert, change, caller.secret)
    return answer(messages.alert(response.alert))


@router.post("/alerts/{alert_id}/resolve", **answers(models.Alert))
async def resolve(alerter: AlerterOf, caller: CallerOf, alert_id: str, body: models.AlertChange, project: Project = "") -> Response:
    """Ends it."""
    change = contract.ResolveAlertRequest(project=project, alert_id=alert_id, actor_name=body.actor_name, comment=body.comment)
    response = await alerter.ask(alerter.alerts.ResolveAlert, change, caller.secret)
    return answer(messages.alert(response.alert))
