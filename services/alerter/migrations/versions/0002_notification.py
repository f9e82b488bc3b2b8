"""Silences, receivers, how a project is told of its alerts, what was told, and the outbox."""

from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

_TABLES = ("delivery_attachment", "delivery_attempt", "delivery", "notification_group", "notification_policy", "receiver", "silence")

_STATEMENTS = (
    """
    CREATE TABLE alerter.silence (
        project TEXT COLLATE "C" NOT NULL,
        silence_id TEXT COLLATE "C" NOT NULL,
        matchers TEXT[] NOT NULL,
        author TEXT NOT NULL,
        comment TEXT NOT NULL,
        start_time TIMESTAMP WITH TIME ZONE NOT NULL,
        end_time TIMESTAMP WITH TIME ZONE NOT NULL,
        create_time TIMESTAMP WITH TIME ZONE NOT NULL,
        update_time TIMESTAMP WITH TIME ZONE NOT NULL,
        PRIMARY KEY (project, silence_id)
    )
    """,
    "CREATE INDEX silence_end_time ON alerter.silence (project, end_time)",
    """
    CREATE TABLE alerter.receiver (
        project TEXT COLLATE "C" NOT NULL,
        receiver_id TEXT COLLATE "C" NOT NULL,
        kind TEXT NOT NULL,
        config JSONB NOT NULL,
        secrets BYTEA NOT NULL,
        display_name TEXT NOT NULL,
        hears_end BOOLEAN NOT NULL,
        hears_acknowledgement BOOLEAN NOT NULL,
        rate_per_min INTEGER NOT NULL,
        subject_template TEXT NOT NULL,
        text_template TEXT NOT NULL,
        create_time TIMESTAMP WITH TIME ZONE NOT NULL,
        update_time TIMESTAMP WITH TIME ZONE NOT NULL,
        updated_by TEXT NOT NULL,
        version INTEGER NOT NULL,
        paced_until TIMESTAMP WITH TIME ZONE NOT NULL,
        PRIMARY KEY (project, receiver_id)
    )
    """,
    """
    CREATE TABLE alerter.notification_policy (
        project TEXT COLLATE "C" NOT NULL,
        definition JSONB NOT NULL,
        update_time TIMESTAMP WITH TIME ZONE NOT NULL,
        updated_by TEXT NOT NULL,
        version INTEGER NOT NULL,
        look_time TIMESTAMP WITH TIME ZONE,
        seen TEXT NOT NULL,
        PRIMARY KEY (project)
    )
    """,
    """
    CREATE TABLE alerter.notification_group (
        group_id TEXT COLLATE "C" NOT NULL,
        project TEXT COLLATE "C" NOT NULL,
        route_id TEXT COLLATE "C" NOT NULL,
        labels JSONB NOT NULL,
        open_time TIMESTAMP WITH TIME ZONE NOT NULL,
        level SMALLINT NOT NULL,
        members BYTEA NOT NULL,
        told_time TIMESTAMP WITH TIME ZONE,
        repeat_count INTEGER NOT NULL,
        message_count INTEGER NOT NULL,
        receivers TEXT[] NOT NULL,
        next_step SMALLINT,
        round_count SMALLINT,
        step_time TIMESTAMP WITH TIME ZONE,
        PRIMARY KEY (group_id)
    )
    """,
    "CREATE INDEX notification_group_project ON alerter.notification_group (project)",
    """
    CREATE TABLE alerter.delivery (
        delivery_id TEXT COLLATE "C" NOT NULL,
        project TEXT COLLATE "C" NOT NULL,
        receiver_id TEXT COLLATE "C" NOT NULL,
        thread TEXT COLLATE "C" NOT NULL,
        number INTEGER NOT NULL,
        title TEXT NOT NULL,
        content JSONB NOT NULL,
        state SMALLINT NOT NULL,
        create_time TIMESTAMP WITH TIME ZONE NOT NULL,
        due_time TIMESTAMP WITH TIME ZONE NOT NULL,
        lease_end_time TIMESTAMP WITH TIME ZONE,
        attempt_count INTEGER NOT NULL,
        end_time TIMESTAMP WITH TIME ZONE,
        reference TEXT NOT NULL,
        content_hash TEXT NOT NULL,
        PRIMARY KEY (delivery_id)
    )
    """,
    "CREATE INDEX delivery_listing ON alerter.delivery (project, create_time, delivery_id)",
    "CREATE INDEX delivery_thread ON alerter.delivery (project, receiver_id, thread, number)",
    "CREATE INDEX delivery_waiting ON alerter.delivery (project, receiver_id, due_time) WHERE state = 1",
    """
    CREATE TABLE alerter.delivery_attempt (
        delivery_id TEXT COLLATE "C" NOT NULL,
        attempt INTEGER NOT NULL,
        start_time TIMESTAMP WITH TIME ZONE NOT NULL,
        elapsed_s DOUBLE PRECISION,
        result SMALLINT,
        detail TEXT NOT NULL,
        PRIMARY KEY (delivery_id, attempt),
        FOREIGN KEY(delivery_id) REFERENCES alerter.delivery (delivery_id) ON DELETE CASCADE
    )
    """,
    """
    CREATE TABLE alerter.delivery_attachment (
        delivery_id TEXT COLLATE "C" NOT NULL,
        position SMALLINT NOT NULL,
        name TEXT NOT NULL,
        content_type TEXT NOT NULL,
        content BYTEA NOT NULL,
        PRIMARY KEY (delivery_id, position),
        FOREIGN KEY(delivery_id) REFERENCES alerter.delivery (delivery_id) ON DELETE CASCADE
    )
    """,
)


def upgrade() -> None:
    for statement in _STATEMENTS:
        op.execute(statement)


def downgrade() -> None:
    for table in _TABLES:
        op.execute(f"DROP TABLE alerter.{table}")
