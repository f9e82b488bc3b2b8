"""What was asked to be erased."""

from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

_UP = (
    """
    CREATE TABLE collector.erasure (
        project_id INTEGER NOT NULL,
        erasure_id TEXT COLLATE "C" NOT NULL,
        kind SMALLINT NOT NULL,
        label_key TEXT NOT NULL,
        value TEXT NOT NULL,
        fingerprint TEXT NOT NULL,
        actor_key_id TEXT NOT NULL,
        request_time TIMESTAMP WITH TIME ZONE NOT NULL,
        due_time TIMESTAMP WITH TIME ZONE,
        done_time TIMESTAMP WITH TIME ZONE,
        pass_count SMALLINT NOT NULL,
        wait_incarnation TEXT NOT NULL,
        wait_sequence BIGINT NOT NULL,
        task_ids TEXT[] NOT NULL,
        call_count BIGINT NOT NULL,
        task_count BIGINT NOT NULL,
        evidence_count BIGINT NOT NULL,
        PRIMARY KEY (project_id, erasure_id)
    )
    """,
    "CREATE INDEX erasure_due ON collector.erasure (due_time) WHERE due_time IS NOT NULL",
)


def upgrade() -> None:
    for statement in _UP:
        op.execute(statement)


def downgrade() -> None:
    op.execute("DROP TABLE collector.erasure")
