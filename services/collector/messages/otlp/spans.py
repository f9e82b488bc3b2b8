"""A span as a call: what the table of names says, and the few rules beside it."""

import json
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from assay.telemetry.v1.call_pb2 import Call, TokenUsage
from google.protobuf.duration_pb2 import Duration
from google.protobuf.timestamp_pb2 import Timestamp
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue
from opentelemetry.proto.trace.v1.trace_pb2 import Span, Status

from services.collector.messages.otlp import names
from services.collector.messages.otlp.outcome import outcome_of

Value = str | int | float | list[str]

_NANOS_PER_S = 1_000_000_000
_USD = "USD"
# What a number is told as when the contract's field has no room for it: the collector then refuses the call by that field's name.
_INT64_MAX = 2**63 - 1
_INT32_MAX = 2**31 - 1
_NO_PLACE = ("", 2**31)
# A request's parameters with all of its tools; those that are longer are not read.
_PARAMETERS_LENGTH_MAX = 256 * 1024


@dataclass(frozen=True, slots=True)
class TaskNames:
    """Attributes of spans or resources, beside Assay's own, that tell a call's task; and whether its trace is the task where none does."""

    task_type: Sequence[str] = ()
    task_id: Sequence[str] = ()
    revision_count: Sequence[str] = ()
    is_trace_task: bool = True


