"""The tables of the schema `collector`. Each is written and read by one module alone; ARCHITECTURE.md lists which.

Keys are laid out so that the large tables can be spread over a cluster: calls by call_id, tasks by task_id, roll-ups by series_id.
"""

from sqlalchemy import (
    ARRAY,
    BigInteger,
    Boolean,
    Column,
    Date,
    DateTime,
    Identity,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    SmallInteger,
    Table,
    Text,
    UniqueConstraint,
    text,
)

metadata = MetaData(schema="collector")

# Ids are compared and sorted as bytes: faster than a language's order, and the same everywhere.
IdText = Text(collation="C")

project_table = Table(
    "project",
    metadata,
    Column("project_id", Integer, Identity(), primary_key=True),
    Column("project", IdText, nullable=False, unique=True),
    Column("time_zone", Text, nullable=False),
    Column("series_limit", Integer, nullable=False),
    Column("create_time", DateTime(timezone=True), nullable=False),
    Column("calls_per_s_limit", Integer, nullable=False, server_default="0"),
    Column("calls_burst_limit", Integer, nullable=False, server_default="0"),
    Column("open_streams_limit", Integer, nullable=False, server_default="0"),
)

stream_table = Table(
    "stream",
    metadata,
    Column("stream_id", Integer, Identity(), primary_key=True),
    Column("incarnation", Text, nullable=False, unique=True),
)

# A row claims a message: it is made in the transaction that stores the message's records, so none is stored twice.
message_table = Table(
    "message",
    metadata,
    Column("message_id", Integer, Identity(), primary_key=True),
    Column("stream_id", Integer, nullable=False),
    Column("sequence", BigInteger, nullable=False),
    Column("project_id", Integer, nullable=False),
    Column("batch_id", IdText, nullable=False),
    Column("part", Integer, nullable=False),
    Column("part_count", Integer, nullable=False),
    Column("receive_time", DateTime(timezone=True), nullable=False),
    Column("store_time", DateTime(timezone=True), nullable=False),
    Column("kind", SmallInteger, nullable=False),
    Column("stored_count", Integer, nullable=False),
    Column("duplicate_count", Integer, nullable=False),
    Column("rejected_count", Integer, nullable=False),
    Column("dead_lettered_count", Integer, nullable=False),
    UniqueConstraint("stream_id", "sequence"),
    Index("message_batch", "project_id", "batch_id"),
    Index("message_receive_time", "receive_time", postgresql_using="brin"),
)

series_table = Table(
    "series",
    metadata,
    Column("series_id", Integer, Identity(), primary_key=True),
    Column("project_id", Integer, nullable=False),
    Column("provider", Text, nullable=False),
    Column("model", Text, nullable=False),
    Column("task_type", Text, nullable=False),
    Column("prompt_name", Text, nullable=False),
    Column("prompt_version", Text, nullable=False),
    Column("first_store_time", DateTime(timezone=True), nullable=False),
    UniqueConstraint("project_id", "provider", "model", "task_type", "prompt_name", "prompt_version"),
)

price_version_table = Table(
    "price_version",
    metadata,
    Column("price_version_id", SmallInteger, Identity(), primary_key=True),
    Column("price_version", Text, nullable=False, unique=True),
)

# Partitioned by receive_date. No column is ever null, which spares each row a bitmap; the numbers of a call that nothing is searched by are
# packed into `body` (domain/call_body.py). Both together halve the row and the time to COPY it: docs/decisions/0003.
call_table = Table(
    "call",
    metadata,
    Column("start_us", BigInteger, nullable=False),
    Column("receive_date", Date, nullable=False),
    Column("message_id", Integer, nullable=False),
    Column("series_id", Integer, nullable=False),
    Column("outcome", SmallInteger, nullable=False),
    Column("call_id", IdText, nullable=False),
    Column("task_id", IdText, nullable=False),
    Column("agent", Text, nullable=False),
    Column("error_type", Text, nullable=False),
    Column("body", LargeBinary, nullable=False),
    Column("extras", Text, nullable=False),
    # Nearly full: ids that sort by time only ever add pages at the end.
    Index("call_call_id", "call_id", postgresql_with={"fillfactor": 98}),
    Index("call_start_us", "start_us", postgresql_using="brin", postgresql_with={"autosummarize": "on"}),
    postgresql_partition_by="RANGE (receive_date)",
)

