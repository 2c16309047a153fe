"""How often something was tried."""

import sqlalchemy as sa
from alembic import op

revision = "0031"
down_revision = "0030"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "rate_count",
        sa.Column("key", sa.Text, primary_key=True),
        sa.Column("count", sa.Integer, nullable=False),
        sa.Column("ends_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("count > 0", name="counts"),
    )
    op.create_index("ix_rate_count_ends_at", "rate_count", ["ends_at"])


def downgrade() -> None:
    op.drop_table("rate_count")
