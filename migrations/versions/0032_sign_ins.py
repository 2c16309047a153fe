"""The browsers in which people are signed in."""

import sqlalchemy as sa
from alembic import op

revision = "0032"
down_revision = "0031"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "sign_in",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("user_id", sa.Integer, nullable=False),
        sa.Column("secret_hash", sa.Text, nullable=False),
        sa.Column("begun_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("seen_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("address", sa.Text, nullable=False),
        sa.Column("browser", sa.Text, nullable=False),
        sa.Column("system", sa.Text, nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True)),
        sa.Column("how_ended", sa.Text),
        sa.ForeignKeyConstraint(["user_id"], ["user_account.id"]),
        sa.UniqueConstraint("secret_hash"),
        sa.CheckConstraint(
            "how_ended IN ('signed_out', 'remote', 'security')", name="how_ended_known"
        ),
        sa.CheckConstraint("(ended_at IS NULL) = (how_ended IS NULL)", name="end_is_whole"),
        sa.CheckConstraint("seen_at >= begun_at", name="seen_after_begun"),
    )
    op.create_index("ix_sign_in_user_id", "sign_in", ["user_id"])
    op.create_index("ix_sign_in_seen_at", "sign_in", ["seen_at"])


def downgrade() -> None:
    op.drop_table("sign_in")
