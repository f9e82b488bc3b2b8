"""What was recommended."""

from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

_STATEMENTS = (
    """
    CREATE TABLE analyzer.ranking (
        project TEXT COLLATE "C" NOT NULL,
        ranking_id TEXT COLLATE "C" NOT NULL,
        make_time TIMESTAMP WITH TIME ZONE NOT NULL,
        task_type TEXT COLLATE "C" NOT NULL,
        question BYTEA NOT NULL,
        ranking BYTEA NOT NULL,
        PRIMARY KEY (project, ranking_id)
    )
    """,
    "CREATE INDEX ranking_made ON analyzer.ranking (project, make_time, ranking_id)",
    "CREATE INDEX ranking_task ON analyzer.ranking (project, task_type, make_time, ranking_id)",
)


def upgrade() -> None:
    for statement in _STATEMENTS:
        op.execute(statement)


def downgrade() -> None:
    op.execute("DROP TABLE analyzer.ranking")
