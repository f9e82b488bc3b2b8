"""Anomalies as the contract has them, and the requests for them."""

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta

from assay.analyzer.v1 import anomaly_service_pb2 as contract
from assay.analyzer.v1.metric_pb2 import Metric as MetricNumber
from assay.collector.v1.metrics_service_pb2 import ListCallsRequest, SeriesFilter, StoredCall
from assay.telemetry.v1.call_pb2 import CallOutcome

from kit import paging
from kit.errors import AssayError, Kind, invalid
from services.analyzer.domain.anomaly import Anomaly, Part
from services.analyzer.domain.metric import AnomalyKind, Direction, Metric, Outcome
from services.analyzer.messages.keys import (
    checked_text,
    filter_from_message,
    key_to_message,
    numbers_of,
    page_token_invalid,
    time_from_message,
    timestamp,
)
from services.analyzer.store.anomalies import Wanted
from services.analyzer.store.records import StoredAnomaly, StoredMark, WholeAnomaly

PAGE_DEFAULT = 50
PAGE_MAX = 1_000
COMMENT_BYTES_MAX = 1_000
CALLS_MAX = 50
# Calls that are looked through for those that show an anomaly.
CALLS_LOOKED_AT = 500
_ID_LENGTH = 32
_NANOS = 1e9
_PLAIN = ("part_count", "observed", "expected", "expected_low", "expected_high", "log10_e", "call_count", "affected_count")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
# The end of the last four-digit year.
_US_MAX = 253_402_300_799 * 1_000_000


def outcome_number(outcome: Outcome) -> CallOutcome.ValueType:
    """The contract's number of an outcome."""
    return CallOutcome.Value(f"CALL_OUTCOME_{outcome.name}")


def anomaly_to_message(project: str, stored: StoredAnomaly) -> contract.Anomaly:
    """An anomaly as the contract has it."""
    anomaly = stored.anomaly
    expected, useful, noise = stored.mark_counts
    return contract.Anomaly(
        anomaly_id=anomaly.anomaly_id,
        project=project,
        kind=contract.AnomalyKind.ValueType(anomaly.kind.value),
        metric=MetricNumber.ValueType(anomaly.metric.value),
        direction=contract.Direction.ValueType(anomaly.direction.value),
        severity=contract.Severity.ValueType(anomaly.severity.value),
        scope=key_to_message(anomaly.scope),
        start_time=timestamp(anomaly.start_s),
        detect_time=timestamp(anomaly.detect_s),
        peak_time=timestamp(anomaly.peak_s),
        end_time=timestamp(anomaly.end_s),
        **{name: getattr(anomaly, name) for name in _PLAIN},
        p_value=anomaly.p_value,
        outcome_counts=[
            contract.OutcomeCount(outcome=outcome_number(outcome), call_count=count)
            for outcome, count in anomaly.outcome_counts.items()
            if count
        ],
        main_outcome=CallOutcome.ValueType(0) if anomaly.main_outcome is None else outcome_number(anomaly.main_outcome),
        explanation=anomaly.explanation,
        merged_into=anomaly.merged_into,
        is_open=anomaly.is_open,
        version=anomaly.version,
        expected_mark_count=expected,
        useful_mark_count=useful,
        noise_mark_count=noise,
    )


def whole_to_message(project: str, whole: WholeAnomaly, call_ids: list[str] | None) -> contract.GetAnomalyResponse:
    """An anomaly and what belongs to it; `call_ids` None where the collector could not be asked."""
    return contract.GetAnomalyResponse(
        anomaly=anomaly_to_message(project, whole.stored),
        parts=map(_part, whole.parts),
        marks=map(_mark, whole.marks),
        call_ids=call_ids or [],
        are_calls_known=call_ids is not None,
    )


def _part(part: Part) -> contract.AnomalyPart:
    return contract.AnomalyPart(
        key=key_to_message(part.key),
        metric=MetricNumber.ValueType(part.metric.value),
        observed=part.observed,
        expected=part.expected,
        call_count=part.call_count,
        affected_count=part.affected_count,
    )


def _mark(mark: StoredMark) -> contract.Mark:
    return contract.Mark(
        mark=contract.AnomalyMark.ValueType(mark.mark), key_id=mark.key_id, mark_time=timestamp(mark.mark_time), comment=mark.comment
    )


def wanted(request: contract.ListAnomaliesRequest, project: str) -> Wanted:
    """Which anomalies are asked for. Raises FIELD_INVALID."""
    if request.severity_min not in contract.Severity.values():
        raise invalid("severity_min", "names a value that there is not")
    return Wanted(
        project=project,
        start_time=time_from_message(request, "start_time"),
        end_time=time_from_message(request, "end_time"),
        is_open=request.is_open if request.HasField("is_open") else None,
        kinds=numbers_of("kinds", request.kinds, contract.AnomalyKind.values()),
        metrics=numbers_of("metrics", request.metrics, MetricNumber.values()),
        severity_min=request.severity_min,
        series=filter_from_message(request.filter),
    )


