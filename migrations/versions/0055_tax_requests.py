"""What tax details were asked of whom, and when they were reminded."""

import sqlalchemy as sa
from alembic import op

revision = "0055"
down_revision = "0054"
branch_labels = None
depends_on = None


def upgrade() -> None:
    def at(name: str, *, nullable: bool = False) -> sa.Column[object]:
        return sa.Column(name, sa.DateTime(timezone=True), nullable=nullable)

    op.create_table(
        "tax_request",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("expert_id", sa.Integer, sa.ForeignKey("user_account.id"), nullable=False),
        sa.Column("currency", sa.Text, nullable=False),
        sa.Column("credited_minor", sa.BigInteger, nullable=False),
        at("asked_at"),
        at("remind_at"),
        at("remind_again_at"),
        at("hold_from"),
        at("reminded_at", nullable=True),
        at("reminded_again_at", nullable=True),
        sa.Column("decision_id", sa.BigInteger, sa.ForeignKey("decision.id")),
        at("closed_at", nullable=True),
        sa.Column("outcome", sa.Text),
        sa.UniqueConstraint("decision_id"),
        sa.CheckConstraint("outcome IN ('complete', 'excused')", name="outcome_known"),
        sa.CheckConstraint("credited_minor > 0", name="credited_something"),
        sa.CheckConstraint(
            "asked_at < remind_at AND remind_at < remind_again_at AND remind_again_at < hold_from",
            name="dates_in_order",
        ),
        sa.CheckConstraint(
            "reminded_again_at IS NULL OR reminded_at IS NOT NULL", name="reminded_in_order"
        ),
        sa.CheckConstraint(
            "decision_id IS NULL OR reminded_again_at IS NOT NULL", name="held_after_two_reminders"
        ),
        sa.CheckConstraint("num_nulls(closed_at, outcome) IN (0, 2)", name="closed_whole"),
    )
    op.create_index(op.f("ix_tax_request_expert_id"), "tax_request", ["expert_id"])
    op.create_index(
        "uq_tax_request_expert_id_open",
        "tax_request",
        ["expert_id"],
        unique=True,
        postgresql_where=sa.text("closed_at IS NULL"),
    )


def downgrade() -> None:
    op.drop_table("tax_request")
