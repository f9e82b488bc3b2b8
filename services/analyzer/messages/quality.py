"""Scores and weights as the contract has them, and the requests for them."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from assay.analyzer.v1 import quality_service_pb2 as contract
from assay.collector.v1.metrics_service_pb2 import MetricDimension
from assay.collector.v1.metrics_service_pb2 import SeriesKey as KeyMessage

from kit import paging
from kit.errors import AssayError, Kind, invalid
from services.analyzer.domain.quality.reading import Component, Finding
from services.analyzer.domain.quality.score import Score
from services.analyzer.domain.quality.weights import DEFAULT_WEIGHTS, Weights
from services.analyzer.messages.keys import (
    checked_text,
    filter_from_message,
    key_to_message,
    numbers_of,
    page_token_invalid,
    time_from_message,
    timestamp,
)
from services.analyzer.store.quality_records import QualityQuery, Subject, SubjectState, Summary

if TYPE_CHECKING:  # it loads an optimiser
    from services.analyzer.domain.quality.calibrate import Calibration

PAGE_DEFAULT = 50
PAGE_MAX = 500
FINDINGS_LISTED = 3
GROUPS_MAX = 20_000
ID_BYTES_MAX = 64
TASK_TYPE_BYTES_MAX = 128
# A project that needs more has no kinds of tasks.
TASK_TYPES_MAX = 200
WEIGHT_MAX = 1_000.0
_US = 1_000_000
_EVER_US = 2**62
_STEP_MIN_US = 60 * _US
_STEP_MAX_US = 400 * 86_400 * _US
_WEEK = timedelta(days=7)

_NAMES: dict[int, str] = {number: name.removeprefix("METRIC_DIMENSION_").lower() for name, number in MetricDimension.items()}


def component_number(component: Component) -> contract.QualityComponent.ValueType:
    """The contract's number of a component."""
    return contract.QualityComponent.Value(f"QUALITY_COMPONENT_{component.name}")


def subject_from(request: contract.GetQualityRequest) -> Subject:
    """Which call or task is asked for. Raises FIELD_INVALID."""
    field = request.WhichOneof("subject")
    if field is None:
        raise invalid("subject", "name a call or a task")
    name = checked_text(field, getattr(request, field), ID_BYTES_MAX)
    if not name:
        raise invalid(field, "must not be empty")
    return Subject(field == "task_id", name)


def quality_unknown(subject: Subject) -> AssayError:
    """The refusal of a subject without evidence."""
    kind = "task" if subject.is_task else "call"
    message = f"no evidence of the {kind} {subject.subject_id!r} has been read; what was just recorded takes some seconds"
    return AssayError(Kind.NOT_FOUND, "QUALITY_UNKNOWN", message)


def quality_to_message(project: str, state: SubjectState, findings_max: int | None = None) -> contract.Quality:
    """A score, with all that is kept of its findings or the most costly ones."""
    location, score = state.location, state.score
    message = contract.Quality(
        project=project,
        key=key_to_message(location.key) if location else None,
        start_time=timestamp(location.start_us / _US) if location else None,
        score_time=timestamp(state.score_us / _US),
        evidence_count=state.evidence_count,
        version=state.version,
        weights_version=state.weights_version,
        reader_version=state.reader_version,
    )
    setattr(message, "task_id" if state.subject.is_task else "call_id", state.subject.subject_id)
    if score is not None:
        message.score_ratio, message.low_ratio, message.high_ratio = score.value_ratio, score.low_ratio, score.high_ratio
        message.findings.extend(map(_finding, score.findings[:findings_max]))
        message.finding_count = len(score.findings) + score.omitted_finding_count
    message.components.extend(_components(state, score))
    return message


