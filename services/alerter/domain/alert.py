"""An alert: one condition of one rule that holds for one group, from when it began until it ended."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import Enum

KIND_LABEL = "kind"
"""A label of alerts about anomalies, which has the anomaly's kind, and of heartbeats."""
HEARTBEAT_KIND = "heartbeat"


class AlertState(Enum):
    """Where an alert is in its life; one that is inactive does not exist. The numbers are kept in PostgreSQL."""

    PENDING = 1
    FIRING = 2
    ACKNOWLEDGED = 3
    RESOLVED = 4

    @property
    def is_open(self) -> bool:
        """Whether somebody is, or should be, told of it."""
        return self in {AlertState.FIRING, AlertState.ACKNOWLEDGED}


class Severity(Enum):
    """How much it matters; the numbers are kept in PostgreSQL and grow with what matters."""

    INFO = 1
    WARNING = 2
    CRITICAL = 3


@dataclass(frozen=True, slots=True)
class Alert:
    """An alert as it is now. Times are None until they come; a text is empty where there is nothing to say.

    `observed` and `threshold` are in `unit` ("s", "USD", "ratio" in 0..1, "" for a bare number); None where the rule has none. `version`
    counts the changes, from 1.
    """

    alert_id: str
    project: str
    rule_id: str
    rule_name: str
    labels: Mapping[str, str]
    state: AlertState
    severity: Severity
    start_time: datetime
    fire_time: datetime | None = None
    acknowledge_time: datetime | None = None
    resolve_time: datetime | None = None
    acknowledged_by: str = ""
    summary: str = ""
    observed: float | None = None
    threshold: float | None = None
    unit: str = ""
    description: str = ""
    anomaly_id: str = ""
    version: int = 1

    @property
    def is_heartbeat(self) -> bool:
        """Whether it says that all is well, and is missed when it stays out."""
        return self.labels.get(KIND_LABEL) == HEARTBEAT_KIND
