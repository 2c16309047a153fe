"""What Stripe will ask for later, what is overdue, by when, and why an account is stopped."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0057"
down_revision = "0056"
branch_labels = None
depends_on = None


def upgrade() -> None:
    for name in ("overdue", "due_later"):
        op.add_column(
            "payee", sa.Column(name, postgresql.JSONB, nullable=False, server_default="[]")
        )
        op.alter_column("payee", name, server_default=None)
    op.add_column("payee", sa.Column("due_at", sa.DateTime(timezone=True)))
    op.add_column("payee", sa.Column("stopped_for", sa.Text))


def downgrade() -> None:
    for name in ("overdue", "due_later", "due_at", "stopped_for"):
        op.drop_column("payee", name)
