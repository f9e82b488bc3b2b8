"""Messages as plain objects and back, field by field: seconds for durations, null for what is unset, short names of enums."""

from typing import Any

from assay.alerter.v1.receiver_service_pb2 import LabelNames
from google.protobuf.duration_pb2 import Duration
from google.protobuf.message import Message
from google.protobuf.timestamp_pb2 import Timestamp

from gateway.messages import Json

_DURATION = Duration.DESCRIPTOR.full_name
_DURATION_SUFFIX = "_s"
_NANOS_PER_S = 1e9


def plain(message: Message) -> Json:
    """Every field of a message, as its model has it."""
    return {_json_name(field): _value(message, field) for field in message.DESCRIPTOR.fields}


def fill(message: Message, content: Json) -> None:
    """Writes content, as its model has it, into the contract's message. What is None stays unset; times are not taken."""
    for field in message.DESCRIPTOR.fields:
        value = content.get(_json_name(field))
        if value is None:
            continue
        if field.message_type is None:
            _set(message, field, value)
        elif field.is_repeated:
            for each in value:
                fill(getattr(message, field.name).add(), each)
        else:
            _fill_part(getattr(message, field.name), value)


def seconds(duration: Duration) -> float:
    """A duration in seconds, whole ones as an integer."""
    return duration.ToNanoseconds() / _NANOS_PER_S if duration.nanos else duration.seconds


def _set(message: Message, field: Any, value: Any) -> None:  # protobuf has two classes of descriptors, alike in all but type
    if field.is_repeated:
        getattr(message, field.name).extend(value)
    elif field.enum_type is not None:
        setattr(message, field.name, field.enum_type.values_by_name[f"{_prefix(field.enum_type)}{value}"].number)
    else:
        setattr(message, field.name, value)


def _fill_part(part: Message, value: Any) -> None:
    part.SetInParent()  # it is there, even if nothing is in it
    if isinstance(part, Duration):
        part.FromNanoseconds(round(value * _NANOS_PER_S))
    elif isinstance(part, LabelNames):
        part.names.extend(value)
    else:
        fill(part, value)


def _value(message: Message, field: Any) -> Any:
    value = getattr(message, field.name)
    if field.is_repeated:
        return [_one(field, each) for each in value]
    if field.has_presence and not message.HasField(field.name):
        return None
    return _one(field, value)


def _one(field: Any, value: Any) -> Any:
    if field.enum_type is not None:
        return _enum_name(field.enum_type, value) if value else None
    match value:
        case Duration():
            return seconds(value)
        case Timestamp():
            return value.ToJsonString()
        case LabelNames():  # a list that can be unset
            return list(value.names)
        case Message():
            return plain(value)
    return value


def _json_name(field: Any) -> str:
    is_duration = field.message_type is not None and field.message_type.full_name == _DURATION
    return f"{field.name}{_DURATION_SUFFIX}" if is_duration else str(field.name)


def _enum_name(enum: Any, number: int) -> str:
    return str(enum.values_by_number[number].name).removeprefix(_prefix(enum))


def _prefix(enum: Any) -> str:
    return str(enum.values_by_number[0].name).removesuffix("UNSPECIFIED")
