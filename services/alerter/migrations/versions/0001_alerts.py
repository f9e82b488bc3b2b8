"""Projects, rules, alerts, what became of them, and what the life cycle remembers."""

from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

_TABLES = ("rule_state", "transition", "alert", "rule", "project")

# Spelled out, not taken from tables.py, which goes on changing: a test compares what all migrations make with what stands there.
_STATEMENTS = (
    """
    CREATE TABLE alerter.alert (
        alert_id TEXT COLLATE "C" NOT NULL,
        project TEXT COLLATE "C" NOT NULL,
        rule_id TEXT COLLATE "C" NOT NULL,
        rule_name TEXT NOT NULL,
        labels JSONB NOT NULL,
        state SMALLINT NOT NULL,
        severity SMALLINT NOT NULL,
        start_time TIMESTAMP WITH TIME ZONE NOT NULL,
        fire_time TIMESTAMP WITH TIME ZONE,
        acknowledge_time TIMESTAMP WITH TIME ZONE,
        resolve_time TIMESTAMP WITH TIME ZONE,
        acknowledged_by TEXT NOT NULL,
        summary TEXT NOT NULL,
        observed DOUBLE PRECISION,
        threshold DOUBLE PRECISION,
        unit TEXT NOT NULL,
        description TEXT NOT NULL,
        anomaly_id TEXT NOT NULL,
        version INTEGER NOT NULL,
        change_time TIMESTAMP WITH TIME ZONE NOT NULL,
        PRIMARY KEY (alert_id)
    )
    """,
    "CREATE INDEX alert_change_time ON alerter.alert (project, change_time)",
    "CREATE INDEX alert_start_time ON alerter.alert (project, start_time, alert_id)",
    "CREATE INDEX alert_unresolved ON alerter.alert (project) WHERE state <> 4",
    """
    CREATE TABLE alerter.project (
        project TEXT COLLATE "C" NOT NULL,
        generation BIGINT NOT NULL,
        owner TEXT NOT NULL,
        lease_end_time TIMESTAMP WITH TIME ZONE NOT NULL,
        PRIMARY KEY (project)
    )
    """,
    """
    CREATE TABLE alerter.rule (
        project TEXT COLLATE "C" NOT NULL,
        rule_id TEXT COLLATE "C" NOT NULL,
        definition JSONB NOT NULL,
        create_time TIMESTAMP WITH TIME ZONE NOT NULL,
        update_time TIMESTAMP WITH TIME ZONE NOT NULL,
        updated_by TEXT NOT NULL,
        version INTEGER NOT NULL,
        PRIMARY KEY (project, rule_id)
    )
    """,
    """
    CREATE TABLE alerter.rule_state (
        project TEXT COLLATE "C" NOT NULL,
        rule_id TEXT COLLATE "C" NOT NULL,
        group_key TEXT COLLATE "C" NOT NULL,
        alert_id TEXT COLLATE "C" NOT NULL,
        contrary_time TIMESTAMP WITH TIME ZONE,
        unknown_time TIMESTAMP WITH TIME ZONE,
        return_count INTEGER NOT NULL,
        is_held BOOLEAN NOT NULL,
        PRIMARY KEY (project, rule_id, group_key)
    )
    """,
    "CREATE INDEX rule_state_alert ON alerter.rule_state (alert_id)",
    """
    CREATE TABLE alerter.transition (
        alert_id TEXT COLLATE "C" NOT NULL,
        version INTEGER NOT NULL,
        time TIMESTAMP WITH TIME ZONE NOT NULL,
        from_state SMALLINT,
        to_state SMALLINT NOT NULL,
        cause TEXT NOT NULL,
        actor TEXT NOT NULL,
        observed DOUBLE PRECISION,
        PRIMARY KEY (alert_id, version)
    )
    """,
)


def upgrade() -> None:
    for statement in _STATEMENTS:
        op.execute(statement)


def downgrade() -> None:
    for table in _TABLES:
        op.execute(f"DROP TABLE alerter.{table}")