def page_token(last: StoredAnomaly, query: Wanted) -> str:
    """The token of the page behind this anomaly."""
    return paging.encode_token(f"anomalies {query}", [round(last.anomaly.start_s * 1e6), last.anomaly.anomaly_id])


def page_position(token: str, query: Wanted) -> tuple[datetime, str] | None:
    """Behind which anomaly the page begins, None for the first one. Raises PAGE_TOKEN_INVALID."""
    if not token:
        return None
    match paging.decode_token(token, f"anomalies {query}"):
        case [int(start_us), str(anomaly_id)] if 0 <= start_us < _US_MAX and len(anomaly_id) <= _ID_LENGTH:
            return _EPOCH + timedelta(microseconds=start_us), anomaly_id
    raise page_token_invalid()


def anomaly_id_from(text: str) -> str:
    """An id as given. Raises FIELD_INVALID."""
    if len(text) != _ID_LENGTH or not set(text) <= set("0123456789abcdef"):
        raise invalid("anomaly_id", "has 32 hexadecimal digits")
    return text


def mark_from(request: contract.MarkAnomalyRequest) -> tuple[int, str]:
    """A mark and its comment. Raises FIELD_INVALID."""
    (mark,) = numbers_of("mark", [request.mark], contract.AnomalyMark.values())
    return mark, checked_text("comment", request.comment, COMMENT_BYTES_MAX)


def anomaly_unknown(anomaly_id: str) -> AssayError:
    """The refusal of an id that the project has not."""
    return AssayError(Kind.NOT_FOUND, "ANOMALY_UNKNOWN", f"the project has no anomaly {anomaly_id}")


def calls_request(project: str, anomaly: Anomaly) -> ListCallsRequest | None:
    """The question for calls that may show it; None where there are none to show, as of a silence."""
    if anomaly.kind is AnomalyKind.SILENCE or anomaly.metric is Metric.CALL_VOLUME:
        return None
    chosen = {f"{name}s": [value] for name, value in anomaly.scope._asdict().items() if value is not None}
    outcomes = [outcome_number(outcome) for outcome in Outcome if outcome not in {Outcome.SUCCEEDED, Outcome.CANCELLED}]
    return ListCallsRequest(
        project=project,
        start_time=timestamp(anomaly.start_s),
        end_time=timestamp(anomaly.end_s),
        filter=SeriesFilter(**chosen),
        outcomes=outcomes if anomaly.metric is Metric.SUCCESS_RATIO else [outcome_number(Outcome.SUCCEEDED)],
        page_size=CALLS_MAX if anomaly.metric is Metric.SUCCESS_RATIO else CALLS_LOOKED_AT,
    )


def showing(calls: Iterable[StoredCall], anomaly: Anomaly) -> list[str]:
    """The ids of those calls that show it, in their order, at most CALLS_MAX."""
    return [stored.call.call_id for stored in calls if _shows(stored, anomaly)][:CALLS_MAX]


def _shows(stored: StoredCall, anomaly: Anomaly) -> bool:
    if anomaly.metric is Metric.SUCCESS_RATIO:
        return True  # others were not asked for
    value = _value_of(stored, anomaly.metric)
    if anomaly.kind is AnomalyKind.FIELD_MISSING:
        return value is None
    if value is None:
        return False
    return value > anomaly.expected_high if anomaly.direction is Direction.UP else value < anomaly.expected_low


def _value_of(stored: StoredCall, metric: Metric) -> float | None:
    """What a call says of a metric, in the metric's unit; None where it says nothing."""
    call = stored.call
    values: dict[Metric, tuple[bool, float]] = {
        Metric.LATENCY: (True, call.latency.ToNanoseconds() / _NANOS),
        Metric.LATENCY_P95: (True, call.latency.ToNanoseconds() / _NANOS),
        Metric.TIME_TO_FIRST_TOKEN: (call.HasField("time_to_first_token"), call.time_to_first_token.ToNanoseconds() / _NANOS),
        Metric.COST_PER_CALL: (call.HasField("cost_usd_nanos"), call.cost_usd_nanos / _NANOS),
        Metric.OUTPUT_TOKENS: (call.HasField("usage"), call.usage.output_token_count),
        Metric.REVISIONS: (call.HasField("revision_count"), call.revision_count),
        Metric.QUALITY: (stored.HasField("quality_ratio"), stored.quality_ratio),
    }
    is_told, value = values.get(metric, (False, 0.0))
    return value if is_told else None
