"""The tables of projects' keys, logins and the audit log. Written and read by the store beside it alone."""

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    DateTime,
    ForeignKey,
    Identity,
    Index,
    Integer,
    LargeBinary,
    Table,
    Text,
)
from sqlalchemy.dialects.postgresql import ARRAY, JSONB

from services.collector.tables import IdText, metadata, project_table

# A key without project is one of the installation. A session is a key with a parent, and works as long as that does.
access_key_table = Table(
    "access_key",
    metadata,
    Column("key_id", IdText, primary_key=True),
    Column("project", IdText, ForeignKey(project_table.c.project)),
    Column("display_name", Text, nullable=False),
    Column("roles", ARRAY(Text), nullable=False),
    Column("secret_hash", LargeBinary, nullable=False),
    Column("parent_key_id", IdText, ForeignKey("collector.access_key.key_id")),
    Column("create_time", DateTime(timezone=True), nullable=False),
    Column("expire_time", DateTime(timezone=True)),
    Column("revoke_time", DateTime(timezone=True)),
    Column("calls_per_s_limit", Integer, nullable=False, server_default="0"),
    Column("calls_burst_limit", Integer, nullable=False, server_default="0"),
    Column("open_streams_limit", Integer, nullable=False, server_default="0"),
    CheckConstraint("project IS NULL OR NOT 'INSTALLATION_ADMIN' = ANY (roles)", name="access_key_roles"),
    Index("access_key_project", "project", "create_time", "key_id"),
)

login_token_table = Table(
    "login_token",
    metadata,
    Column("token_hash", LargeBinary, primary_key=True),
    Column("key_id", IdText, ForeignKey(access_key_table.c.key_id), nullable=False),
    Column("expire_time", DateTime(timezone=True), nullable=False),
)

# An event without project is one of the installation; one without actor is Assay's own.
audit_event_table = Table(
    "audit_event",
    metadata,
    Column("audit_event_id", BigInteger, Identity(), primary_key=True),
    Column("project", IdText, ForeignKey(project_table.c.project)),
    Column("time", DateTime(timezone=True), nullable=False),
    Column("actor_key_id", IdText),
    Column("action", Text, nullable=False),
    Column("subject", Text, nullable=False),
    Column("details", JSONB, nullable=False),
    Index("audit_event_project", "project", "audit_event_id"),
)
