"""Prometheus' Alertmanager, API version 2: the alerts themselves, which it then groups, silences and tells of by its own routes."""

import re
from datetime import datetime, timedelta
from typing import Any

from services.alerter.channels.http import Http, json_body, result_of
from services.alerter.domain.notification.content import AlertNote
from services.alerter.domain.notification.delivery import Refused, Result
from services.alerter.domain.notification.receiver import AlertmanagerConfig, Receiver
from services.alerter.render.outgoing import Outgoing
from services.alerter.render.payload import alert_annotations, written_time

PATH = "/api/v2/alerts"
# Alertmanager takes an alert that it hears nothing of for over, by default after five minutes. Assay tells of what changes, and repeats
# what is open: so each message says until when it holds.
HOLDS = timedelta(days=1)
_NOT_IN_NAMES = re.compile(r"[^a-zA-Z0-9_]")


class AlertmanagerChannel:
    """Posts alerts. The same again changes nothing there: an alert is known by its labels."""

    def __init__(self, http: Http) -> None:
        self._http = http

    async def send(self, message: Outgoing, receiver: Receiver) -> Result:
        """Posts once."""
        config = receiver.config
        assert isinstance(config, AlertmanagerConfig)  # noqa: S101 - the outbox gives each channel its own
        content = message.notification
        if content is None:
            return Refused("Alertmanager takes no documents")
        alerts = [posted_alert(note, content.page_url, message.create_time) for note in content.notes]
        headers = {"Authorization": config.authorization} if config.authorization else {}
        return result_of(await self._http.post(f"{config.url.rstrip('/')}{PATH}", json_body(alerts), headers))


def posted_alert(note: AlertNote, page_url: str, told_time: datetime) -> dict[str, Any]:
    """One alert as it is posted: over at its end, and until then open for HOLDS."""
    alert: dict[str, Any] = {
        "labels": {_label_name(name): value for name, value in {"alertname": note.name, **note.labels}.items() if value},
        "annotations": alert_annotations(note),
        "startsAt": written_time(note.start_time),
        "endsAt": written_time(note.end_time or told_time + HOLDS),
    }
    return alert | ({"generatorURL": page_url} if page_url else {})


def _label_name(name: str) -> str:
    """A name that Prometheus takes: others' characters become underscores, and none begins with a digit."""
    plain = _NOT_IN_NAMES.sub("_", name)
    return f"_{plain}" if plain[:1].isdigit() else plain
