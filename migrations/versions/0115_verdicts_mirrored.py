"""Verdicts on answers are brought to Label Studio too, also those that were given before."""

import sqlalchemy as sa
from alembic import op

revision = "0115"
down_revision = "0114"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "mirror_verdict",
        sa.Column("assignment_id", sa.BigInteger, sa.ForeignKey("assignment.id"), nullable=False),
        sa.Column("project_id", sa.Integer, sa.ForeignKey("project.id"), nullable=False),
        sa.Column("task_id", sa.BigInteger, sa.ForeignKey("task.id"), nullable=False),
        sa.Column("decided_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("pushed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("push_trouble", sa.Text, nullable=True),
        sa.Column("label_studio_review_id", sa.BigInteger, nullable=True),
        sa.Column("review_trouble", sa.Text, nullable=True),
        sa.PrimaryKeyConstraint("assignment_id", name=op.f("pk_mirror_verdict")),
        sa.CheckConstraint(
            "push_trouble IS NULL OR pushed_at IS NULL",
            name=op.f("ck_mirror_verdict_refused_is_not_there"),
        ),
    )
    # The table is new and nobody waits for it: what was decided before is noted in the same step.
    op.execute(
        "INSERT INTO mirror_verdict (assignment_id, project_id, task_id, decided_at)"
        " SELECT id, project_id, task_id, decided_at FROM assignment WHERE verdict IS NOT NULL"
    )
    op.create_index("ix_mirror_verdict_task_id", "mirror_verdict", ["task_id"])
    op.create_index(
        "ix_mirror_verdict_to_bring",
        "mirror_verdict",
        ["project_id", "task_id"],
        postgresql_where="pushed_at IS NULL AND push_trouble IS NULL",
    )


def downgrade() -> None:
    op.drop_table("mirror_verdict")
