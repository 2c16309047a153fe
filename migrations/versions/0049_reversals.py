"""Transfers that are taken back from experts' accounts, by two people and a decision."""

import sqlalchemy as sa
from alembic import op

revision = "0049"
down_revision = "0048"
branch_labels = None
depends_on = None

STATES = "'proposed', 'withdrawn', 'asking', 'done', 'refused', 'found'"


def upgrade() -> None:
    op.create_table(
        "reversal",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("payout_id", sa.Integer, sa.ForeignKey("payout.id"), nullable=False),
        sa.Column("stripe_transfer_id", sa.Text, nullable=False),
        sa.Column("amount_minor", sa.BigInteger, nullable=False),
        sa.Column("currency", sa.Text, nullable=False),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("cause", sa.Text),
        sa.Column("words", sa.Text),
        sa.Column("evidence", sa.Text),
        sa.Column("request_key", sa.Text, nullable=False),
        sa.Column("proposed_by", sa.Integer, sa.ForeignKey("user_account.id")),
        sa.Column("proposed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("agreed_by", sa.Integer, sa.ForeignKey("user_account.id")),
        sa.Column("asked_at", sa.DateTime(timezone=True)),
        sa.Column("ended_at", sa.DateTime(timezone=True)),
        sa.Column("decision_id", sa.BigInteger, sa.ForeignKey("decision.id")),
        sa.Column("stripe_reversal_id", sa.Text),
        sa.Column("stripe_entry_id", sa.Text),
        sa.Column("trouble", sa.Text),
        sa.CheckConstraint(f"state IN ({STATES})", name="state_known"),
        sa.CheckConstraint(
            "cause IS NULL OR cause IN ('not_reached', 'sent_twice')", name="cause_known"
        ),
        sa.CheckConstraint("amount_minor > 0", name="amount_above_zero"),
        sa.CheckConstraint(
            "state NOT IN ('asking', 'done', 'refused') OR (cause IS NOT NULL"
            " AND decision_id IS NOT NULL AND proposed_by IS NOT NULL AND agreed_by IS NOT NULL"
            " AND agreed_by <> proposed_by)",
            name="by_two_with_a_decision",
        ),
        sa.UniqueConstraint("request_key"),
        sa.UniqueConstraint("stripe_reversal_id"),
    )
    op.create_index("ix_reversal_payout_id", "reversal", ["payout_id"])
    op.create_index(
        "uq_reversal_payout_id_open",
        "reversal",
        ["payout_id"],
        unique=True,
        postgresql_where=sa.text("state IN ('proposed', 'asking')"),
    )


def downgrade() -> None:
    op.drop_table("reversal")
