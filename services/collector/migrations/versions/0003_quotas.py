"""What a project and a key may take of each front."""

from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

_TABLES = ("project", "access_key")
_LIMITS = ("calls_per_s_limit", "calls_burst_limit", "open_streams_limit")


def upgrade() -> None:
    for table in _TABLES:
        for limit in _LIMITS:
            op.execute(f"ALTER TABLE collector.{table} ADD COLUMN {limit} INTEGER NOT NULL DEFAULT 0")


def downgrade() -> None:
    for table in _TABLES:
        for limit in _LIMITS:
            op.execute(f"ALTER TABLE collector.{table} DROP COLUMN {limit}")
