"""The analyzer's stream and subjects of the bus, and those of others that it listens to."""

from nats.js.api import DiscardPolicy, RetentionPolicy, StorageType, StreamConfig

ANOMALIES = "ASSAY_ANOMALIES"
ANOMALIES_SUBJECT = "assay.anomalies"
# The collector's: which windows have new values.
WINDOWS_SUBJECT = "assay.windows"
# The collector's: that there is new evidence, and contents of evidence in parts of so many bytes.
EVIDENCE_STORED_SUBJECT = "assay.evidence_stored"
CONTENT = "ASSAY_CONTENT"
CONTENT_SUBJECT = "assay.content"
CONTENT_PART_BYTES = 512 * 1024

# The collector's: what was erased, which is to be erased here as well.
ERASED = "ASSAY_ERASED"

SCORES = "ASSAY_SCORES"
SCORES_SUBJECT = "assay.scores"
# Scores wait until the collector's writer has them; a score has some 40 bytes. When it is full, the analyzer waits with telling more.
SCORES_BYTES_MAX = 256 * 1024 * 1024

RANKINGS = "ASSAY_RANKINGS"
RANKINGS_SUBJECT = "assay.rankings"
# Announcements: what they tell of is in the database. Who was away for longer asks there. One of 40 candidates has some 2 kB.
RANKINGS_KEPT_S = 3_600.0
RANKINGS_BYTES_MAX = 8 * 1024 * 1024

# Who was away for longer than this lists what is open.
ANOMALIES_KEPT_S = 86_400.0
# A change of an anomaly has some 2 kB: a hundred thousand of them. The oldest go first.
ANOMALIES_BYTES_MAX = 256 * 1024 * 1024
# A change that is told again within this time, as by an owner that takes over, is recognised by its Nats-Msg-Id.
DUPLICATE_WINDOW_S = 120.0


def anomalies_stream(replica_count: int) -> StreamConfig:
    """Keeps what was told for a day, on disk."""
    return StreamConfig(
        name=ANOMALIES,
        subjects=[f"{ANOMALIES_SUBJECT}.*"],
        retention=RetentionPolicy.LIMITS,
        storage=StorageType.FILE,
        discard=DiscardPolicy.OLD,
        max_age=ANOMALIES_KEPT_S,
        max_bytes=ANOMALIES_BYTES_MAX,
        duplicate_window=DUPLICATE_WINDOW_S,
        num_replicas=replica_count,
    )


def scores_stream(replica_count: int) -> StreamConfig:
    """Holds what the collector's writer has not taken over yet, on disk, and nothing else."""
    return StreamConfig(
        name=SCORES,
        subjects=[f"{SCORES_SUBJECT}.*"],
        retention=RetentionPolicy.WORK_QUEUE,
        storage=StorageType.FILE,
        discard=DiscardPolicy.NEW,
        max_bytes=SCORES_BYTES_MAX,
        num_replicas=replica_count,
    )


def rankings_stream(replica_count: int) -> StreamConfig:
    """Keeps announcements for a while, in memory; the oldest go first."""
    return StreamConfig(
        name=RANKINGS,
        subjects=[f"{RANKINGS_SUBJECT}.*"],
        retention=RetentionPolicy.LIMITS,
        storage=StorageType.MEMORY,
        discard=DiscardPolicy.OLD,
        max_age=RANKINGS_KEPT_S,
        max_bytes=RANKINGS_BYTES_MAX,
        num_replicas=replica_count,
    )


STREAMS = (anomalies_stream, scores_stream, rankings_stream)
