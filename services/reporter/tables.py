"""The tables of the schema `reporter`. Each has one module that writes it, as ARCHITECTURE.md says."""

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    DateTime,
    ForeignKeyConstraint,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    SmallInteger,
    Table,
    Text,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY

metadata = MetaData(schema="reporter")

# Ids are compared and sorted as bytes: faster than a language's order, and the same everywhere.
IdText = Text(collation="C")

# A report as data. `asked` is the question as it was put, by which a repeat is known; `content` is the model's JSON, byte for byte;
# `link_key` signs the links to this report.
report_table = Table(
    "report",
    metadata,
    Column("project", IdText, primary_key=True),
    Column("report_id", IdText, primary_key=True),
    Column("asked", Text, nullable=False),
    Column("title", Text, nullable=False),
    Column("period", SmallInteger, nullable=False),
    Column("start_time", DateTime(timezone=True), nullable=False),
    Column("end_time", DateTime(timezone=True), nullable=False),
    Column("time_zone", Text, nullable=False),
    Column("create_time", DateTime(timezone=True), nullable=False),
    Column("created_by", Text, nullable=False),
    Column("schedule_id", IdText, nullable=False),
    Column("summary", ARRAY(Text), nullable=False),
    Column("call_count", BigInteger, nullable=False),
    Column("recommendation_count", Integer, nullable=False),
    Column("missing_sources", ARRAY(Text), nullable=False),
    Column("content", LargeBinary, nullable=False),
    Column("link_key", LargeBinary, nullable=False),
    Index("report_listing", "project", "create_time", "report_id"),
)

# What reports recommended, the same advice once. `content` is the model's JSON as of `issue_time`: while it is open that of the latest
# report, and then as it was when somebody decided, so that the prediction can be held against what came.
recommendation_table = Table(
    "recommendation",
    metadata,
    Column("project", IdText, primary_key=True),
    Column("recommendation_id", IdText, primary_key=True),
    Column("title", Text, nullable=False),
    Column("content", LargeBinary, nullable=False),
    Column("state", SmallInteger, nullable=False),
    Column("state_time", DateTime(timezone=True)),
    Column("state_by", Text, nullable=False),
    Column("comment", Text, nullable=False),
    Column("create_time", DateTime(timezone=True), nullable=False),
    Column("issue_time", DateTime(timezone=True), nullable=False),
    Column("report_id", IdText, nullable=False),
    Column("version", Integer, nullable=False),
    Index("recommendation_listing", "project", "create_time", "recommendation_id"),
)

# `next_time` is the next time for which there is no run yet; none while it rests.
schedule_table = Table(
    "schedule",
    metadata,
    Column("project", IdText, primary_key=True),
    Column("schedule_id", IdText, primary_key=True),
    Column("display_name", Text, nullable=False),
    Column("period", SmallInteger, nullable=False),
    Column("cron", Text, nullable=False),
    Column("weekday", SmallInteger),
    Column("minute_of_day", SmallInteger),
    Column("time_zone", Text, nullable=False),
    Column("receiver_ids", ARRAY(Text), nullable=False),
    Column("is_paused", Boolean, nullable=False),
    Column("next_time", DateTime(timezone=True)),
    Column("create_time", DateTime(timezone=True), nullable=False),
    Column("update_time", DateTime(timezone=True), nullable=False),
    Column("updated_by", Text, nullable=False),
    Column("version", Integer, nullable=False),
    Index("schedule_next_time", "next_time"),
)

# One time at which a schedule was due. Whoever tries it has it until `lease_end_time`.
run_table = Table(
    "schedule_run",
    metadata,
    Column("project", IdText, primary_key=True),
    Column("schedule_id", IdText, primary_key=True),
    Column("due_time", DateTime(timezone=True), primary_key=True),
    Column("state", SmallInteger, nullable=False),
    Column("start_time", DateTime(timezone=True)),
    Column("end_time", DateTime(timezone=True)),
    Column("attempt_count", Integer, nullable=False),
    Column("is_late", Boolean, nullable=False),
    Column("report_id", IdText, nullable=False),
    Column("detail", Text, nullable=False),
    Column("retry_time", DateTime(timezone=True), nullable=False),
    Column("lease_end_time", DateTime(timezone=True)),
    ForeignKeyConstraint(["project", "schedule_id"], ["reporter.schedule.project", "reporter.schedule.schedule_id"], ondelete="CASCADE"),
    Index("schedule_run_waiting", "retry_time", postgresql_where=text("state = 1")),
)
