"""Tells the bus which windows have new values, and that there is new evidence."""

import numpy as np
from assay.events.v1.ingest_pb2 import WindowsChanged
from assay.events.v1.scores_pb2 import EvidenceStored

from kit.bus import Bus
from services.collector import streams
from services.collector.domain.arrays import Ints


async def announce_windows(bus: Bus, project: str, series_id: Ints, start_min: Ints, last_receive_unix_us: int) -> None:
    """Announces windows of a project, each given by its series and start; there must be at least one."""
    event = WindowsChanged(
        project=project,
        series_ids=np.unique(series_id).tolist(),
        first_start_min=int(start_min.min()),
        last_start_min=int(start_min.max()),
        last_receive_unix_us=last_receive_unix_us,
    )
    await bus.publish(f"{streams.WINDOWS_SUBJECT}.{project}", event.SerializeToString(), {})


async def announce_evidence(bus: Bus, project: str) -> None:
    """Announces that evidence of a project was stored."""
    await bus.publish(f"{streams.EVIDENCE_STORED_SUBJECT}.{project}", EvidenceStored(project=project).SerializeToString(), {})
