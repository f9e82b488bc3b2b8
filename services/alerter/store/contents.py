"""Contents of deliveries as JSON, so that every try sends what was taken down when the message was made."""

from collections.abc import Mapping
from dataclasses import asdict
from datetime import datetime
from enum import Enum
from typing import Any

from services.alerter.domain.alert import AlertState, Severity
from services.alerter.domain.notification.content import AlertNote, Notification
from services.alerter.domain.notification.delivery import Document
from services.alerter.domain.notification.group import MessageKind


def to_json(content: Notification | Document) -> dict[str, Any]:
    """A content as JSON has it: numbers for enumerations, texts for times."""
    return {"type": type(content).__name__, **_plain(asdict(content))}


def _plain(value: Any) -> Any:
    match value:
        case dict():
            return {name: _plain(each) for name, each in value.items()}
        case list() | tuple():
            return [_plain(each) for each in value]
        case Enum():
            return value.value
        case datetime():
            return value.isoformat()
    return value


def from_json(stored: Mapping[str, Any]) -> Notification | Document:
    """The content that was stored."""
    values = dict(stored)
    if values.pop("type") == Document.__name__:
        return Document(**values)
    values |= {"kind": MessageKind(values["kind"]), "severity": Severity(values["severity"])}
    return Notification(**{**values, "notes": tuple(map(_note, values["notes"]))})


def _note(stored: Mapping[str, Any]) -> AlertNote:
    end_time = stored["end_time"]
    changed = {
        "state": AlertState(stored["state"]),
        "severity": Severity(stored["severity"]),
        "start_time": datetime.fromisoformat(stored["start_time"]),
        "end_time": None if end_time is None else datetime.fromisoformat(end_time),
    }
    return AlertNote(**{**stored, **changed})
