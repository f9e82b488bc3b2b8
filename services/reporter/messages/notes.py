"""What the analyzer, the alerter and the ledger tell of a period, and what earlier reports recommended, as the report's records."""

from collections.abc import Iterable
from datetime import UTC, date, datetime
from typing import Any

from assay.alerter.v1 import alert_service_pb2 as alerts
from assay.alerter.v1 import rule_service_pb2 as rules
from assay.analyzer.v1 import anomaly_service_pb2 as anomalies
from assay.analyzer.v1 import metric_pb2
from assay.collector.v1 import collector_service_pb2 as collector
from google.protobuf.timestamp_pb2 import Timestamp
from pydantic import TypeAdapter, ValidationError

from services.reporter.domain.period import Period
from services.reporter.domain.period_data import AlertNote, AnomalyNote, EarlierRecommendation, LedgerDay, State
from services.reporter.domain.report import Recommendation
from services.reporter.store.recommendations import ACCEPTED, DONE, OPEN, REJECTED, StoredRecommendation

_STATES = {OPEN: State.OPEN, ACCEPTED: State.ACCEPTED, REJECTED: State.REJECTED, DONE: State.DONE}
_RECOMMENDATION = TypeAdapter(Recommendation)


def anomaly_notes(found: Iterable[anomalies.Anomaly]) -> tuple[AnomalyNote, ...]:
    """Anomalies by their start. Those that went on as parts of others, and those that somebody called noise, are left out."""
    notes = [
        _anomaly(one) for one in found if not one.merged_into and one.noise_mark_count <= one.useful_mark_count + one.expected_mark_count
    ]
    return tuple(sorted(notes, key=lambda note: (note.start, note.anomaly_id)))


def alert_notes(found: Iterable[alerts.Alert], period: Period, always_open: frozenset[str]) -> tuple[AlertNote, ...]:
    """Alerts that fired before the period's end and were not over at its start; those of the rules in `always_open` are left out."""
    notes = [
        AlertNote(
            alert_id=one.alert_id,
            rule_name=one.rule_name,
            severity=alerts.Severity.Name(one.severity).removeprefix("SEVERITY_"),
            start=_time(one.start_time),
            end=_end(one, "resolve_time"),
            summary=one.summary,
            anomaly_id=one.anomaly_id,
        )
        for one in found
        if one.HasField("fire_time") and _time(one.fire_time) < period.end and one.rule_id not in always_open
    ]
    return tuple(sorted(notes, key=lambda note: (note.start, note.alert_id)))


def heartbeats(found: Iterable[rules.Rule]) -> frozenset[str]:
    """Ids of the rules whose alerts are always open."""
    return frozenset(rule.rule_id for rule in found if rule.WhichOneof("condition") == "heartbeat")


def budget_usd(found: Iterable[rules.Rule]) -> float | None:
    """What a month may cost: the least bound of the rules about the whole project's forecast; None where there is none."""
    limits = [
        rule.spend_forecast.limit_usd
        for rule in found
        if rule.WhichOneof("condition") == "spend_forecast" and not rule.is_paused and not rule.filter.ListFields() and not rule.group_by
    ]
    return min(limits, default=None)


def ledger_days(days: Iterable[collector.LedgerDay]) -> tuple[LedgerDay, ...]:
    """The ledger of calls by day."""
    return tuple(
        LedgerDay(
            day=date.fromisoformat(line.date),
            received_count=line.received_count,
            stored_count=line.stored_count,
            rejected_count=line.rejected_count,
            duplicate_count=line.duplicate_count,
            dead_lettered_count=line.dead_lettered_count,
            in_flight_count=line.in_flight_count,
            client_dropped_count=line.client_dropped_count,
        )
        for line in days
        if line.kind == collector.RECORD_KIND_CALL
    )


def recommendation_content(recommendation: Recommendation) -> bytes:
    """A recommendation as JSON, the same bytes for the same one."""
    return _RECOMMENDATION.dump_json(recommendation)


def earlier_recommendation(found: StoredRecommendation) -> EarlierRecommendation | None:
    """What was recommended, and what became of it; None for what another version of Assay wrote and this one cannot read."""
    try:
        made = _RECOMMENDATION.validate_json(found.content)
    except ValidationError:
        return None
    return EarlierRecommendation(
        recommendation_id=found.recommendation_id,
        title=found.title,
        state=_STATES[found.state],
        issued_at=found.issue_time,
        done_at=found.state_time if found.state == DONE else None,
        task_type=made.task_type,
        provider=made.provider,
        model=made.model,
        metric=made.basis.value,
        before=made.before,
        predicted=made.predicted,
        predicted_low=made.predicted_low,
        predicted_high=made.predicted_high,
    )


def _anomaly(one: anomalies.Anomaly) -> AnomalyNote:
    return AnomalyNote(
        anomaly_id=one.anomaly_id,
        metric=metric_pb2.Metric.Name(one.metric).removeprefix("METRIC_"),
        is_up=one.direction == anomalies.DIRECTION_UP,
        severity=anomalies.Severity.Name(one.severity).removeprefix("SEVERITY_"),
        provider=_part(one, "provider"),
        model=_part(one, "model"),
        task_type=_part(one, "task_type"),
        start=_time(one.start_time),
        end=_end(one, "end_time"),
        observed=one.observed,
        expected=one.expected,
        call_count=one.call_count,
        affected_count=one.affected_count,
        explanation=one.explanation,
    )


def _part(one: anomalies.Anomaly, name: str) -> str | None:
    return str(getattr(one.scope, name)) if one.scope.HasField(name) else None  # type: ignore[arg-type]  # a name of the contract


def _time(message: Timestamp) -> datetime:
    return message.ToDatetime(UTC)


def _end(message: Any, field: str) -> datetime | None:
    return _time(getattr(message, field)) if message.HasField(field) else None
