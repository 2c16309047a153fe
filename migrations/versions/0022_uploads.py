"""Files that people hand in."""

import sqlalchemy as sa
from alembic import op

revision = "0022"
down_revision = "0021"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "upload",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("key", sa.Text, nullable=False),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("size", sa.Integer, nullable=False),
        sa.Column("sha256", sa.Text, nullable=False),
        sa.Column("by_user_id", sa.Integer, nullable=False),
        sa.Column("purpose", sa.Text, nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.UniqueConstraint("key"),
        sa.CheckConstraint("size > 0", name="size_counts"),
    )
    op.create_index("ix_upload_by_user_id", "upload", ["by_user_id"])
    op.create_foreign_key(
        op.f("fk_appeal_file_upload_id_upload"), "appeal_file", "upload", ["upload_id"], ["id"]
    )


def downgrade() -> None:
    op.drop_constraint(op.f("fk_appeal_file_upload_id_upload"), "appeal_file", type_="foreignkey")
    op.drop_table("upload")
