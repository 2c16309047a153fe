"""Bonuses by rule: each time that an owner gives one to everybody who meets it."""

import sqlalchemy as sa
from alembic import op

revision = "0071"
down_revision = "0070"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "bonus_giving",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("project_id", sa.Integer, nullable=False),
        sa.Column("rule", sa.Text, nullable=False),
        sa.Column("round", sa.Integer, nullable=False),
        sa.Column("least_tasks", sa.Integer, nullable=False),
        sa.Column("least_agreement", sa.Integer),
        sa.Column("each_minor", sa.BigInteger),
        sa.Column("share_bps", sa.Integer),
        sa.Column("currency", sa.Text, nullable=False),
        sa.Column("people", sa.Integer, nullable=False),
        sa.Column("pay_minor", sa.BigInteger, nullable=False),
        sa.Column("fee_minor", sa.BigInteger, nullable=False),
        sa.Column("words", sa.Text, nullable=False),
        sa.Column("request_key", sa.Text, nullable=False),
        sa.Column("given_by", sa.Integer),
        sa.Column("given_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["project_id"],
            ["project_budget.project_id"],
            name=op.f("fk_bonus_giving_project_id_project_budget"),
        ),
        sa.ForeignKeyConstraint(
            ["given_by"], ["user_account.id"], name=op.f("fk_bonus_giving_given_by_user_account")
        ),
        sa.UniqueConstraint("request_key", name=op.f("uq_bonus_giving_request_key")),
        _check("num_nonnulls(each_minor, share_bps) = 1", "one_amount"),
        _check("each_minor > 0 AND share_bps IS NULL OR share_bps BETWEEN 1 AND 10000", "sound"),
        _check("least_tasks > 0 AND round > 0 AND people > 0", "counts_sound"),
        _check("least_agreement BETWEEN 1 AND 100", "agreement_sound"),
        _check("pay_minor > 0 AND fee_minor >= 0", "amounts_sound"),
    )
    op.create_index("ix_bonus_giving_project_id", "bonus_giving", ["project_id", "rule", "round"])


def downgrade() -> None:
    op.drop_table("bonus_giving")


def _check(condition: str, name: str) -> sa.CheckConstraint:
    return sa.CheckConstraint(condition, name=op.f(f"ck_bonus_giving_{name}"))
