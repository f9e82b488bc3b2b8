"""The streams and subjects of the bus that the collector owns."""

from nats.js.api import AckPolicy, ConsumerConfig, DiscardPolicy, RetentionPolicy, StorageType, StreamConfig

INGEST = "ASSAY_INGEST"
WINDOWS = "ASSAY_WINDOWS"
CALLS_SUBJECT = "assay.calls"
EVIDENCE_SUBJECT = "assay.evidence"
WINDOWS_SUBJECT = "assay.windows"
EVIDENCE_STORED_SUBJECT = "assay.evidence_stored"
CONTENT = "ASSAY_CONTENT"
CONTENT_SUBJECT = "assay.content"
# Tells others what was erased.
ERASED = "ASSAY_ERASED"
ERASED_SUBJECT = "assay.erased"
# The analyzer's: scores, which the writer takes over.
SCORES = "ASSAY_SCORES"

# Headers of an ingest message: what is in flight can be counted without reading payloads.
COUNT_HEADER = "Assay-Count"
KIND_HEADER = "Assay-Kind"

# Announcements are hints to look again; who was away for longer than this looks at everything.
WINDOWS_KEPT_S = 3_600.0
WINDOWS_BYTES_MAX = 16 * 1024 * 1024
# Contents of evidence wait so long for whoever scores it.
CONTENT_KEPT_S = 2 * 86_400.0
CONTENT_BYTES_MAX = 1024 * 1024 * 1024
# Erasures wait for the analyzer, which may be away. An id has some 40 bytes: a million of them.
ERASED_BYTES_MAX = 64 * 1024 * 1024
# A resend within this time is recognised by its Nats-Msg-Id; a later one by its call ids.
DUPLICATE_WINDOW_S = 120.0
# So long may a writer take to store what it fetched before another one is given it.
ACK_WAIT_S = 30.0
# Messages that all writers together may hold at a time.
ACK_PENDING_MAX = 2_000

WRITER = ConsumerConfig(
    durable_name="writer",
    ack_policy=AckPolicy.EXPLICIT,
    ack_wait=ACK_WAIT_S,
    max_deliver=-1,
    max_ack_pending=ACK_PENDING_MAX,
)

SCORE_WRITER = ConsumerConfig(
    durable_name="writer",
    ack_policy=AckPolicy.EXPLICIT,
    ack_wait=ACK_WAIT_S,
    max_deliver=-1,
    max_ack_pending=ACK_PENDING_MAX,
)


def ingest_stream(byte_limit: int, replica_count: int) -> StreamConfig:
    """Refuses what it has no room for, and forgets nothing by itself: the writer alone purges it."""
    return StreamConfig(
        name=INGEST,
        subjects=[f"{CALLS_SUBJECT}.*", f"{EVIDENCE_SUBJECT}.*"],
        retention=RetentionPolicy.LIMITS,
        storage=StorageType.FILE,
        discard=DiscardPolicy.NEW,
        max_bytes=byte_limit,
        duplicate_window=DUPLICATE_WINDOW_S,
        num_replicas=replica_count,
        allow_direct=True,
    )


def windows_stream(replica_count: int) -> StreamConfig:
    """Keeps announcements for a while, in memory: a sync to disk for each would hold up those of the calls. The oldest go first."""
    return StreamConfig(
        name=WINDOWS,
        subjects=[f"{WINDOWS_SUBJECT}.*", f"{EVIDENCE_STORED_SUBJECT}.*"],
        retention=RetentionPolicy.LIMITS,
        storage=StorageType.MEMORY,
        discard=DiscardPolicy.OLD,
        max_age=WINDOWS_KEPT_S,
        max_bytes=WINDOWS_BYTES_MAX,
        num_replicas=replica_count,
    )


def content_stream(replica_count: int) -> StreamConfig:
    """Holds contents of evidence in parts, each under a subject of its own, so that a part that comes again replaces itself."""
    return StreamConfig(
        name=CONTENT,
        subjects=[f"{CONTENT_SUBJECT}.*.*.*"],
        retention=RetentionPolicy.LIMITS,
        storage=StorageType.FILE,
        discard=DiscardPolicy.NEW,
        max_age=CONTENT_KEPT_S,
        max_bytes=CONTENT_BYTES_MAX,
        max_msgs_per_subject=1,
        num_replicas=replica_count,
        allow_direct=True,
    )


def erased_stream(replica_count: int) -> StreamConfig:
    """Holds what the analyzer has not erased yet, on disk, and nothing else."""
    return StreamConfig(
        name=ERASED,
        subjects=[f"{ERASED_SUBJECT}.*"],
        retention=RetentionPolicy.WORK_QUEUE,
        storage=StorageType.FILE,
        discard=DiscardPolicy.NEW,
        max_bytes=ERASED_BYTES_MAX,
        num_replicas=replica_count,
    )


def project_of(subject: str) -> str:
    """The project that a subject of these streams belongs to."""
    return subject.rpartition(".")[2]
