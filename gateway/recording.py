"""Batches as protobuf JSON. An item that cannot be read is refused alone, as the collector refuses what it can read."""

import json
import re
import secrets
from collections.abc import Iterable
from typing import Any, Literal, NoReturn, TypeVar

from assay.collector.v1.collector_service_pb2 import (
    RecordCallsRequest,
    RecordEvidenceRequest,
    Rejection,
    RejectionReason,
)
from google.protobuf import json_format

from kit.errors import AssayError, Kind, invalid

ITEMS_MAX = 5_000  # the contract's; checked here, too, since reading more would be work for nothing
BODY_BYTES_MAX = 8 * 1024 * 1024
MESSAGE_LENGTH_MAX = 200
BATCH_ID_BYTES = 16

Request = TypeVar("Request", RecordCallsRequest, RecordEvidenceRequest)
_FIELD_AT_FAULT = re.compile(r"Failed to parse (\w+) field: ")
_PLACE = re.compile(r' at "?([\w.]+\b)"?')
_UNKNOWN_FIELD = re.compile(r'has no field named "([^"]{0,64})')
_UPPER = re.compile(r"(?<!^)(?=[A-Z])")


def parse(body: bytes, request: Request, items_name: Literal["calls", "evidence"], project: str) -> list[Rejection]:
    """Reads a batch into `request`; returns what is wrong with the items that cannot be read.

    Such an item goes into the request as an empty one: the collector refuses it, books it in the ledger, and every
    index stays what the client knows. `project` is the query's; the body's has to be the same or missing.
    Raises JSON_INVALID, FIELD_INVALID, or BATCH_TOO_LARGE when the batch as a whole is no good.
    """
    content = _object(body)
    items = content.pop(items_name, None)
    if items is None:
        items = []
    if not isinstance(items, list):
        raise invalid(items_name, "must be a list")
    if len(items) > ITEMS_MAX:
        raise AssayError(Kind.INVALID_ARGUMENT, "BATCH_TOO_LARGE", f"at most {ITEMS_MAX} a batch: split it")
    try:
        json_format.ParseDict(content, request)
    except json_format.ParseError as error:
        field, message = _fault(error)
        raise invalid(field or "body", message) from None
    if project and request.project not in {"", project}:
        raise invalid("project", "the query and the body name different projects")
    request.project = request.project or project
    request.batch_id = request.batch_id or secrets.token_hex(BATCH_ID_BYTES)
    rejections = (_add(item, index, getattr(request, items_name)) for index, item in enumerate(items))
    return [rejection for rejection in rejections if rejection is not None]


def merge(unreadable: list[Rejection], refused: Iterable[Rejection]) -> list[Rejection]:
    """All rejections by index; of an item that could not be read, why, and not that it was found to be empty."""
    return sorted({rejection.index: rejection for rejection in (*refused, *unreadable)}.values(), key=lambda each: each.index)


def _object(body: bytes) -> dict[str, Any]:
    try:
        content = json.loads(body, parse_constant=_no_constant)
    except RecursionError:
        raise _json_invalid("nested too deeply") from None
    except ValueError as error:  # bytes that are not UTF-8 are one, too
        raise _json_invalid(str(error)[:MESSAGE_LENGTH_MAX]) from None
    if not isinstance(content, dict):
        raise _json_invalid("the body must be an object")
    return content


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")


def _json_invalid(message: str) -> AssayError:
    return AssayError(Kind.INVALID_ARGUMENT, "JSON_INVALID", message)


def _add(item: Any, index: int, items: Any) -> Rejection | None:
    """Appends the item, or an empty one and why."""
    message = items.add()
    if not isinstance(item, dict):
        return _rejection(index, "", "must be an object")
    try:
        json_format.ParseDict(item, message)
    except json_format.ParseError as error:
        message.Clear()
        return _rejection(index, *_fault(error))
    return None


def _rejection(index: int, field: str, message: str) -> Rejection:
    return Rejection(index=index, field=field, reason=RejectionReason.REJECTION_REASON_MALFORMED, message=message)


def _fault(error: json_format.ParseError) -> tuple[str, str]:
    """The path of the field at fault, in the names of the contract, and what is wrong with it.

    The parser knows both, but tells them only in the text of its error, and the path not always in full.
    """
    text = str(error).partition("\n")[0]
    place = _PLACE.search(text)
    path = place[1].split(".")[1:] if place else _FIELD_AT_FAULT.findall(text)
    message = _FIELD_AT_FAULT.sub("", _PLACE.sub("", text)).rstrip(".")
    if unknown := _UNKNOWN_FIELD.search(text):
        path, message = [*path, unknown[1]], "there is no such field"
    return ".".join(map(_contract_name, path)), message[:MESSAGE_LENGTH_MAX]


def _contract_name(name: str) -> str:
    return _UPPER.sub("_", name).lower()
