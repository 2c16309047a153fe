"""What checks of the whole ledger have found."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0059"
down_revision = "0058"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "ledger_check",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("moves", sa.BigInteger, nullable=False),
        sa.Column("problems", JSONB, nullable=False),
        sa.CheckConstraint("moves >= 0", name=op.f("ck_ledger_check_moves_counted")),
    )
    op.create_index("ix_ledger_check_at", "ledger_check", ["at"])


def downgrade() -> None:
    op.drop_table("ledger_check")
