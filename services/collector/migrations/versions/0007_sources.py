"""Who sends calls, and which of their fields they fill in."""

from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute(
        """
        CREATE TABLE collector.source (
            project_id INTEGER NOT NULL,
            key_id TEXT COLLATE "C" NOT NULL,
            sender TEXT COLLATE "C" NOT NULL,
            version TEXT NOT NULL,
            first_time TIMESTAMP WITH TIME ZONE NOT NULL,
            last_time TIMESTAMP WITH TIME ZONE NOT NULL,
            call_count BIGINT NOT NULL,
            field_call_counts BIGINT[] NOT NULL,
            filled_counts BIGINT[] NOT NULL,
            unfilled_runs BIGINT[] NOT NULL,
            last_fill_times TIMESTAMP WITH TIME ZONE[] NOT NULL,
            PRIMARY KEY (project_id, key_id, sender)
        )
        """
    )


def downgrade() -> None:
    op.execute("DROP TABLE collector.source")
