"""The tables of the schema `analyzer`. Each is written by one module alone; ARCHITECTURE.md lists which."""

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    DateTime,
    Double,
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
from sqlalchemy.dialects.postgresql import ARRAY

metadata = MetaData(schema="analyzer")

# Ids are compared and sorted as bytes: faster than a language's order, and the same everywhere.
IdText = Text(collation="C")


def series_columns(*, nullable: bool = False) -> list[Column[str]]:
    names = ("provider", "model", "task_type", "prompt_name", "prompt_version")
    return [Column(name, IdText, nullable=nullable) for name in names]


# Who works on a project, and how far the work has come. `epoch` counts the owners: who has another one than the row has lost the project.
# `position_s` is the instant up to which all windows have been looked at, and null before the history is learnt. `change_count` numbers the
# changes of the project's anomalies, and `published_count` is the last of them that was certainly told on the bus.
project_table = Table(
    "project",
    metadata,
    Column("project", IdText, primary_key=True),
    Column("owner", Text, nullable=False, server_default=""),
    Column("lease_end", DateTime(timezone=True)),
    Column("epoch", BigInteger, nullable=False, server_default=text("0")),
    Column("position_s", BigInteger),
    Column("learnt_from_s", BigInteger),
    Column("state", LargeBinary),
    Column("change_count", BigInteger, nullable=False, server_default=text("0")),
    Column("published_count", BigInteger, nullable=False, server_default=text("0")),
    Column("create_time", DateTime(timezone=True), nullable=False, server_default=text("now()")),
)

series_table = Table(
    "series",
    metadata,
    Column("series_id", Integer, Identity(), primary_key=True),
    Column("project", IdText, nullable=False),
    *series_columns(),
    UniqueConstraint("project", "provider", "model", "task_type", "prompt_name", "prompt_version"),
)

# All that was learnt of a series, as the engine wrote it.
series_state_table = Table(
    "series_state",
    metadata,
    Column("series_id", Integer, primary_key=True, autoincrement=False),
    Column("project", IdText, nullable=False),
    Column("state", LargeBinary, nullable=False),
    Index("series_state_project", "project"),
)

# What was taken of the windows that calls may still come to, so that whoever goes on with a project knows what is new in them.
intake_table = Table(
    "intake",
    metadata,
    Column("intake_id", BigInteger, Identity(), primary_key=True),
    Column("project", IdText, nullable=False),
    Column("last_start_s", BigInteger, nullable=False),
    Column("body", LargeBinary, nullable=False),
    Index("intake_project", "project", "last_start_s"),
)

# A version of what is normal. It holds from `from_time` until the next one; `note_time` is when it was known.
baseline_table = Table(
    "baseline",
    metadata,
    Column("series_id", Integer, primary_key=True, autoincrement=False),
    Column("metric", SmallInteger, primary_key=True, autoincrement=False),
    Column("from_time", DateTime(timezone=True), primary_key=True),
    Column("note_time", DateTime(timezone=True), nullable=False),
    Column("season", SmallInteger, nullable=False),
    Column("parent", SmallInteger, nullable=False),
    Column("spread", Double, nullable=False),
    Column("call_count", BigInteger, nullable=False),
    Column("confidence_ratio", Double, nullable=False),
    Column("borrowed_ratio", Double, nullable=False),
    Column("body", LargeBinary, nullable=False),
)

anomaly_table = Table(
    "anomaly",
    metadata,
    Column("project", IdText, primary_key=True),
    Column("anomaly_id", IdText, primary_key=True),
    Column("change_number", BigInteger, nullable=False),
    Column("version", Integer, nullable=False),
    Column("kind", SmallInteger, nullable=False),
    Column("metric", SmallInteger, nullable=False),
    Column("direction", SmallInteger, nullable=False),
    Column("severity", SmallInteger, nullable=False),
    *series_columns(nullable=True),
    Column("part_count", Integer, nullable=False),
    Column("start_time", DateTime(timezone=True), nullable=False),
    Column("detect_time", DateTime(timezone=True), nullable=False),
    Column("peak_time", DateTime(timezone=True), nullable=False),
    Column("end_time", DateTime(timezone=True)),
    Column("observed", Double, nullable=False),
    Column("expected", Double, nullable=False),
    Column("expected_low", Double, nullable=False),
    Column("expected_high", Double, nullable=False),
    Column("log10_e", Double, nullable=False),
    Column("p_value", Double),
    Column("call_count", BigInteger, nullable=False),
    Column("affected_count", BigInteger, nullable=False),
    Column("outcome_counts", ARRAY(BigInteger), nullable=False),
    Column("main_outcome", SmallInteger),
    Column("explanation", Text, nullable=False),
    Column("merged_into", IdText, nullable=False),
    Column("is_open", Boolean, nullable=False),
    Index("anomaly_start", "project", "start_time", "anomaly_id"),
    Index("anomaly_change", "project", "change_number"),
    Index("anomaly_open", "project", postgresql_where=text("is_open")),
)

anomaly_part_table = Table(
    "anomaly_part",
    metadata,
    Column("project", IdText, primary_key=True),
    Column("anomaly_id", IdText, primary_key=True),
    Column("part_number", Integer, primary_key=True, autoincrement=False),
    *series_columns(),
    Column("metric", SmallInteger, nullable=False),
    Column("observed", Double, nullable=False),
    Column("expected", Double, nullable=False),
    Column("call_count", BigInteger, nullable=False),
    Column("affected_count", BigInteger, nullable=False),
)

# What operators think of anomalies; a key has one mark on each.
mark_table = Table(
    "mark",
    metadata,
    Column("project", IdText, primary_key=True),
    Column("anomaly_id", IdText, primary_key=True),
    Column("key_id", IdText, primary_key=True),
    Column("mark", SmallInteger, nullable=False),
    Column("comment", Text, nullable=False),
    Column("mark_time", DateTime(timezone=True), nullable=False),
)

# Levels that became normal. One that an operator accepted is applied by whoever works on the project: until then it has no levels.
accepted_shift_table = Table(
    "accepted_shift",
    metadata,
    Column("shift_id", BigInteger, Identity(), primary_key=True),
    Column("project", IdText, nullable=False),
    Column("series_id", Integer, nullable=False),
    Column("metric", SmallInteger, nullable=False),
    Column("key_id", IdText, nullable=False),
    Column("accept_time", DateTime(timezone=True), nullable=False),
    Column("from_centre", Double),
    Column("to_centre", Double),
    Column("is_applied", Boolean, nullable=False),
    Index("accepted_shift_project", "project", "shift_id"),
    Index("accepted_shift_waiting", "project", postgresql_where=text("NOT is_applied")),
)

# What was recommended from a moment on: question and answer, as the contract's messages.
ranking_table = Table(
    "ranking",
    metadata,
    Column("project", IdText, primary_key=True),
    Column("ranking_id", IdText, primary_key=True),
    Column("make_time", DateTime(timezone=True), nullable=False),
    Column("task_type", IdText, nullable=False),
    Column("question", LargeBinary, nullable=False),
    Column("ranking", LargeBinary, nullable=False),
    Index("ranking_made", "project", "make_time", "ranking_id"),
    Index("ranking_task", "project", "task_type", "make_time", "ranking_id"),
)
