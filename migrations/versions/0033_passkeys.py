"""Keys that devices keep for people, and the number by which a device knows its person."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0033"
down_revision = "0032"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("user_account", sa.Column("fs_webauthn_user_handle", sa.Text))
    op.create_unique_constraint(
        op.f("uq_user_account_fs_webauthn_user_handle"),
        "user_account",
        ["fs_webauthn_user_handle"],
    )
    op.create_table(
        "passkey",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("user_id", sa.Integer, nullable=False),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("credential_id", sa.LargeBinary, nullable=False),
        sa.Column("public_key", sa.LargeBinary, nullable=False),
        sa.Column("sign_count", sa.BigInteger, nullable=False),
        sa.Column("transports", JSONB),
        sa.Column("backup_state", sa.Boolean, nullable=False),
        sa.Column("device_type", sa.Text, nullable=False),
        sa.Column("extensions", sa.Text),
        sa.Column("usage", sa.Text, nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("lastuse_datetime", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["user_id"], ["user_account.id"]),
        sa.UniqueConstraint("credential_id"),
        sa.UniqueConstraint("user_id", "name"),
        sa.CheckConstraint("usage IN ('first', 'secondary')", name="usage_known"),
        sa.CheckConstraint("sign_count >= 0", name="sign_count_counts"),
    )
    op.create_index("ix_passkey_user_id", "passkey", ["user_id"])


def downgrade() -> None:
    op.drop_table("passkey")
    op.drop_constraint(op.f("uq_user_account_fs_webauthn_user_handle"), "user_account")
    op.drop_column("user_account", "fs_webauthn_user_handle")