evidence_table = Table(
    "evidence",
    metadata,
    Column("project_id", Integer, primary_key=True),
    Column("evidence_id", IdText, primary_key=True),
    Column("call_id", IdText),
    Column("task_id", IdText),
    Column("observe_us", BigInteger, nullable=False),
    Column("receive_date", Date, nullable=False),
    Column("evaluator", Text),
    Column("score_nanos", BigInteger),
    Column("accepted", SmallInteger),
    Column("is_waiting", Boolean, nullable=False),
    Column("payload", LargeBinary, nullable=False),
    # In the order of commits within a project: whoever adds evidence holds the project's lock until then.
    Column("position", BigInteger, Identity(), nullable=False),
    Index("evidence_call_id", "call_id"),
    Index("evidence_task_id", "task_id"),
    Index("evidence_waiting", "project_id", postgresql_where=text("is_waiting")),
    Index("evidence_position", "project_id", "position"),
)

# The quality of a call's answer, as it is counted in the roll-ups. Version 0 is the collector's own mean of evaluations.
score_table = Table(
    "score",
    metadata,
    Column("project_id", Integer, primary_key=True),
    Column("call_id", IdText, primary_key=True),
    Column("score_nanos", BigInteger, nullable=False),
    Column("version", BigInteger, nullable=False, server_default=text("0")),
)

# The quality of tasks' results as the analyzer has told it; of the others, the collector's own mean stands in their rows.
task_score_table = Table(
    "task_score",
    metadata,
    Column("project_id", Integer, primary_key=True),
    Column("task_id", IdText, primary_key=True),
    Column("score_nanos", BigInteger, nullable=False),
    Column("version", BigInteger, nullable=False),
)

task_table = Table(
    "task",
    metadata,
    Column("project_id", Integer, primary_key=True),
    Column("task_id", IdText, primary_key=True),
    Column("cost_nanos", BigInteger, nullable=False),
    Column("latency_us", BigInteger, nullable=False),
    Column("first_start_us", BigInteger, nullable=False),
    Column("latest_start_us", BigInteger, nullable=False),
    Column("latest_series_id", Integer, nullable=False),
    Column("call_count", Integer, nullable=False),
    Column("revision_count", Integer, nullable=False),
    Column("first_receive_date", Date, nullable=False),
    Column("latest_outcome", SmallInteger, nullable=False),
    Column("feedback_accepted", SmallInteger, nullable=False),
    Column("score_nanos", BigInteger, nullable=False),
    Index("task_latest_start_us", "latest_start_us", postgresql_using="brin"),
)

# What transactions of the writer add to tasks, until it is folded in beside the hot path.
task_pending_table = Table(
    "task_pending",
    metadata,
    Column("pending_id", BigInteger, Identity(), primary_key=True),
    Column("cost_nanos", BigInteger, nullable=False),
    Column("latency_us", BigInteger, nullable=False),
    Column("first_start_us", BigInteger, nullable=False),
    Column("latest_start_us", BigInteger, nullable=False),
    Column("latest_series_id", Integer, nullable=False),
    Column("call_count", Integer, nullable=False),
    Column("revision_count", Integer, nullable=False),
    Column("receive_date", Date, nullable=False),
    Column("latest_outcome", SmallInteger, nullable=False),
    Column("project_id", Integer, nullable=False),
    Column("task_id", IdText, nullable=False),
)

# What transactions of the writer add to roll-ups, a blob each, until it is folded into `rollup`: docs/decisions/0002.
rollup_pending_table = Table(
    "rollup_pending",
    metadata,
    Column("pending_id", BigInteger, Identity(), primary_key=True),
    Column("project_id", Integer, nullable=False),
    Column("level", SmallInteger, nullable=False),
    Column("create_time", DateTime(timezone=True), nullable=False),
    Column("oldest_receive_date", Date, nullable=False),
    Column("body", LargeBinary, nullable=False),
    Index("rollup_pending_project", "project_id", "level"),
)

rollup_table = Table(
    "rollup",
    metadata,
    Column("series_id", Integer, primary_key=True),
    Column("level", SmallInteger, primary_key=True),
    Column("chunk", Integer, primary_key=True),
    Column("oldest_receive_date", Date, nullable=False),
    Column("measures", LargeBinary, nullable=False),
    Column("entries", LargeBinary, nullable=False),
)

