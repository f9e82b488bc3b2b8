"""Alerts: listed, shown, acknowledged and resolved."""

import getpass
from collections.abc import Sequence

from assay.alerter.v1 import alert_service_pb2 as contract
from assay.alerter.v1.alert_service_pb2_grpc import AlertServiceStub

from cli.work.connection import ASK_TIMEOUT_S, Target, ask
from cli.work.output import as_json, print_json, print_table

PAGE_SIZE = 1_000  # the contract's largest


def show_alerts(target: Target, project: str, states: Sequence[str], *, json: bool) -> None:
    """Prints a page of alerts, the latest begun first."""
    numbers = [contract.AlertState.Value(f"ALERT_STATE_{state.upper()}") for state in states]
    request = contract.ListAlertsRequest(project=project, states=numbers, page_size=PAGE_SIZE)
    alerts = ask(target, lambda channel: AlertServiceStub(channel).ListAlerts(request, timeout=ASK_TIMEOUT_S)).alerts
    found = [as_json(alert) for alert in alerts]
    if json:
        print_json({"alerts": found})
        return
    rows = [(one["start_time"], one["state"].lower(), one["severity"].lower(), one["summary"], one["alert_id"]) for one in found]
    print_table(("since", "state", "severity", "what", "id"), rows, empty="There are no such alerts.")


def show_alert(target: Target, project: str, alert_id: str, *, json: bool) -> None:
    """Prints an alert and what became of it."""
    request = contract.GetAlertRequest(project=project, alert_id=alert_id)
    found = as_json(ask(target, lambda channel: AlertServiceStub(channel).GetAlert(request, timeout=ASK_TIMEOUT_S)))
    if json:
        print_json(found)
        return
    alert = found["alert"]
    print(f"{alert['severity'].lower()}, {alert['state'].lower()}: {alert['summary']}")
    if alert["description"]:
        print(alert["description"])
    rows = [(each["time"], each["to_state"].lower(), each["cause"], each["actor"] or "-") for each in found["transitions"]]
    print_table(("when", "became", "why", "who"), rows, empty="")


def acknowledge(target: Target, project: str, alert_id: str, comment: str, *, json: bool) -> None:
    """Says that the user of this machine looks after it."""
    request = contract.AcknowledgeAlertRequest(project=project, alert_id=alert_id, actor_name=user_name(), comment=comment)
    _changed(ask(target, lambda channel: AlertServiceStub(channel).AcknowledgeAlert(request, timeout=ASK_TIMEOUT_S)).alert, json=json)


def resolve(target: Target, project: str, alert_id: str, comment: str, *, json: bool) -> None:
    """Ends it."""
    request = contract.ResolveAlertRequest(project=project, alert_id=alert_id, actor_name=user_name(), comment=comment)
    _changed(ask(target, lambda channel: AlertServiceStub(channel).ResolveAlert(request, timeout=ASK_TIMEOUT_S)).alert, json=json)


def _changed(alert: contract.Alert, *, json: bool) -> None:
    shown = as_json(alert)
    if json:
        print_json(shown)
    else:
        print(f"{shown['alert_id']} is {shown['state'].lower()}.")


def user_name() -> str:
    """What this machine calls its user; may be empty."""
    try:
        return getpass.getuser()
    except (OSError, KeyError):  # a container's user may have no name
        return ""
