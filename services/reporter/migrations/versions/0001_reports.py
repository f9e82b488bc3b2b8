"""Reports, what they recommended, schedules and their runs."""

from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

_TABLES = ("schedule_run", "schedule", "recommendation", "report")

# Spelled out, not taken from tables.py, which goes on changing: a test compares what all migrations make with what stands there.
_STATEMENTS = (
    """
    CREATE TABLE reporter.report (
        project TEXT COLLATE "C" NOT NULL,
        report_id TEXT COLLATE "C" NOT NULL,
        asked TEXT NOT NULL,
        title TEXT NOT NULL,
        period SMALLINT NOT NULL,
        start_time TIMESTAMP WITH TIME ZONE NOT NULL,
        end_time TIMESTAMP WITH TIME ZONE NOT NULL,
        time_zone TEXT NOT NULL,
        create_time TIMESTAMP WITH TIME ZONE NOT NULL,
        created_by TEXT NOT NULL,
        schedule_id TEXT COLLATE "C" NOT NULL,
        summary TEXT[] NOT NULL,
        call_count BIGINT NOT NULL,
        recommendation_count INTEGER NOT NULL,
        missing_sources TEXT[] NOT NULL,
        content BYTEA NOT NULL,
        link_key BYTEA NOT NULL,
        PRIMARY KEY (project, report_id)
    )
    """,
    "CREATE INDEX report_listing ON reporter.report (project, create_time, report_id)",
    """
    CREATE TABLE reporter.recommendation (
        project TEXT COLLATE "C" NOT NULL,
        recommendation_id TEXT COLLATE "C" NOT NULL,
        title TEXT NOT NULL,
        content BYTEA NOT NULL,
        state SMALLINT NOT NULL,
        state_time TIMESTAMP WITH TIME ZONE,
        state_by TEXT NOT NULL,
        comment TEXT NOT NULL,
        create_time TIMESTAMP WITH TIME ZONE NOT NULL,
        issue_time TIMESTAMP WITH TIME ZONE NOT NULL,
        report_id TEXT COLLATE "C" NOT NULL,
        version INTEGER NOT NULL,
        PRIMARY KEY (project, recommendation_id)
    )
    """,
    "CREATE INDEX recommendation_listing ON reporter.recommendation (project, create_time, recommendation_id)",
    """
    CREATE TABLE reporter.schedule (
        project TEXT COLLATE "C" NOT NULL,
        schedule_id TEXT COLLATE "C" NOT NULL,
        display_name TEXT NOT NULL,
        period SMALLINT NOT NULL,
        cron TEXT NOT NULL,
        weekday SMALLINT,
        minute_of_day SMALLINT,
        time_zone TEXT NOT NULL,
        receiver_ids TEXT[] NOT NULL,
        is_paused BOOLEAN NOT NULL,
        next_time TIMESTAMP WITH TIME ZONE,
        create_time TIMESTAMP WITH TIME ZONE NOT NULL,
        update_time TIMESTAMP WITH TIME ZONE NOT NULL,
        updated_by TEXT NOT NULL,
        version INTEGER NOT NULL,
        PRIMARY KEY (project, schedule_id)
    )
    """,
    "CREATE INDEX schedule_next_time ON reporter.schedule (next_time)",
    """
    CREATE TABLE reporter.schedule_run (
        project TEXT COLLATE "C" NOT NULL,
        schedule_id TEXT COLLATE "C" NOT NULL,
        due_time TIMESTAMP WITH TIME ZONE NOT NULL,
        state SMALLINT NOT NULL,
        start_time TIMESTAMP WITH TIME ZONE,
        end_time TIMESTAMP WITH TIME ZONE,
        attempt_count INTEGER NOT NULL,
        is_late BOOLEAN NOT NULL,
        report_id TEXT COLLATE "C" NOT NULL,
        detail TEXT NOT NULL,
        retry_time TIMESTAMP WITH TIME ZONE NOT NULL,
        lease_end_time TIMESTAMP WITH TIME ZONE,
        PRIMARY KEY (project, schedule_id, due_time),
        FOREIGN KEY(project, schedule_id) REFERENCES reporter.schedule (project, schedule_id) ON DELETE CASCADE
    )
    """,
    "CREATE INDEX schedule_run_waiting ON reporter.schedule_run (retry_time) WHERE state = 1",
)


def upgrade() -> None:
    for statement in _STATEMENTS:
        op.execute(statement)


def downgrade() -> None:
    for table in _TABLES:
        op.execute(f"DROP TABLE reporter.{table}")
