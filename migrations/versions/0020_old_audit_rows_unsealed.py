"""Audit rows from before the chain wait for their seals; the first sweep seals them."""

from alembic import op

revision = "0020"
down_revision = "0019"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute(
        "INSERT INTO audit_unsealed (event_id) SELECT id FROM audit_event ON CONFLICT DO NOTHING"
    )


def downgrade() -> None:
    pass  # the rows go with their table
