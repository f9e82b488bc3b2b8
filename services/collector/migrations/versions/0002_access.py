"""Keys, logins and the audit log."""

from alembic import op

from services.collector.access.tables import access_key_table, audit_event_table, login_token_table
from services.collector.tables import metadata

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

_TABLES = (access_key_table, login_token_table, audit_event_table)


def upgrade() -> None:
    metadata.create_all(op.get_bind(), tables=_TABLES)


def downgrade() -> None:
    metadata.drop_all(op.get_bind(), tables=_TABLES)