def summary(group_by: Sequence[str], one: Summary) -> contract.QualitySummary:
    """The average of a group in a window."""
    group = one.group
    parts = zip(Component, group.component_means, group.component_counts, strict=True)
    return contract.QualitySummary(
        key=KeyMessage(**dict(zip(group_by, group.key, strict=True))),
        start_time=timestamp(group.window_us / _US),
        score_count=group.count,
        mean_ratio=group.mean,
        estimate_ratio=one.estimate,
        low_ratio=one.low,
        high_ratio=one.high,
        components=[
            contract.ComponentMean(component=component_number(component), mean_ratio=mean, score_count=count)
            for component, mean, count in parts
            if mean is not None
        ],
    )


def _components(state: SubjectState, score: Score | None) -> list[contract.ComponentScore]:
    parts = {part.component: part for part in score.components} if score else {}
    missing: dict[Component, str] = {one.component: one.reason for one in state.missing}
    found = []
    for component in Component:
        part = parts.get(component)
        if part is None and component not in missing:
            continue
        found.append(
            contract.ComponentScore(
                component=component_number(component),
                score_ratio=part.score_ratio if part else None,
                share_ratio=part.share_ratio if part else 0.0,
                evidence_count=state.evidence_counts.get(component, 0),
                missing_reason=missing.get(component, ""),
            )
        )
    return found


def _finding(finding: Finding) -> contract.QualityFinding:
    return contract.QualityFinding(
        component=component_number(finding.component),
        rule=finding.rule,
        message=finding.message,
        path=finding.path,
        line=finding.line,
        cost_ratio=finding.cost_ratio,
    )


def listed(request: contract.ListQualityRequest, project: str) -> tuple[QualityQuery, bool]:
    """Which scores are asked for, and whether the worst come first. Raises FIELD_INVALID."""
    if request.order not in contract.QualityOrder.values():
        raise invalid("order", "names a value that there is not")
    is_task = request.is_task if request.HasField("is_task") else None
    query = replace(_range_of(request, project, _EVER_US), is_task=is_task)
    return query, request.order != contract.QUALITY_ORDER_LATEST_FIRST


def summarized(request: contract.SummarizeQualityRequest, project: str) -> tuple[QualityQuery, list[str], int]:
    """Which scores are summed up, by which dimensions, in windows of how many microseconds, 0 for one. Raises FIELD_INVALID."""
    query = _range_of(request, project, _us(datetime.now(UTC)))
    if query.end_us <= query.start_us:
        raise invalid("end_time", "must be after start_time")
    step_us = 0
    if request.HasField("step"):
        step_us = request.step.seconds * _US
        if not _STEP_MIN_US <= step_us <= _STEP_MAX_US or request.step.nanos:
            raise invalid("step", "whole seconds, from a minute to 400 days")
        query = replace(query, start_us=query.start_us - query.start_us % step_us)
    numbers = numbers_of("group_by", request.group_by, MetricDimension.values())
    return query, [_NAMES[number] for number in numbers], step_us


def range_too_large() -> AssayError:
    """The refusal of a summary that nobody reads."""
    message = f"more than {GROUPS_MAX:,} groups and windows: take a larger step, a shorter range, or group by less"
    return AssayError(Kind.INVALID_ARGUMENT, "RANGE_TOO_LARGE", message)


def _range_of(request: Any, project: str, end_default_us: int) -> QualityQuery:
    start = time_from_message(request, "start_time") or datetime.now(UTC) - _WEEK
    end = time_from_message(request, "end_time")
    return QualityQuery(
        project=project,
        start_us=_us(start),
        end_us=_us(end) if end else end_default_us,
        filters=filter_from_message(request.filter),
    )


def rescored(request: contract.RescoreQualityRequest, project: str) -> tuple[QualityQuery, bool]:
    """The starts whose scores are to be made anew, and whether those without one are, too. Raises FIELD_INVALID."""
    start, end = time_from_message(request, "start_time"), time_from_message(request, "end_time")
    return QualityQuery(project, _us(start) if start else 0, _us(end) if end else _EVER_US), end is None


