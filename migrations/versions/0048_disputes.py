"""Payments that a bank asks back, and projects that stand still meanwhile."""

import sqlalchemy as sa
from alembic import op

revision = "0048"
down_revision = "0047"
branch_labels = None
depends_on = None

STATES = (
    "warning_needs_response",
    "warning_under_review",
    "warning_closed",
    "needs_response",
    "under_review",
    "won",
    "lost",
    "prevented",
)


def upgrade() -> None:
    listed = ", ".join(f"'{state}'" for state in STATES)
    op.create_table(
        "dispute",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("stripe_dispute_id", sa.Text, nullable=False),
        sa.Column("stripe_charge_id", sa.Text, nullable=False),
        sa.Column("deposit_id", sa.Integer, sa.ForeignKey("deposit.id")),
        sa.Column("project_id", sa.Integer, sa.ForeignKey("project_budget.project_id")),
        sa.Column("amount_minor", sa.BigInteger, nullable=False),
        sa.Column("currency", sa.Text, nullable=False),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("has_evidence", sa.Boolean, nullable=False),
        sa.Column("due_at", sa.DateTime(timezone=True)),
        sa.Column("opened_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("read_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("closed_at", sa.DateTime(timezone=True)),
        sa.Column("borne_minor", sa.BigInteger, nullable=False),
        sa.Column("lost_minor", sa.BigInteger, nullable=False),
        sa.CheckConstraint(f"state IN ({listed})", name="state_known"),
        sa.CheckConstraint("amount_minor > 0", name="amount_above_zero"),
        sa.CheckConstraint("borne_minor >= 0 AND lost_minor >= 0", name="shares_sound"),
        sa.UniqueConstraint("stripe_dispute_id"),
    )
    op.create_index("ix_dispute_stripe_charge_id", "dispute", ["stripe_charge_id"])
    op.create_index("ix_dispute_project_id", "dispute", ["project_id"])
    op.create_index("ix_dispute_due", "dispute", ["due_at"])
    op.add_column("project_budget", sa.Column("frozen_at", sa.DateTime(timezone=True)))


def downgrade() -> None:
    op.drop_column("project_budget", "frozen_at")
    op.drop_table("dispute")
