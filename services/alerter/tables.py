"""The tables of the schema `alerter` that rules and alerts are kept in. Each has one module that writes it, as ARCHITECTURE.md says."""

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    DateTime,
    Double,
    Identity,
    Index,
    Integer,
    MetaData,
    SmallInteger,
    Table,
    Text,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB

metadata = MetaData(schema="alerter")

# Ids are compared and sorted as bytes: faster than a language's order, and the same everywhere.
IdText = Text(collation="C")

# A project as the alerter knows it, and who evaluates its rules. Whoever changes rules or alerts adds one to `generation` in the same
# transaction, by which the owner notices that what it remembers is old.
project_table = Table(
    "project",
    metadata,
    Column("project", IdText, primary_key=True),
    Column("generation", BigInteger, nullable=False),
    Column("owner", Text, nullable=False),
    Column("lease_end_time", DateTime(timezone=True), nullable=False),
)

# `definition` is the JSON form of the contract's Rule, without what the columns hold.
rule_table = Table(
    "rule",
    metadata,
    Column("project", IdText, primary_key=True),
    Column("rule_id", IdText, primary_key=True),
    Column("definition", JSONB, nullable=False),
    Column("create_time", DateTime(timezone=True), nullable=False),
    Column("update_time", DateTime(timezone=True), nullable=False),
    Column("updated_by", Text, nullable=False),
    Column("version", Integer, nullable=False),
)

alert_table = Table(
    "alert",
    metadata,
    Column("alert_id", IdText, primary_key=True),
    Column("project", IdText, nullable=False),
    Column("rule_id", IdText, nullable=False),
    Column("rule_name", Text, nullable=False),
    Column("labels", JSONB, nullable=False),
    Column("state", SmallInteger, nullable=False),
    Column("severity", SmallInteger, nullable=False),
    Column("start_time", DateTime(timezone=True), nullable=False),
    Column("fire_time", DateTime(timezone=True)),
    Column("acknowledge_time", DateTime(timezone=True)),
    Column("resolve_time", DateTime(timezone=True)),
    Column("acknowledged_by", Text, nullable=False),
    Column("summary", Text, nullable=False),
    Column("observed", Double),
    Column("threshold", Double),
    Column("unit", Text, nullable=False),
    Column("description", Text, nullable=False),
    Column("anomaly_id", Text, nullable=False),
    Column("version", Integer, nullable=False),
    Column("change_time", DateTime(timezone=True), nullable=False),
    Index("alert_start_time", "project", "start_time", "alert_id"),
    Index("alert_change_time", "project", "change_time"),
    Index("alert_unresolved", "project", postgresql_where=text("state <> 4")),
)

# Numbered by the alert's version after the change.
transition_table = Table(
    "transition",
    metadata,
    Column("alert_id", IdText, primary_key=True),
    Column("version", Integer, primary_key=True),
    Column("time", DateTime(timezone=True), nullable=False),
    Column("from_state", SmallInteger),
    Column("to_state", SmallInteger, nullable=False),
    Column("cause", Text, nullable=False),
    Column("actor", Text, nullable=False),
    Column("observed", Double),
)

# What the life cycle remembers of an alert beside the alert itself, until it is forgotten: services/alerter/domain/life_cycle.py.
rule_state_table = Table(
    "rule_state",
    metadata,
    Column("project", IdText, primary_key=True),
    Column("rule_id", IdText, primary_key=True),
    Column("group_key", IdText, primary_key=True),
    Column("alert_id", IdText, nullable=False),
    Column("contrary_time", DateTime(timezone=True)),
    Column("unknown_time", DateTime(timezone=True)),
    Column("return_count", Integer, nullable=False),
    Column("is_held", Boolean, nullable=False),
    Index("rule_state_alert", "alert_id"),
)

# Who changed rules, silences, receivers and policies. `actor_key_id` is empty where somebody used a link.
audit_event_table = Table(
    "audit_event",
    metadata,
    Column("audit_event_id", BigInteger, Identity(), primary_key=True),
    Column("project", IdText, nullable=False),
    Column("time", DateTime(timezone=True), nullable=False),
    Column("actor_key_id", IdText, nullable=False),
    Column("action", Text, nullable=False),
    Column("subject", Text, nullable=False),
    Column("details", JSONB, nullable=False),
    Index("audit_event_project", "project", "audit_event_id"),
)
