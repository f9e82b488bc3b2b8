"""The open anomalies of one project, as texts: changes go in, snapshots for newcomers come out."""

import json
from typing import Any

from assay.analyzer.v1.anomaly_service_pb2 import WatchAnomaliesResponse

from gateway.analyzer_messages import anomaly
from kit.errors import AssayError


class LiveAnomalies:
    """What is open, by id; or why that is not known."""

    def __init__(self) -> None:
        self._open: dict[str, Any] = {}
        self._reason: str | None = None
        self.is_known = False

    def apply(self, response: WatchAnomaliesResponse) -> str:
        """Takes in what is open, or what changed; returns it as the data of an `anomalies` event."""
        changed = {one.anomaly_id: anomaly(one) for one in response.anomalies}
        if response.is_snapshot:
            self._open.clear()
        self._open |= changed
        self._open = {name: one for name, one in self._open.items() if one["is_open"]}
        self._reason, self.is_known = None, True
        return self._event(list(changed.values()), is_snapshot=response.is_snapshot)

    def lose(self, error: AssayError) -> str | None:
        """Takes in that the analyzer is away; the data of an `anomalies` event, None where that was told already."""
        if self.is_known and self._reason == error.reason:
            return None
        self._open.clear()
        self._reason, self.is_known = error.reason, True
        return self.snapshot()

    def snapshot(self) -> str:
        """All that is open, as the data of an `anomalies` event."""
        return self._event(list(self._open.values()), is_snapshot=True)

    def _event(self, anomalies: list[Any], *, is_snapshot: bool) -> str:
        content = {"is_available": self._reason is None, "reason": self._reason, "is_snapshot": is_snapshot, "anomalies": anomalies}
        return json.dumps(content, separators=(",", ":"))
