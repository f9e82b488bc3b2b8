"""The stream and subject of the bus that the alerter owns, and those of others that it listens to."""

from nats.js.api import DiscardPolicy, RetentionPolicy, StorageType, StreamConfig

ALERTS = "ASSAY_ALERTS"
ALERTS_SUBJECT = "assay.alerts"
# The collector's: which windows have new values.
WINDOWS_SUBJECT = "assay.windows"

# Announcements: what they tell of is in the database. Who was away for longer asks there.
ALERTS_KEPT_S = 3_600.0
ALERTS_BYTES_MAX = 32 * 1024 * 1024


def alerts_stream(replica_count: int) -> StreamConfig:
    """Keeps announcements for a while, in memory; the oldest go first."""
    return StreamConfig(
        name=ALERTS,
        subjects=[f"{ALERTS_SUBJECT}.*"],
        retention=RetentionPolicy.LIMITS,
        storage=StorageType.MEMORY,
        discard=DiscardPolicy.OLD,
        max_age=ALERTS_KEPT_S,
        max_bytes=ALERTS_BYTES_MAX,
        num_replicas=replica_count,
    )
