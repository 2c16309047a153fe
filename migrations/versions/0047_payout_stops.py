"""Payouts of a currency stand still while nobody knows why the books differ."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0047"
down_revision = "0046"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "payout_stop",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("currency", sa.Text, nullable=False),
        sa.Column("unexplained_minor", sa.BigInteger, nullable=False),
        sa.Column("findings", JSONB, nullable=False),
        sa.Column("opened_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("explanation", sa.Text),
        sa.Column("explained_by", sa.Integer, sa.ForeignKey("user_account.id")),
        sa.Column("explained_at", sa.DateTime(timezone=True)),
        sa.Column("released_by", sa.Integer, sa.ForeignKey("user_account.id")),
        sa.Column("ended_at", sa.DateTime(timezone=True)),
        sa.CheckConstraint(
            "num_nulls(explained_by, explained_at, explanation) IN (0, 3)", name="explained_whole"
        ),
        sa.CheckConstraint(
            "released_by IS NULL OR (explained_by IS NOT NULL AND released_by <> explained_by"
            " AND ended_at IS NOT NULL)",
            name="released_by_a_second",
        ),
        sa.CheckConstraint("length(btrim(explanation)) >= 20", name="explanation_said"),
    )
    op.create_index(
        "uq_payout_stop_currency_open",
        "payout_stop",
        ["currency"],
        unique=True,
        postgresql_where=sa.text("ended_at IS NULL"),
    )


def downgrade() -> None:
    op.drop_table("payout_stop")
