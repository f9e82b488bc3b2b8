"""Alerts and what became of them, as the contract has them."""

from collections.abc import Iterable
from datetime import datetime

from assay.alerter.v1 import alert_service_pb2 as contract
from google.protobuf.timestamp_pb2 import Timestamp

from kit.errors import invalid
from services.alerter.domain.alert import Alert, AlertState, Severity
from services.alerter.domain.life_cycle import Transition


def alert_to_message(alert: Alert) -> contract.Alert:
    """The alert."""
    message = contract.Alert(
        alert_id=alert.alert_id,
        project=alert.project,
        rule_id=alert.rule_id,
        rule_name=alert.rule_name,
        labels=dict(alert.labels),
        state=contract.AlertState.ValueType(alert.state.value),
        severity=contract.Severity.ValueType(alert.severity.value),
        start_time=timestamp(alert.start_time),
        fire_time=timestamp(alert.fire_time),
        acknowledge_time=timestamp(alert.acknowledge_time),
        resolve_time=timestamp(alert.resolve_time),
        acknowledged_by=alert.acknowledged_by,
        summary=alert.summary,
        unit=alert.unit,
        description=alert.description,
        anomaly_id=alert.anomaly_id,
        version=alert.version,
    )
    if alert.observed is not None:
        message.observed = alert.observed
    if alert.threshold is not None:
        message.threshold = alert.threshold
    return message


def forgotten_to_message(alert: Alert, version: int) -> contract.Alert:
    """A pending alert whose condition ceased, as those are told who watch."""
    message = alert_to_message(alert)
    message.state = contract.ALERT_STATE_INACTIVE
    message.version = version
    return message


def transition_to_message(transition: Transition) -> contract.AlertTransition:
    """One change of an alert."""
    message = contract.AlertTransition(
        time=timestamp(transition.time),
        from_state=_state(transition.from_state, contract.ALERT_STATE_UNSPECIFIED),
        to_state=_state(transition.to_state, contract.ALERT_STATE_INACTIVE),
        cause=transition.cause,
        actor=transition.actor,
        version=transition.version,
    )
    if transition.observed is not None:
        message.observed = transition.observed
    return message


def states_from_message(values: Iterable[int]) -> list[AlertState]:
    """States that are asked for. Raises FIELD_INVALID for one that no kept alert has."""
    try:
        return [AlertState(value) for value in values]
    except ValueError:
        raise invalid("states", "names a state that no alert is in") from None


def severities_from_message(values: Iterable[int]) -> list[Severity]:
    """Severities that are asked for. Raises FIELD_INVALID for one that there is not."""
    try:
        return [Severity(value) for value in values]
    except ValueError:
        raise invalid("severities", "names a severity that there is not") from None


def timestamp(moment: datetime | None) -> Timestamp | None:
    """A time, or none."""
    if moment is None:
        return None
    message = Timestamp()
    message.FromDatetime(moment)
    return message


def _state(state: AlertState | None, none: contract.AlertState.ValueType) -> contract.AlertState.ValueType:
    return none if state is None else contract.AlertState.ValueType(state.value)
