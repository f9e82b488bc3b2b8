"""The tables of the schema `alerter` that silences, receivers, groups and deliveries are kept in."""

from sqlalchemy import Boolean, Column, DateTime, Double, ForeignKey, Index, Integer, LargeBinary, SmallInteger, Table, Text, text
from sqlalchemy.dialects.postgresql import ARRAY, JSONB

from services.alerter.tables import IdText, metadata

# `matchers` as they are written, such as provider="openai".
silence_table = Table(
    "silence",
    metadata,
    Column("project", IdText, primary_key=True),
    Column("silence_id", IdText, primary_key=True),
    Column("matchers", ARRAY(Text), nullable=False),
    Column("author", Text, nullable=False),
    Column("comment", Text, nullable=False),
    Column("start_time", DateTime(timezone=True), nullable=False),
    Column("end_time", DateTime(timezone=True), nullable=False),
    Column("create_time", DateTime(timezone=True), nullable=False),
    Column("update_time", DateTime(timezone=True), nullable=False),
    Index("silence_end_time", "project", "end_time"),
)

# `config` without the secrets, which are encrypted as one. `paced_until` is when the rate limit lets the next message through.
receiver_table = Table(
    "receiver",
    metadata,
    Column("project", IdText, primary_key=True),
    Column("receiver_id", IdText, primary_key=True),
    Column("kind", Text, nullable=False),
    Column("config", JSONB, nullable=False),
    Column("secrets", LargeBinary, nullable=False),
    Column("display_name", Text, nullable=False),
    Column("hears_end", Boolean, nullable=False),
    Column("hears_acknowledgement", Boolean, nullable=False),
    Column("rate_per_min", Integer, nullable=False),
    Column("subject_template", Text, nullable=False),
    Column("text_template", Text, nullable=False),
    Column("create_time", DateTime(timezone=True), nullable=False),
    Column("update_time", DateTime(timezone=True), nullable=False),
    Column("updated_by", Text, nullable=False),
    Column("version", Integer, nullable=False),
    Column("paced_until", DateTime(timezone=True), nullable=False),
)

# How a project is told of its alerts: `definition` is the contract's JSON form of its routes and what they name, empty for what is usual.
# `look_time` is when its alerts are looked at next even if none has changed, and `seen` what they were like the last time.
notification_policy_table = Table(
    "notification_policy",
    metadata,
    Column("project", IdText, primary_key=True),
    Column("definition", JSONB, nullable=False),
    Column("update_time", DateTime(timezone=True), nullable=False),
    Column("updated_by", Text, nullable=False),
    Column("version", Integer, nullable=False),
    Column("look_time", DateTime(timezone=True)),
    Column("seen", Text, nullable=False),
)

# `members` are 16 bytes of an alert's id and one of what was told of it, each.
notification_group_table = Table(
    "notification_group",
    metadata,
    Column("group_id", IdText, primary_key=True),
    Column("project", IdText, nullable=False),
    Column("route_id", IdText, nullable=False),
    Column("labels", JSONB, nullable=False),
    Column("open_time", DateTime(timezone=True), nullable=False),
    Column("level", SmallInteger, nullable=False),
    Column("members", LargeBinary, nullable=False),
    Column("told_time", DateTime(timezone=True)),
    Column("repeat_count", Integer, nullable=False),
    Column("message_count", Integer, nullable=False),
    Column("receivers", ARRAY(Text), nullable=False),
    Column("next_step", SmallInteger),
    Column("round_count", SmallInteger),
    Column("step_time", DateTime(timezone=True)),
    Index("notification_group_project", "project"),
)

# A message for one receiver. `thread` is what messages to it that belong together share; they are sent in the order of `number`.
# `reference` is what the receiver calls the message. `content_hash` tells a document from another that is given the same id.
delivery_table = Table(
    "delivery",
    metadata,
    Column("delivery_id", IdText, primary_key=True),
    Column("project", IdText, nullable=False),
    Column("receiver_id", IdText, nullable=False),
    Column("thread", IdText, nullable=False),
    Column("number", Integer, nullable=False),
    Column("title", Text, nullable=False),
    Column("content", JSONB, nullable=False),
    Column("state", SmallInteger, nullable=False),
    Column("create_time", DateTime(timezone=True), nullable=False),
    Column("due_time", DateTime(timezone=True), nullable=False),
    Column("lease_end_time", DateTime(timezone=True)),
    Column("attempt_count", Integer, nullable=False),
    Column("end_time", DateTime(timezone=True)),
    Column("reference", Text, nullable=False),
    Column("content_hash", Text, nullable=False),
    Index("delivery_listing", "project", "create_time", "delivery_id"),
    Index("delivery_thread", "project", "receiver_id", "thread", "number"),
    Index("delivery_waiting", "project", "receiver_id", "due_time", postgresql_where=text("state = 1")),
)

# `result` is empty while it is under way, and stays so if the process that made it ended.
delivery_attempt_table = Table(
    "delivery_attempt",
    metadata,
    Column("delivery_id", IdText, ForeignKey(delivery_table.c.delivery_id, ondelete="CASCADE"), primary_key=True),
    Column("attempt", Integer, primary_key=True),
    Column("start_time", DateTime(timezone=True), nullable=False),
    Column("elapsed_s", Double),
    Column("result", SmallInteger),
    Column("detail", Text, nullable=False),
)

delivery_attachment_table = Table(
    "delivery_attachment",
    metadata,
    Column("delivery_id", IdText, ForeignKey(delivery_table.c.delivery_id, ondelete="CASCADE"), primary_key=True),
    Column("position", SmallInteger, primary_key=True),
    Column("name", Text, nullable=False),
    Column("content_type", Text, nullable=False),
    Column("content", LargeBinary, nullable=False),
)
