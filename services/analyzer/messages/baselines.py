"""Baselines as the contract has them, and the requests for them."""

from dataclasses import dataclass
from datetime import UTC, datetime

import numpy as np
from assay.analyzer.v1 import baseline_service_pb2 as contract
from assay.analyzer.v1.metric_pb2 import Metric as MetricNumber
from assay.collector.v1.metrics_service_pb2 import MetricDimension

from kit import paging
from kit.errors import AssayError, Kind, invalid
from services.analyzer.domain import curve
from services.analyzer.domain.arrays import Floats
from services.analyzer.domain.metric import Metric
from services.analyzer.domain.series import Scope, SeriesKey
from services.analyzer.messages.keys import (
    Filter,
    filter_from_message,
    key_to_message,
    metric_from_message,
    page_token_invalid,
    time_from_message,
    timestamp,
)
from services.analyzer.store.records import BaselineVersion, Shift

PAGE_DEFAULT = 100
SHIFTS_PAGE_DEFAULT = 50
PAGE_MAX = 1_000
# Instants of a band: more than a screen has columns.
INSTANTS_MAX = 5_000
STEP_S_MIN = 60
_PREFIX = "METRIC_DIMENSION_"
_DIMENSIONS = {number: name.removeprefix(_PREFIX).lower() for name, number in MetricDimension.items() if number}
_SHIFT_ID_MAX = 2**63 - 1


@dataclass(frozen=True, slots=True)
class BandQuestion:
    """What was normal at these instants, seconds since 1970, for each combination of the dimensions."""

    metric: Metric
    time_s: Floats
    group_by: tuple[str, ...]
    chosen: Filter


def baseline_to_message(key: SeriesKey, version: BaselineVersion, time: datetime) -> contract.Baseline:
    """What a version says of a moment."""
    centre, low, high = curve.at(curve.unpack(version.body), np.array([time.timestamp()]))[:, 0].tolist()
    return contract.Baseline(
        key=key_to_message(key),
        metric=MetricNumber.ValueType(version.metric.value),
        time=timestamp(time),
        centre=centre,
        spread=version.spread,
        low=low,
        high=high,
        season=contract.Season.ValueType(version.season + 1),  # the domain counts from 0
        call_count=version.call_count,
        confidence_ratio=version.confidence_ratio,
        borrowed_ratio=version.borrowed_ratio,
        parent=contract.BaselineParent.ValueType(version.parent),
        version_time=timestamp(version.note_time),
    )


def band_to_message(group_by: tuple[str, ...], values: tuple[str, ...], time_s: Floats, band: Floats) -> contract.BaselineBand:
    """A band; `band` has the shape (3, instants)."""
    scope = Scope(**dict(zip(group_by, values, strict=True)))
    centre, low, high = band.tolist()
    return contract.BaselineBand(
        key=key_to_message(scope), start_unix_s=time_s.astype(np.int64).tolist(), centre=centre, low=low, high=high
    )


def shift_to_message(shift: Shift) -> contract.AcceptedShift:
    """A level that became normal."""
    return contract.AcceptedShift(
        key=key_to_message(shift.key),
        metric=MetricNumber.ValueType(shift.metric.value),
        key_id=shift.key_id,
        accept_time=timestamp(shift.accept_time),
        from_centre=shift.from_centre,
        to_centre=shift.to_centre,
    )


def band_question(request: contract.QueryBaselinesRequest) -> BandQuestion:
    """What is asked. Raises FIELD_INVALID or RANGE_TOO_LARGE."""
    start = time_from_message(request, "start_time")
    if start is None:
        raise invalid("start_time", "is missing")
    end = time_from_message(request, "end_time") or datetime.now(UTC)
    step_s = request.step.seconds
    if request.step.nanos or step_s < STEP_S_MIN:
        raise invalid("step", f"must be whole seconds, at least {STEP_S_MIN}")
    if end <= start:
        raise invalid("end_time", "must be after start_time")
    first_s = int(start.timestamp()) // step_s * step_s
    if (end.timestamp() - first_s) / step_s > INSTANTS_MAX:
        raise range_too_large()
    unknown = [value for value in request.group_by if value not in _DIMENSIONS]
    if unknown:
        raise invalid("group_by", "names a dimension that there is not")
    return BandQuestion(
        metric=metric_from_message(request.metric),
        time_s=np.arange(first_s, end.timestamp(), step_s, dtype=np.float64),
        group_by=tuple(dict.fromkeys(_DIMENSIONS[value] for value in request.group_by)),
        chosen=filter_from_message(request.filter),
    )


def range_too_large() -> AssayError:
    """The refusal of an answer that would be too long."""
    message = "the answer would be too long: take a larger step, a shorter range or fewer series"
    return AssayError(Kind.INVALID_ARGUMENT, "RANGE_TOO_LARGE", message, details={"field": "step"})


def page_token(key: SeriesKey, metric: Metric, query: str) -> str:
    """The token of the page behind this baseline."""
    return paging.encode_token(query, [*key, metric.value])


def page_position(token: str, query: str) -> tuple[str | int, ...] | None:
    """Behind which baseline the page begins, None for the first one. Raises PAGE_TOKEN_INVALID."""
    if not token:
        return None
    match paging.decode_token(token, query):
        case [str(provider), str(model), str(task_type), str(name), str(version), int(metric)] if 0 <= metric <= len(Metric):
            position = (provider, model, task_type, name, version)
            if "\0" not in "".join(position):
                return (*position, metric)
    raise page_token_invalid()


def shift_token(last: Shift, query: str) -> str:
    """The token of the page behind this shift."""
    return paging.encode_token(query, last.shift_id)


def shift_position(token: str, query: str) -> int | None:
    """Behind which shift the page begins, None for the first one. Raises PAGE_TOKEN_INVALID."""
    if not token:
        return None
    position = paging.decode_token(token, query)
    if not isinstance(position, int) or not 0 < position <= _SHIFT_ID_MAX:
        raise page_token_invalid()
    return position


def baseline_unknown() -> AssayError:
    """The refusal where nothing is known of what is asked for."""
    return AssayError(Kind.NOT_FOUND, "BASELINE_UNKNOWN", "nothing was known of this series and metric then")


def not_in_alarm() -> AssayError:
    """The refusal of a shift that there is not."""
    message = "the metric of this series is at its usual level: there is nothing to accept"
    return AssayError(Kind.FAILED_PRECONDITION, "NOT_IN_ALARM", message)