class SpanReader:
    """Reads spans by the table of names, and by these for their tasks."""

    def __init__(self, task_names: TaskNames) -> None:
        own = {"task_type": task_names.task_type, "task_id": task_names.task_id, "revision_count": task_names.revision_count}
        # What an attribute tells, and how many names of the same go before its own.
        self._places = {
            name: (field, rank) for field, known in names.NAMES.items() for rank, name in enumerate((*known, *own.get(field, ())))
        }
        self._is_trace_task = task_names.is_trace_task

    def of_resource(self, attributes: Iterable[KeyValue]) -> dict[str, Value]:
        """What a resource tells of all of its spans."""
        return self._values(attributes)

    def call(self, span: Span, resource: Mapping[str, Value]) -> Call | None:
        """The span as a call; None if it is none. What the span does not tell, or tells wrongly, is left for the collector to refuse."""
        values = self._values(span.attributes)
        if not _is_call(values):
            return None
        fields = _Fields(values, resource)
        error_type = fields.text("error_type") or _exception_type(span)
        is_error = span.status.code == Status.STATUS_CODE_ERROR or bool(error_type)
        call = Call(
            call_id=f"{span.trace_id.hex()}-{span.span_id.hex()}" if span.trace_id and span.span_id else "",
            task_id=fields.text("task_id") or (span.trace_id.hex() if self._is_trace_task else ""),
            start_time=Timestamp(seconds=span.start_time_unix_nano // _NANOS_PER_S, nanos=span.start_time_unix_nano % _NANOS_PER_S),
            latency=_duration(span.end_time_unix_nano - span.start_time_unix_nano),
            provider=fields.text("provider").lower(),
            model=fields.text("model") or _asked_model(values),
            task_type=fields.text("task_type") or _operation(values),
            agent=fields.text("agent"),
            prompt_name=fields.text("prompt_name"),
            prompt_version=fields.text("prompt_version"),
            outcome=outcome_of(is_error=is_error, error_type=error_type, finish_reasons=fields.texts("finish_reasons")),
            error_type=error_type,
        )
        first_token_nanos = _first_token_nanos(span, fields)
        if first_token_nanos is not None:
            call.time_to_first_token.CopyFrom(_duration(first_token_nanos))
        _take_numbers(call, fields, values)
        return call

    def _values(self, attributes: Iterable[KeyValue]) -> dict[str, Value]:
        """What the attributes tell, by field."""
        values: dict[str, Value] = {}
        ranks: dict[str, int] = {}
        for attribute in attributes:
            field, rank = self._places.get(attribute.key, _NO_PLACE)
            if rank < ranks.get(field, _NO_PLACE[1]) and (value := _value(attribute.value)) is not None:
                values[field], ranks[field] = value, rank
        return values


class _Fields:
    """The fields of a call as a span tells them, or else its resource."""

    def __init__(self, values: Mapping[str, Value], resource: Mapping[str, Value]) -> None:
        self._values = values
        self._resource = resource

    def value(self, field: str) -> Value | None:
        value = self._values.get(field)
        return self._resource.get(field) if value is None else value

    def text(self, field: str) -> str:
        value = self.value(field)
        return "" if value is None or isinstance(value, list) else str(value)

    def texts(self, field: str) -> list[str]:
        value = self.value(field)
        return value if isinstance(value, list) else [] if value is None else [str(value)]

    def number(self, field: str) -> float | None:
        """A number, also where a text tells it; None where there is none."""
        value = self.value(field)
        if value is None or isinstance(value, list):
            return None
        try:
            number = float(value)
        except ValueError:
            return None
        return number if math.isfinite(number) else None

    def count(self, field: str, limit: int = _INT64_MAX) -> int | None:
        number = self.number(field)
        return None if number is None else max(-limit, min(round(number), limit))


def _value(value: AnyValue) -> Value | None:
    kind = value.WhichOneof("value")
    if kind == "array_value":
        return [item.string_value for item in value.array_value.values]
    found: Any = getattr(value, kind) if kind in {"string_value", "int_value", "double_value"} else None
    return found if found != "" else None


def _is_call(values: Mapping[str, Value]) -> bool:
    kind = values.get("span_kind")
    if isinstance(kind, str):
        return kind.lower() in names.SPAN_KINDS
    return values.get("operation") in names.OPERATIONS or "request_type" in values


def _operation(values: Mapping[str, Value]) -> str:
    found = values.get("operation") or values.get("request_type") or values.get("span_kind")
    return str(found).lower()


def _asked_model(values: Mapping[str, Value]) -> str:
    """The model among the parameters of a request: OpenInference tells an OpenAI model's name by itself only once it has answered."""
    try:
        model = json.loads(str(values.get("invocation_parameters", ""))[:_PARAMETERS_LENGTH_MAX])["model"]
    except (ValueError, KeyError, TypeError, RecursionError):
        return ""
    return model if isinstance(model, str) else ""


def _exception_type(span: Span) -> str:
    """The exception that a span of status ERROR ended with."""
    if span.status.code != Status.STATUS_CODE_ERROR:
        return ""
    for event in reversed(span.events):
        if event.name == names.EXCEPTION_EVENT:
            return next((pair.value.string_value for pair in event.attributes if pair.key == names.EXCEPTION_TYPE), "")
    return ""


def _first_token_nanos(span: Span, fields: _Fields) -> int | None:
    told_s = fields.number("time_to_first_token")
    if told_s is not None:
        return round(max(-_INT32_MAX, min(told_s, _INT32_MAX)) * _NANOS_PER_S)
    times = [event.time_unix_nano for event in span.events if event.name in names.FIRST_TOKEN_EVENTS]
    return min(times) - span.start_time_unix_nano if times else None


def _take_numbers(call: Call, fields: _Fields, values: Mapping[str, Value]) -> None:
    counts = {name: fields.count(name) for name in TokenUsage.DESCRIPTOR.fields_by_name}
    if any(count is not None for count in counts.values()):
        usage = TokenUsage(**{name: count for name, count in counts.items() if count is not None})
        cached = usage.cache_read_token_count + usage.cache_write_token_count
        # In the conventions the input includes what is read from and written to a cache. Where it is less, the source told Anthropic's
        # three counts, which exclude each other.
        if usage.input_token_count < cached <= _INT64_MAX - usage.input_token_count:
            usage.input_token_count += cached
        call.usage.CopyFrom(usage)
    cost_usd = fields.number("cost")
    if cost_usd is not None and values.get("currency", _USD) == _USD:
        call.cost_usd_nanos = round(max(-_INT32_MAX, min(cost_usd, _INT32_MAX)) * _NANOS_PER_S)
    revision_count = fields.count("revision_count", _INT32_MAX)
    if revision_count is not None:
        call.revision_count = revision_count


def _duration(nanos: int) -> Duration:
    """Of either sign: seconds and nanoseconds then both have it."""
    seconds, rest = divmod(abs(nanos), _NANOS_PER_S)
    sign = -1 if nanos < 0 else 1
    return Duration(seconds=sign * seconds, nanos=sign * rest)
