"""How many scores each project's owner has made, and when the last one: who watches asks for no more."""

from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

_COLUMNS = ("score_count", "score_us")


def upgrade() -> None:
    for name in _COLUMNS:
        op.execute(f"ALTER TABLE analyzer.quality_project ADD COLUMN {name} BIGINT NOT NULL DEFAULT 0")


def downgrade() -> None:
    for name in _COLUMNS:
        op.execute(f"ALTER TABLE analyzer.quality_project DROP COLUMN {name}")