ledger_table = Table(
    "ledger",
    metadata,
    Column("project_id", Integer, primary_key=True),
    Column("receive_date", Date, primary_key=True),
    Column("kind", SmallInteger, primary_key=True),
    Column("stored_count", BigInteger, nullable=False),
    Column("rejected_count", BigInteger, nullable=False),
    Column("duplicate_count", BigInteger, nullable=False),
    Column("dead_lettered_count", BigInteger, nullable=False),
    Column("client_dropped_count", BigInteger, nullable=False),
    Column("too_late_count", BigInteger, nullable=False),
)

dead_letter_table = Table(
    "dead_letter",
    metadata,
    Column("stream_id", Integer, primary_key=True),
    Column("sequence", BigInteger, primary_key=True),
    Column("subject", Text, nullable=False),
    Column("store_time", DateTime(timezone=True), nullable=False),
    Column("reason", Text, nullable=False),
    Column("payload", LargeBinary, nullable=False),
)

# What each series has counted since it was first seen, for scrapers: docs/decisions/0011.
counter_table = Table(
    "counter",
    metadata,
    Column("series_id", Integer, primary_key=True, autoincrement=False),
    Column("measures", LargeBinary, nullable=False),
    Column("entries", LargeBinary, nullable=False),
)

# Where numbers are sent to. The position is the last change of a window that was sent or, where counters are, their time in seconds.
export_target_table = Table(
    "export_target",
    metadata,
    Column("target", IdText, primary_key=True),
    Column("kind", SmallInteger, nullable=False),
    Column("address", Text, nullable=False),
    Column("owner", Text, nullable=False),
    Column("lease_time", DateTime(timezone=True), nullable=False),
    Column("position", BigInteger, nullable=False),
    Column("send_time", DateTime(timezone=True)),
    Column("sent_count", BigInteger, nullable=False),
    Column("refused_count", BigInteger, nullable=False),
    Column("waiting_count", BigInteger, nullable=False),
    Column("trouble", Text, nullable=False),
)

# Minutes that folds changed, in the order of commits, for targets that windows are sent to; series_ids[i] goes with start_mins[i].
window_change_table = Table(
    "window_change",
    metadata,
    Column("change_id", BigInteger, Identity(), primary_key=True),
    Column("project_id", Integer, nullable=False),
    Column("create_time", DateTime(timezone=True), nullable=False),
    Column("series_ids", ARRAY(Integer), nullable=False),
    Column("start_mins", ARRAY(Integer), nullable=False),
)

# What was asked to be erased. `value` and `task_ids` are forgotten when it is over; `due_time` is null from then on. Before the last pass,
# all that was on the stream up to `wait_sequence` is to be stored.
erasure_table = Table(
    "erasure",
    metadata,
    Column("project_id", Integer, primary_key=True),
    Column("erasure_id", IdText, primary_key=True),
    Column("kind", SmallInteger, nullable=False),
    Column("label_key", Text, nullable=False),
    Column("value", Text, nullable=False),
    Column("fingerprint", Text, nullable=False),
    Column("actor_key_id", Text, nullable=False),
    Column("request_time", DateTime(timezone=True), nullable=False),
    Column("due_time", DateTime(timezone=True)),
    Column("done_time", DateTime(timezone=True)),
    Column("pass_count", SmallInteger, nullable=False),
    Column("wait_incarnation", Text, nullable=False),
    Column("wait_sequence", BigInteger, nullable=False),
    Column("task_ids", ARRAY(Text), nullable=False),
    Column("call_count", BigInteger, nullable=False),
    Column("task_count", BigInteger, nullable=False),
    Column("evidence_count", BigInteger, nullable=False),
    Index("erasure_due", "due_time", postgresql_where=text("due_time IS NOT NULL")),
)

# Who sends calls, and which of their fields they fill in: element i of each array is of domain.source.FIELDS[i].
source_table = Table(
    "source",
    metadata,
    Column("project_id", Integer, primary_key=True),
    Column("key_id", IdText, primary_key=True),
    Column("sender", IdText, primary_key=True),
    Column("version", Text, nullable=False),
    Column("first_time", DateTime(timezone=True), nullable=False),
    Column("last_time", DateTime(timezone=True), nullable=False),
    Column("call_count", BigInteger, nullable=False),
    Column("field_call_counts", ARRAY(BigInteger), nullable=False),
    Column("filled_counts", ARRAY(BigInteger), nullable=False),
    Column("unfilled_runs", ARRAY(BigInteger), nullable=False),
    Column("last_fill_times", ARRAY(DateTime(timezone=True)), nullable=False),
)
