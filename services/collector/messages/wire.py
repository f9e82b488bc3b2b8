"""Messages of the contract, read from bytes so that one bad text or item does not make the whole unreadable.

protobuf refuses a message for one string that is not UTF-8, wherever it is. On the wire a string, an embedded message
and bytes look the same, so the classes here are derived from the contract's own descriptors with strings as bytes, and
those of batches with their items as bytes too. A map is on the wire a list of entries, and is one here.
Asking a field whether it is set takes as long as reading it, so numbers that may be unset read as NOT_SET instead.
"""

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any

from assay.collector.v1 import collector_service_pb2
from assay.telemetry.v1 import call_pb2, evidence_pb2
from google.protobuf import descriptor_pb2, descriptor_pool, duration_pb2, message_factory, timestamp_pb2
from google.protobuf.message import DecodeError

from kit.errors import AssayError, Kind

# What a field of Call reads as when it is not set. Legal nowhere, and odd enough that no client sends it by mistake: for one
# that does it is as if it had not set the field.
NOT_SET: Mapping[str, int | float] = MappingProxyType(
    {
        "cost_usd_nanos": -6_917_529_027_641_081_857,
        "revision_count": -1_610_612_741,
        "selection_ratio": -1.2345e-300,
    }
)

_FILES = (timestamp_pb2, duration_pb2, call_pb2, evidence_pb2, collector_service_pb2)
_Field = descriptor_pb2.FieldDescriptorProto


def _derive() -> descriptor_pool.DescriptorPool:
    pool = descriptor_pool.DescriptorPool()
    for file in _FILES:
        copy = descriptor_pb2.FileDescriptorProto()
        file.DESCRIPTOR.CopyToProto(copy)
        copy.syntax = "proto2"  # proto3 knows no default values
        for message in copy.message_type:
            _loosen(message)
            if message.name in {"RecordCallsRequest", "RecordEvidenceRequest"}:
                _items_to_bytes(message)
        pool.Add(copy)
    return pool


def _loosen(message: descriptor_pb2.DescriptorProto) -> None:
    message.options.ClearField("map_entry")
    for field in message.field:
        field.ClearField("proto3_optional")
        if field.type == _Field.TYPE_STRING:
            field.type = _Field.TYPE_BYTES
        elif field.type == _Field.TYPE_ENUM:  # an enum of proto2 would hide the values that it does not know
            field.type = _Field.TYPE_INT32
            field.ClearField("type_name")
        if message.name == "Call" and field.name in NOT_SET:
            field.default_value = str(NOT_SET[field.name])
    for nested in message.nested_type:
        _loosen(nested)


def _items_to_bytes(message: descriptor_pb2.DescriptorProto) -> None:
    for field in message.field:
        if field.label == _Field.LABEL_REPEATED:
            field.type = _Field.TYPE_BYTES
            field.ClearField("type_name")


_POOL = _derive()


def _class(name: str) -> Any:
    return message_factory.GetMessageClass(_POOL.FindMessageTypeByName(name))


Call: Any = _class("assay.telemetry.v1.Call")
Evidence: Any = _class("assay.telemetry.v1.Evidence")
CallsRequest: Any = _class("assay.collector.v1.RecordCallsRequest")
CallsStreamRequest: Any = _class("assay.collector.v1.StreamCallsRequest")
EvidenceRequest: Any = _class("assay.collector.v1.RecordEvidenceRequest")


def parse(message_class: Any, data: bytes) -> Any:
    """Reads a message; AssayError MESSAGE_MALFORMED if the bytes are none."""
    message = try_parse(message_class, data)
    if message is None:
        raise AssayError(Kind.INVALID_ARGUMENT, "MESSAGE_MALFORMED", "the bytes are not a message of the request's type")
    return message


def try_parse(message_class: Any, data: bytes) -> Any:
    """Reads a message; None if the bytes are none."""
    try:
        return message_class.FromString(data)
    except DecodeError:
        return None


def read_apart(message_class: Any, items: Sequence[bytes]) -> tuple[list[Any], list[int]]:
    """Reads items one by one: the messages, and the places of those that cannot be read and are empty."""
    messages = [try_parse(message_class, item) for item in items]
    unreadable = [index for index, message in enumerate(messages) if message is None]
    for index in unreadable:
        messages[index] = message_class()
    return messages, unreadable
