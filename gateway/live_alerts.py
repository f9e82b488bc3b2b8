"""The alerts of one project that are not resolved, as texts: changes go in, snapshots for newcomers come out."""

import json
from typing import Any

from assay.alerter.v1.alert_service_pb2 import WatchAlertsResponse

from gateway.alerter_messages import alert
from kit.errors import AssayError

_OVER = frozenset({"RESOLVED", "INACTIVE"})


class LiveAlerts:
    """What is not resolved, by id; or why that is not known."""

    def __init__(self) -> None:
        self._unresolved: dict[str, Any] = {}
        self._reason: str | None = None
        self.is_known = False

    def apply(self, response: WatchAlertsResponse) -> str:
        """Takes in what is not resolved, or what changed; returns it as the data of an `alerts` event."""
        changed = {one.alert_id: alert(one) for one in response.alerts}
        if response.is_snapshot:
            self._unresolved.clear()
        self._unresolved |= changed
        self._unresolved = {name: one for name, one in self._unresolved.items() if one["state"] not in _OVER}
        self._reason, self.is_known = None, True
        return self._event(list(changed.values()), is_snapshot=response.is_snapshot)

    def lose(self, error: AssayError) -> str | None:
        """Takes in that the alerter is away; the data of an `alerts` event, None where that was told already."""
        if self.is_known and self._reason == error.reason:
            return None
        self._unresolved.clear()
        self._reason, self.is_known = error.reason, True
        return self.snapshot()

    def snapshot(self) -> str:
        """All that is not resolved, as the data of an `alerts` event."""
        return self._event(list(self._unresolved.values()), is_snapshot=True)

    def _event(self, alerts: list[Any], *, is_snapshot: bool) -> str:
        content = {"is_available": self._reason is None, "reason": self._reason, "is_snapshot": is_snapshot, "alerts": alerts}
        return json.dumps(content, separators=(",", ":"))
