"""Experts' standing, licences that are not recognised, and withheld payouts, each by a decision."""

import sqlalchemy as sa
from alembic import op

revision = "0018"
down_revision = "0017"
branch_labels = None
depends_on = None

TRIGGERS = """
    CREATE TRIGGER restricted_has_decision BEFORE INSERT OR UPDATE ON expert
        FOR EACH ROW WHEN (NEW.standing = 'restricted')
        EXECUTE FUNCTION needs_decision('expert_restricted', 'expert', 'user_id', 'user_id');
    CREATE TRIGGER removed_has_decision BEFORE INSERT OR UPDATE ON expert
        FOR EACH ROW WHEN (NEW.standing = 'removed')
        EXECUTE FUNCTION needs_decision('expert_removed', 'expert', 'user_id', 'user_id');
    CREATE TRIGGER refused_has_decision BEFORE INSERT OR UPDATE ON licence
        FOR EACH ROW WHEN (NEW.refused_at IS NOT NULL)
        EXECUTE FUNCTION needs_decision('credential_refused', 'licence', 'id', 'expert_id');
    CREATE TRIGGER hold_has_decision BEFORE INSERT OR UPDATE ON payout_hold
        FOR EACH ROW
        EXECUTE FUNCTION needs_decision('payout_withheld', 'expert', 'expert_id', 'expert_id');
"""


def upgrade() -> None:
    op.add_column("expert", sa.Column("standing", sa.Text, nullable=False, server_default="active"))
    op.add_column("licence", sa.Column("refused_at", sa.DateTime(timezone=True)))
    for table in ("expert", "licence"):
        op.add_column(table, sa.Column("decision_id", sa.BigInteger))
        op.create_foreign_key(
            op.f(f"fk_{table}_decision_id_decision"), table, "decision", ["decision_id"], ["id"]
        )
        op.create_unique_constraint(op.f(f"uq_{table}_decision_id"), table, ["decision_id"])
    op.create_check_constraint(
        op.f("ck_expert_standing_known"),
        "expert",
        "standing IN ('active', 'restricted', 'removed')",
    )
    op.create_check_constraint(
        op.f("ck_expert_standing_decided"),
        "expert",
        "(standing = 'active') = (decision_id IS NULL)",
    )
    _proposal()
    _hold()
    op.execute(TRIGGERS)


def downgrade() -> None:
    for trigger, table in (
        ("restricted_has_decision", "expert"),
        ("removed_has_decision", "expert"),
        ("refused_has_decision", "licence"),
    ):
        op.execute(f"DROP TRIGGER {trigger} ON {table}")
    op.drop_table("payout_hold")
    op.drop_table("restriction_proposal")
    op.drop_column("licence", "decision_id")
    op.drop_column("licence", "refused_at")
    op.drop_constraint(op.f("ck_expert_standing_decided"), "expert", type_="check")
    op.drop_constraint(op.f("ck_expert_standing_known"), "expert", type_="check")
    op.drop_column("expert", "decision_id")
    op.drop_column("expert", "standing")


def _proposal() -> None:
    op.create_table(
        "restriction_proposal",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("expert_id", sa.Integer, sa.ForeignKey("expert.user_id"), nullable=False),
        sa.Column("standing", sa.Text, nullable=False),
        sa.Column("reason_code", sa.Text, nullable=False),
        sa.Column("language", sa.Text, nullable=False),
        sa.Column("words", sa.Text, nullable=False),
        sa.Column("evidence", sa.Text, nullable=False),
        sa.Column("would_change", sa.Text, nullable=False),
        sa.Column("proposed_by", sa.Integer, sa.ForeignKey("user_account.id"), nullable=False),
        sa.Column("proposed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("answered_by", sa.Integer, sa.ForeignKey("user_account.id")),
        sa.Column("answered_at", sa.DateTime(timezone=True)),
        sa.Column("confirmed", sa.Boolean),
        sa.CheckConstraint("standing IN ('restricted', 'removed')", name="standing_known"),
        sa.CheckConstraint(
            "answered_by <> proposed_by OR NOT confirmed", name="confirmed_by_another"
        ),
        sa.CheckConstraint(
            "num_nulls(answered_at, answered_by, confirmed) IN (0, 3)", name="answered_whole"
        ),
    )
    op.create_index(
        "uq_restriction_proposal_expert_id_open",
        "restriction_proposal",
        ["expert_id"],
        unique=True,
        postgresql_where=sa.text("answered_at IS NULL"),
    )


def _hold() -> None:
    op.create_table(
        "payout_hold",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("expert_id", sa.Integer, sa.ForeignKey("user_account.id"), nullable=False),
        sa.Column("decision_id", sa.BigInteger, sa.ForeignKey("decision.id"), nullable=False),
        sa.Column("held_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("lifted_at", sa.DateTime(timezone=True)),
        sa.Column("lifted_by", sa.Integer, sa.ForeignKey("user_account.id")),
        sa.UniqueConstraint("decision_id"),
        sa.CheckConstraint("num_nulls(lifted_at, lifted_by) IN (0, 2)", name="lifted_whole"),
    )
    op.create_index(
        "uq_payout_hold_expert_id_open",
        "payout_hold",
        ["expert_id"],
        unique=True,
        postgresql_where=sa.text("lifted_at IS NULL"),
    )