def page_token(last: SubjectState, query: QualityQuery, *, worst_first: bool) -> str:
    """The token of the page behind this score."""
    value: float = last.score.value_ratio if worst_first and last.score else -last.location.start_us if last.location else 0
    return paging.encode_token(_fingerprint(query, worst_first=worst_first), [value, last.subject.is_task, last.subject.subject_id])


def page_position(token: str, query: QualityQuery, *, worst_first: bool) -> tuple[Any, ...] | None:
    """Behind which score the page begins, None for the first one. Raises PAGE_TOKEN_INVALID."""
    if not token:
        return None
    match paging.decode_token(token, _fingerprint(query, worst_first=worst_first)):
        case [int() | float() as value, bool(is_task), str(subject_id)] if abs(value) < _EVER_US and _is_storable(subject_id):
            return (float(value) if worst_first else int(value)), is_task, subject_id
    raise page_token_invalid()


def _is_storable(text: str) -> bool:
    """Whether PostgreSQL takes it: no U+0000, and no half of a surrogate, which JSON may hold."""
    return "\0" not in text and text == text.encode(errors="replace").decode()


def _fingerprint(query: QualityQuery, *, worst_first: bool) -> str:
    # A range that begins a week ago begins later with each page.
    return f"quality {query.project} {query.end_us} {query.filters} {query.is_task} {worst_first}"


def weights_to_message(weights: Weights, *, keep_content: bool) -> contract.QualityWeights:
    """The weights of a project."""
    by_task_type = {"": weights.default, **weights.by_task_type}
    return contract.QualityWeights(
        version=weights.version,
        task_types=[task_type_to_message(name, some) for name, some in sorted(by_task_type.items())],
        keep_content=keep_content,
    )


def task_type_to_message(task_type: str, weights: Any) -> contract.TaskTypeWeights:
    """The weights of a kind of task, in the order of the components."""
    parts = [contract.ComponentWeight(component=component_number(each), weight=weights[each]) for each in Component]
    return contract.TaskTypeWeights(task_type=task_type, weights=parts)


def calibration_to_message(task_type: str, found: "Calibration", present: Weights) -> contract.CalibrateQualityResponse:
    """What weights feedback speaks for."""
    return contract.CalibrateQualityResponse(
        fitted=task_type_to_message(task_type, found.weights),
        present=task_type_to_message(task_type, present.of(task_type)),
        sample_count=found.example_count,
        fitted_error_ratio=found.cross_validated_error,
        present_error_ratio=found.present_error,
    )


def weights_from_message(message: contract.QualityWeights) -> Weights:
    """The weights as they shall be. Raises FIELD_INVALID."""
    if len(message.task_types) > TASK_TYPES_MAX:
        raise invalid("weights.task_types", f"at most {TASK_TYPES_MAX}")
    by_task_type: dict[str, dict[Component, float]] = {}
    for one in message.task_types:
        name = checked_text("weights.task_types.task_type", one.task_type, TASK_TYPE_BYTES_MAX)
        if name in by_task_type:
            raise invalid("weights.task_types", f"{name!r} is there twice")
        by_task_type[name] = _weights(one.weights)
    default = by_task_type.pop("", dict(DEFAULT_WEIGHTS.default))
    return Weights(message.version, default, by_task_type)


def _weights(parts: Sequence[contract.ComponentWeight]) -> dict[Component, float]:
    by_number = {component_number(component): component for component in Component}
    weights: dict[Component, float] = {}
    for part in parts:
        component = by_number.get(part.component)
        if component is None or component in weights:
            raise invalid("weights.task_types.weights.component", "name each component at most once")
        if not 0 < part.weight <= WEIGHT_MAX:  # false for NaN
            raise invalid("weights.task_types.weights.weight", f"must be more than 0, and at most {WEIGHT_MAX:g}")
        weights[component] = part.weight
    return {**DEFAULT_WEIGHTS.default, **weights}


def _us(time: datetime) -> int:
    return round(time.timestamp() * _US)
