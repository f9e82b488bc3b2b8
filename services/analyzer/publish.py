"""Tells on the bus what has changed in a project's anomalies, in the order of changes."""

from assay.events.v1.anomaly_pb2 import AnomalyChanged

from kit.bus import Bus
from services.analyzer import streams
from services.analyzer.messages.anomalies import anomaly_to_message
from services.analyzer.store.anomalies import AnomalyStore

# Changes that are read at a time.
PAGE = 200


class Publisher:
    """What was not certainly told is told again, under the same id: consumers go by the anomaly's version."""

    def __init__(self, bus: Bus, anomalies: AnomalyStore) -> None:
        self._bus = bus
        self._anomalies = anomalies

    async def publish(self, project: str) -> None:
        """Tells what has not been told. Raises AssayError while the bus is away; then it is told the next time."""
        while changed := await self._anomalies.unpublished(project, PAGE):
            for stored in changed:
                event = AnomalyChanged(anomaly=anomaly_to_message(project, stored))
                identity = f"{project} {stored.anomaly.anomaly_id} {stored.change_number}"
                subject = f"{streams.ANOMALIES_SUBJECT}.{project}"
                await self._bus.publish(subject, event.SerializeToString(), {"Nats-Msg-Id": identity})
            await self._anomalies.note_published(project, changed[-1].change_number)
