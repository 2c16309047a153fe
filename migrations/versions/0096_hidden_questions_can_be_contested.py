"""Hiding a question is a decision about whoever asked, with reason, evidence and appeal."""

import sqlalchemy as sa
from alembic import op

revision = "0096"
down_revision = "0095"
branch_labels = None
depends_on = None

KINDS = (
    "interview_failed",
    "work_rejected",
    "work_partly_accepted",
    "expert_restricted",
    "expert_removed",
    "payout_withheld",
    "credential_refused",
    "sample_failed",
    "interview_passed",
    "work_accepted",
    "sample_passed",
)
ADDED = "question_hidden"
# Only the act of hiding: what was hidden before this came stays as it is.
TRIGGERS = f"""
    CREATE TRIGGER hidden_has_decision BEFORE UPDATE ON task_question
        FOR EACH ROW WHEN (NEW.hidden_at IS NOT NULL AND OLD.hidden_at IS NULL)
        EXECUTE FUNCTION needs_decision('{ADDED}', 'task_question', 'id', 'expert_id');
    CREATE TRIGGER born_hidden_has_decision BEFORE INSERT ON task_question
        FOR EACH ROW WHEN (NEW.hidden_at IS NOT NULL)
        EXECUTE FUNCTION needs_decision('{ADDED}', 'task_question', 'id', 'expert_id');
"""


def upgrade() -> None:
    _kinds((*KINDS[:8], ADDED, *KINDS[8:]))
    decision = sa.ForeignKey("decision.id", name=op.f("fk_task_question_decision_id_decision"))
    op.add_column("task_question", sa.Column("decision_id", sa.BigInteger, decision, nullable=True))
    op.create_unique_constraint(
        op.f("uq_task_question_decision_id"), "task_question", ["decision_id"]
    )
    op.execute(TRIGGERS)


def downgrade() -> None:
    op.execute("DROP TRIGGER hidden_has_decision ON task_question")
    op.execute("DROP TRIGGER born_hidden_has_decision ON task_question")
    op.drop_column("task_question", "decision_id")
    _kinds(KINDS)


def _kinds(every: tuple[str, ...]) -> None:
    listed = ", ".join(f"'{kind}'" for kind in every)
    name = op.f("ck_decision_kind_known")
    op.drop_constraint(name, "decision", type_="check")
    op.create_check_constraint(name, "decision", f"kind IN ({listed})")
