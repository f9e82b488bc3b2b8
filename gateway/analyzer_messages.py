"""The analyzer's answers as JSON objects: snake_case names, null for what is unset or not a number, short names of enum values."""

from collections.abc import Iterable
from datetime import UTC, datetime
from math import isfinite
from typing import Any

from assay.analyzer.v1 import anomaly_service_pb2 as anomalies
from assay.analyzer.v1 import baseline_service_pb2 as baselines
from assay.analyzer.v1.metric_pb2 import Metric
from assay.analyzer.v1.quality_service_pb2 import WatchQualityResponse
from assay.collector.v1.metrics_service_pb2 import SeriesKey
from assay.telemetry.v1.call_pb2 import CallOutcome

from gateway.messages import Json, moment

_NUMBERS = ("observed", "expected", "expected_low", "expected_high", "log10_e")
_TIMES = ("start_time", "detect_time", "peak_time", "end_time")
_PLAIN = ("anomaly_id", "project", "part_count", "call_count", "affected_count", "explanation", "is_open", "version")


def anomaly(one: anomalies.Anomaly) -> Json:
    """An anomaly."""
    return {
        **{name: getattr(one, name) for name in _PLAIN},
        "kind": _name(anomalies.AnomalyKind, one.kind, "ANOMALY_KIND_"),
        "metric": metric_name(one.metric),
        "direction": _name(anomalies.Direction, one.direction, "DIRECTION_"),
        "severity": _name(anomalies.Severity, one.severity, "SEVERITY_"),
        "scope": _key(one.scope),
        **{name: moment(one, name) for name in _TIMES},
        **{name: _number(getattr(one, name)) for name in _NUMBERS},
        "p_value": _number(one.p_value) if one.HasField("p_value") else None,
        "outcome_counts": {_outcome(each.outcome): each.call_count for each in one.outcome_counts},
        "main_outcome": _outcome(one.main_outcome) if one.main_outcome else None,
        "mark_counts": {"expected": one.expected_mark_count, "useful": one.useful_mark_count, "noise": one.noise_mark_count},
        "merged_into": one.merged_into or None,
    }


def anomaly_list(found: Iterable[anomalies.Anomaly]) -> list[Json]:
    """Anomalies, in their order."""
    return list(map(anomaly, found))


def whole_anomaly(response: anomalies.GetAnomalyResponse) -> Json:
    """The answer of GET /anomalies/{anomaly_id}."""
    return {
        "anomaly": anomaly(response.anomaly),
        "parts": [
            {
                "key": _key(part.key),
                "metric": metric_name(part.metric),
                "observed": _number(part.observed),
                "expected": _number(part.expected),
                "call_count": part.call_count,
                "affected_count": part.affected_count,
            }
            for part in response.parts
        ],
        "marks": [
            {
                "mark": _name(anomalies.AnomalyMark, mark.mark, "ANOMALY_MARK_"),
                "key_id": mark.key_id,
                "mark_time": moment(mark, "mark_time"),
                "comment": mark.comment,
            }
            for mark in response.marks
        ],
        "call_ids": list(response.call_ids),
        "are_calls_known": response.are_calls_known,
    }


def bands(response: baselines.QueryBaselinesResponse) -> Json:
    """The answer of GET /baselines."""
    return {"bands": [{"key": _key(band.key), "points": _points(band)} for band in response.bands]}


def shift(one: baselines.AcceptedShift) -> Json:
    """A level that became normal."""
    return {
        "key": _key(one.key),
        "metric": metric_name(one.metric),
        "key_id": one.key_id or None,
        "accept_time": moment(one, "accept_time"),
        "from_centre": _number(one.from_centre) if one.HasField("from_centre") else None,
        "to_centre": _number(one.to_centre) if one.HasField("to_centre") else None,
    }


def metric_name(metric: Metric.ValueType) -> str:
    """LATENCY for METRIC_LATENCY."""
    return _name(Metric, metric, "METRIC_")


def _points(band: baselines.BaselineBand) -> list[Json]:
    columns = zip(band.start_unix_s, band.centre, band.low, band.high, strict=True)
    return [
        {"start": _instant(start_s), "centre": _number(centre), "low": _number(low), "high": _number(high)}
        for start_s, centre, low, high in columns
    ]


def _instant(unix_s: int) -> str:
    return datetime.fromtimestamp(unix_s, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _number(value: float) -> float | None:
    return value if isfinite(value) else None


def _key(key: SeriesKey) -> dict[str, str]:
    return {field.name: value for field, value in key.ListFields()}


def _outcome(outcome: CallOutcome.ValueType) -> str:
    return CallOutcome.Name(outcome).removeprefix("CALL_OUTCOME_")


def _name(enum: Any, number: int, prefix: str) -> str:  # enum: protobuf's wrapper, which the stubs have no common type for
    """The name of a value without its prefix."""
    return str(enum.Name(number)).removeprefix(prefix)


def scores_told(response: WatchQualityResponse) -> Json:
    """What the event `scores` says of a response."""
    return {"score_count": response.score_count, "score_time": moment(response, "score_time")}
