"""Copies of their data that people ask for, erasures, and the runs of retention."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0025"
down_revision = "0024"
branch_labels = None
depends_on = None

UTC = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.create_table(
        "data_export",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("user_id", sa.Integer, sa.ForeignKey("user_account.id"), nullable=False),
        sa.Column("key", sa.Text, nullable=False),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("language", sa.Text, nullable=False),
        sa.Column("asked_at", UTC, nullable=False),
        sa.Column("held_until", UTC),
        sa.Column("attempts", sa.Integer, nullable=False),
        sa.Column("ready_at", UTC),
        sa.Column("expires_at", UTC),
        sa.Column("size_bytes", sa.BigInteger, nullable=False),
        sa.Column("row_count", sa.BigInteger, nullable=False),
        sa.Column("trouble", sa.Text),
        sa.UniqueConstraint("key"),
        sa.CheckConstraint("state IN ('making', 'ready', 'failed', 'gone')", name="state_known"),
        sa.CheckConstraint(
            "(state = 'ready') <= (ready_at IS NOT NULL AND expires_at IS NOT NULL)",
            name="ready_whole",
        ),
    )
    op.create_index(
        "uq_data_export_user_id_making",
        "data_export",
        ["user_id"],
        unique=True,
        postgresql_where=sa.text("state = 'making'"),
    )
    op.create_index("ix_data_export_user_id_id", "data_export", ["user_id", "id"])
    _erasure()
    op.create_table(
        "retention_run",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("at", UTC, nullable=False),
        sa.Column("counts", JSONB, nullable=False),
    )
    op.create_index("ix_retention_run_at", "retention_run", ["at"])


def downgrade() -> None:
    op.drop_table("retention_run")
    op.drop_table("erasure")
    op.drop_table("data_export")


def _erasure() -> None:
    op.create_table(
        "erasure",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("user_id", sa.Integer, sa.ForeignKey("user_account.id"), nullable=False),
        sa.Column("language", sa.Text, nullable=False),
        sa.Column("asked_at", UTC, nullable=False),
        sa.Column("due_at", UTC, nullable=False),
        sa.Column("undone_at", UTC),
        sa.Column("blocked_at", UTC),
        sa.Column("done_at", UTC),
        sa.Column("key", sa.Text),
        sa.Column("letter_id", sa.Integer),
        sa.Column("files", JSONB, nullable=False),
        sa.CheckConstraint("due_at >= asked_at", name="due_later"),
        sa.CheckConstraint("num_nonnulls(undone_at, done_at) < 2", name="ends_once"),
    )
    op.create_index(
        "uq_erasure_user_id_open",
        "erasure",
        ["user_id"],
        unique=True,
        postgresql_where=sa.text("undone_at IS NULL"),
    )
    op.create_index(
        "ix_erasure_due",
        "erasure",
        ["due_at"],
        postgresql_where=sa.text("num_nonnulls(undone_at, done_at) = 0"),
    )
