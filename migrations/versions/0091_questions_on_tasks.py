"""Experts ask owners about tasks and guidelines; answers are counted by the hour."""

import sqlalchemy as sa
from alembic import op

revision = "0091"
down_revision = "0090"
branch_labels = None
depends_on = None

PERSON = "user_account.id"


def upgrade() -> None:
    op.create_table(
        "task_question",
        sa.Column("id", sa.BigInteger, primary_key=True),
        sa.Column("project_id", sa.Integer, sa.ForeignKey("project.id"), nullable=False),
        sa.Column("task_id", sa.BigInteger, sa.ForeignKey("task.id"), nullable=False),
        sa.Column("assignment_id", sa.BigInteger, sa.ForeignKey("assignment.id"), nullable=False),
        sa.Column("expert_id", sa.Integer, sa.ForeignKey(PERSON), nullable=False),
        sa.Column("reference", sa.Uuid, nullable=False),
        sa.Column("about", sa.Text, nullable=False),
        sa.Column("guidelines_version", sa.Integer, nullable=False),
        sa.Column("words", sa.Text, nullable=False),
        sa.Column("asked_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("changed_at", sa.DateTime(timezone=True)),
        sa.Column("answer", sa.Text),
        sa.Column("answer_for", sa.Text),
        sa.Column("answered_by", sa.Integer, sa.ForeignKey(PERSON)),
        sa.Column("answered_at", sa.DateTime(timezone=True)),
        sa.Column("seen_at", sa.DateTime(timezone=True)),
        sa.Column("hidden_at", sa.DateTime(timezone=True)),
        sa.Column("hidden_by", sa.Integer, sa.ForeignKey(PERSON)),
        sa.Column("hidden_reason", sa.Text),
        sa.Column("owner_told_at", sa.DateTime(timezone=True)),
        sa.Column("asker_told_at", sa.DateTime(timezone=True)),
        sa.UniqueConstraint("expert_id", "reference"),
        sa.CheckConstraint("about IN ('task', 'guidelines')", name="about_known"),
        sa.CheckConstraint("answer_for IN ('asker', 'all')", name="answer_for_known"),
        sa.CheckConstraint("length(btrim(words)) BETWEEN 1 AND 2000", name="words_present"),
        sa.CheckConstraint(
            "num_nonnulls(answer, answer_for, answered_by, answered_at) IN (0, 4)",
            name="answered_whole",
        ),
        sa.CheckConstraint(
            "answer IS NULL OR length(btrim(answer)) BETWEEN 1 AND 2000", name="answer_present"
        ),
        sa.CheckConstraint(
            "num_nonnulls(hidden_at, hidden_by, hidden_reason) IN (0, 3)"
            " AND (hidden_reason IS NULL OR length(btrim(hidden_reason)) BETWEEN 20 AND 1000)",
            name="hidden_has_reason",
        ),
    )
    for columns in (("project_id", "answered_at"), ("expert_id", "project_id"), ("task_id",)):
        op.create_index(f"ix_task_question_{'_'.join(columns)}", "task_question", list(columns))
    op.create_index(
        "ix_annotation_project_id_submitted_at", "annotation", ["project_id", "submitted_at"]
    )


def downgrade() -> None:
    op.drop_index("ix_annotation_project_id_submitted_at", "annotation")
    op.drop_table("task_question")
