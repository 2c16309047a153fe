"""Media files: which are not on the disk as they came in, and which went after a project's end."""

import sqlalchemy as sa
from alembic import op

revision = "0111"
down_revision = "0110"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("task_media", sa.Column("trouble", sa.Text))
    op.add_column("task_media", sa.Column("removed_at", sa.DateTime(timezone=True)))
    op.create_check_constraint(
        "trouble_known", "task_media", "trouble IN ('missing', 'length', 'content', 'unreadable')"
    )
    op.create_index(
        "ix_task_media_trouble",
        "task_media",
        ["project_id"],
        postgresql_where=sa.text("trouble IS NOT NULL"),
    )
    op.create_table(
        "media_watch",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("last_id", sa.BigInteger, nullable=False, server_default="0"),
        sa.Column("read_id", sa.BigInteger, nullable=False, server_default="0"),
        sa.Column("round_at", sa.DateTime(timezone=True)),
        sa.CheckConstraint("id = 1", name="only_one"),
    )
    op.execute("INSERT INTO media_watch (id) VALUES (1)")
    op.create_table(
        "media_end",
        sa.Column(
            "project_id",
            sa.Integer,
            sa.ForeignKey("project.id"),
            primary_key=True,
            autoincrement=False,
        ),
        sa.Column("told_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("removed_at", sa.DateTime(timezone=True)),
        sa.CheckConstraint("due_at > told_at", name="told_before"),
    )


def downgrade() -> None:
    op.drop_table("media_end")
    op.drop_table("media_watch")
    op.drop_index("ix_task_media_trouble", "task_media")
    op.drop_column("task_media", "removed_at")
    op.drop_column("task_media", "trouble")
