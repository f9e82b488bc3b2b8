"""What was read of evidence, the scores made of it, and each project's weights."""

from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

_STATEMENTS = (
    """
    CREATE TABLE analyzer.quality_project (
        project TEXT COLLATE "C" NOT NULL,
        position BIGINT NOT NULL DEFAULT 0,
        weights_version INTEGER NOT NULL DEFAULT 0,
        weights TEXT NOT NULL DEFAULT '',
        keep_content BOOLEAN NOT NULL DEFAULT false,
        PRIMARY KEY (project)
    )
    """,
    """
    CREATE TABLE analyzer.evidence_reading (
        project TEXT COLLATE "C" NOT NULL,
        evidence_id TEXT COLLATE "C" NOT NULL,
        is_task BOOLEAN NOT NULL,
        subject_id TEXT COLLATE "C" NOT NULL,
        observe_us BIGINT NOT NULL,
        reader_version INTEGER NOT NULL,
        readings TEXT NOT NULL,
        evidence BYTEA NOT NULL,
        content BYTEA,
        PRIMARY KEY (project, evidence_id)
    )
    """,
    "CREATE INDEX evidence_reading_subject ON analyzer.evidence_reading (project, is_task, subject_id)",
    """
    CREATE TABLE analyzer.score (
        project TEXT COLLATE "C" NOT NULL,
        is_task BOOLEAN NOT NULL,
        subject_id TEXT COLLATE "C" NOT NULL,
        version BIGINT NOT NULL,
        provider TEXT COLLATE "C",
        model TEXT COLLATE "C",
        task_type TEXT COLLATE "C",
        prompt_name TEXT COLLATE "C",
        prompt_version TEXT COLLATE "C",
        start_us BIGINT,
        score DOUBLE PRECISION,
        low DOUBLE PRECISION,
        high DOUBLE PRECISION,
        deviation DOUBLE PRECISION,
        component_scores DOUBLE PRECISION[] NOT NULL,
        evidence_count INTEGER NOT NULL,
        weights_version INTEGER NOT NULL,
        reader_version INTEGER NOT NULL,
        score_us BIGINT NOT NULL,
        body TEXT NOT NULL,
        is_due BOOLEAN NOT NULL,
        is_told BOOLEAN NOT NULL,
        locate_us BIGINT,
        locate_count INTEGER NOT NULL,
        PRIMARY KEY (project, is_task, subject_id)
    )
    """,
    "CREATE INDEX score_start ON analyzer.score (project, start_us)",
    "CREATE INDEX score_due ON analyzer.score (project) WHERE is_due",
    "CREATE INDEX score_untold ON analyzer.score (project) WHERE NOT is_told",
    "CREATE INDEX score_locate ON analyzer.score (project, locate_us) WHERE locate_us IS NOT NULL",
)


def upgrade() -> None:
    for statement in _STATEMENTS:
        op.execute(statement)


def downgrade() -> None:
    for table in ("score", "evidence_reading", "quality_project"):
        op.execute(f"DROP TABLE analyzer.{table}")
