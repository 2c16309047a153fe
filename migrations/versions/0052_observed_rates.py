"""What is known of the time that a project's tasks take."""

import sqlalchemy as sa
from alembic import op

revision = "0052"
down_revision = "0051"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "project_rate",
        sa.Column("project_id", sa.Integer, sa.ForeignKey("project.id"), primary_key=True),
        sa.Column("answers", sa.Integer, nullable=False),
        sa.Column("experts", sa.Integer, nullable=False),
        sa.Column("lower_seconds", sa.Integer, nullable=False),
        sa.Column("median_seconds", sa.Integer, nullable=False),
        sa.Column("upper_seconds", sa.Integer, nullable=False),
        sa.Column("observed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("under_since", sa.DateTime(timezone=True)),
        sa.CheckConstraint("answers > 0 AND experts > 0", name="counts_sound"),
        sa.CheckConstraint(
            "0 < lower_seconds AND lower_seconds <= median_seconds"
            " AND median_seconds <= upper_seconds",
            name="times_in_order",
        ),
    )


def downgrade() -> None:
    op.drop_table("project_rate")
