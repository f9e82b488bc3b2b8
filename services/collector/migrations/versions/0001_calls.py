"""Projects, calls, evidence, tasks, roll-ups and the ledger."""

from alembic import op

from services.collector import tables

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

_TABLES = (
    tables.project_table,
    tables.stream_table,
    tables.message_table,
    tables.series_table,
    tables.price_version_table,
    tables.call_table,
    tables.evidence_table,
    tables.score_table,
    tables.task_table,
    tables.task_pending_table,
    tables.rollup_pending_table,
    tables.rollup_table,
    tables.ledger_table,
    tables.dead_letter_table,
)


def upgrade() -> None:
    tables.metadata.create_all(op.get_bind(), tables=_TABLES)
    # A blob is compact already: PostgreSQL's own compression would cost time and win little.
    for table, column in (("rollup", "measures"), ("rollup", "entries"), ("rollup_pending", "body")):
        op.execute(f"ALTER TABLE collector.{table} ALTER COLUMN {column} SET STORAGE EXTERNAL")


def downgrade() -> None:
    tables.metadata.drop_all(op.get_bind(), tables=_TABLES)
