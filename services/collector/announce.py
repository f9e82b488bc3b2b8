"""Tells the bus which windows have new values."""

import numpy as np
from assay.events.v1.ingest_pb2 import WindowsChanged

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
