"""The stream and subject of the bus that the reporter owns."""

from nats.js.api import DiscardPolicy, RetentionPolicy, StorageType, StreamConfig

REPORTS = "ASSAY_REPORTS"
REPORTS_SUBJECT = "assay.reports"

# Announcements: what they tell of is in the database. Who was away for longer asks there.
REPORTS_KEPT_S = 3_600.0
REPORTS_BYTES_MAX = 8 * 1024 * 1024


def reports_stream(replica_count: int) -> StreamConfig:
    """Keeps announcements for a while, in memory; the oldest go first."""
    return StreamConfig(
        name=REPORTS,
        subjects=[f"{REPORTS_SUBJECT}.*"],
        retention=RetentionPolicy.LIMITS,
        storage=StorageType.MEMORY,
        discard=DiscardPolicy.OLD,
        max_age=REPORTS_KEPT_S,
        max_bytes=REPORTS_BYTES_MAX,
        num_replicas=replica_count,
    )
