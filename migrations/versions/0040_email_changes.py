"""Changing the e-mail address of an account, and whose an invitation to an old address is."""

import sqlalchemy as sa
from alembic import op

revision = "0040"
down_revision = "0039"
branch_labels = None
depends_on = None

TIME = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.create_table(
        "email_change",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("user_id", sa.Integer, nullable=False),
        sa.Column("email", sa.Text, nullable=False),
        sa.Column("token_hash", sa.Text),
        sa.Column("letter_id", sa.Integer),
        sa.Column("asked_at", TIME, nullable=False),
        sa.Column("expires_at", TIME, nullable=False),
        sa.Column("done_at", TIME),
        sa.ForeignKeyConstraint(
            ["user_id"], ["user_account.id"], name=op.f("fk_email_change_user_id_user_account")
        ),
        sa.ForeignKeyConstraint(
            ["letter_id"],
            ["letter.id"],
            name=op.f("fk_email_change_letter_id_letter"),
            ondelete="SET NULL",
        ),
        sa.UniqueConstraint("user_id", name=op.f("uq_email_change_user_id")),
        sa.UniqueConstraint("token_hash", name=op.f("uq_email_change_token_hash")),
        _check("email = lower(email)", "email_lower"),
        _check("expires_at > asked_at", "expires_later"),
        _check("done_at IS NULL OR token_hash IS NOT NULL", "done_by_link"),
    )
    op.add_column("member_invitation", sa.Column("user_id", sa.Integer))
    op.create_foreign_key(
        op.f("fk_member_invitation_user_id_user_account"),
        "member_invitation",
        "user_account",
        ["user_id"],
        ["id"],
    )
    op.create_index("ix_member_invitation_user_id", "member_invitation", ["user_id"])


def downgrade() -> None:
    op.drop_column("member_invitation", "user_id")
    op.drop_table("email_change")


def _check(condition: str, name: str) -> sa.CheckConstraint:
    return sa.CheckConstraint(condition, name=op.f(f"ck_email_change_{name}"))
