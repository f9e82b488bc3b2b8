"""Bodies of webhooks: Assay's own, and version 4 of Alertmanager's, so that what listens to that one can listen to this."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from services.alerter.domain.alert import AlertState
from services.alerter.domain.notification.content import AlertNote, Notification, status_line
from services.alerter.domain.notification.delivery import Document

_NO_TIME = "0001-01-01T00:00:00Z"  # what Alertmanager writes for none


def written_time(time: datetime) -> str:
    """A time as RFC 3339 has it, in UTC."""
    return time.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def notification_payload(content: Notification, delivery_id: str, create_time: datetime) -> dict[str, Any]:
    """A notification as Assay's own JSON."""
    return {
        "type": f"alerts.{content.kind.name.lower()}",
        "timestamp": written_time(create_time),
        "data": {
            "delivery_id": delivery_id,
            "group_id": content.group_id,
            "number": content.number,
            "project": content.project,
            "receiver": content.receiver,
            "title": content.title,
            "status": status_line(content),
            "severity": content.severity.name,
            "labels": dict(content.labels),
            "firing_count": content.firing_count,
            "acknowledged_count": content.acknowledged_count,
            "resolved_count": content.ended_count,
            "page_url": content.page_url,
            "acknowledge_url": content.acknowledge_url,
            "silence_url": content.silence_url,
            "alerts": [_alert(note) for note in content.notes],
        },
    }


def _alert(note: AlertNote) -> dict[str, Any]:
    return {
        "alert_id": note.alert_id,
        "name": note.name,
        "state": note.state.name,
        "severity": note.severity.name,
        "is_new": note.is_new,
        "labels": dict(note.labels),
        "start_time": written_time(note.start_time),
        "end_time": written_time(note.end_time) if note.end_time else None,
        "summary": note.summary,
        "description": note.description,
        "observed": note.observed,
        "threshold": note.threshold,
        "acknowledged_by": note.acknowledged_by,
    }


def document_payload(document: Document, delivery_id: str, create_time: datetime) -> dict[str, Any]:
    """A document as Assay's own JSON; attachments stay out."""
    data = {"delivery_id": delivery_id, "subject": document.subject, "text": document.text, "html": document.html}
    return {"type": "document", "timestamp": written_time(create_time), "data": data}


def alertmanager_payload(content: Notification) -> dict[str, Any]:
    """A notification as Alertmanager's webhooks have it, version 4."""
    alerts = [_alertmanager_alert(note, content.page_url) for note in content.notes]
    count = content.firing_count + content.acknowledged_count + content.ended_count
    return {
        "version": "4",
        "groupKey": f"{content.group_id}:{json.dumps(dict(content.labels), sort_keys=True)}",
        "truncatedAlerts": max(count - len(alerts), 0),
        "status": "resolved" if content.is_over else "firing",
        "receiver": content.receiver,
        "groupLabels": dict(content.labels),
        "commonLabels": _common([alert["labels"] for alert in alerts]),
        "commonAnnotations": _common([alert["annotations"] for alert in alerts]),
        "externalURL": content.page_url,
        "alerts": alerts,
    }


def alert_annotations(note: AlertNote) -> dict[str, str]:
    """What is told of an alert and does not identify it; empty ones are left out."""
    annotations = {"summary": note.summary, "description": note.description, "value": note.observed, "threshold": note.threshold}
    return {name: text for name, text in annotations.items() if text}


def _alertmanager_alert(note: AlertNote, page_url: str) -> dict[str, Any]:
    return {
        "status": "resolved" if note.state is AlertState.RESOLVED else "firing",
        "labels": dict(note.labels),
        "annotations": alert_annotations(note),
        "startsAt": written_time(note.start_time),
        "endsAt": written_time(note.end_time) if note.end_time else _NO_TIME,
        "generatorURL": page_url,
        "fingerprint": hashlib.blake2b(json.dumps(dict(note.labels), sort_keys=True).encode(), digest_size=8).hexdigest(),
    }


def _common(sets: Sequence[Mapping[str, str]]) -> dict[str, str]:
    return {name: value for name, value in sets[0].items() if all(each.get(name) == value for each in sets)} if sets else {}
