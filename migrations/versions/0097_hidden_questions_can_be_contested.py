"""Hiding a question is a decision about whoever asked, with reason, evidence and appeal."""

import sqlalchemy as sa
from alembic import op

revision = "0097"
down_revision = "0096"
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
# Whoever asked what is hidden already may contest it from now on.
DECIDE = f"""
    WITH made AS (
        INSERT INTO decision (kind, person_id, subject, title, path, organisation_id, decided_at,
            effective_at, decided_by, reason_code, reason_words, evidence, would_change,
            contest_until)
        SELECT '{ADDED}', q.expert_id, 'task_question:' || q.id,
            jsonb_build_object('en', 'A question of yours in “' || p.title || '”'),
            '/work/' || q.assignment_id, p.organisation_id, q.hidden_at, q.hidden_at, q.hidden_by,
            '{ADDED}', jsonb_build_object(p.language, q.hidden_reason),
            jsonb_build_array(jsonb_build_object(
                'words', jsonb_build_object('en', 'What was asked.'), 'quote', q.words,
                'language', p.language, 'path', '/work/' || q.assignment_id, 'at', q.asked_at)),
            jsonb_build_object('en', 'A question that names nobody, gives no answer away and'
                || ' insults nobody. You may ask again in other words.'),
            now() + interval '14 days'
        FROM task_question q JOIN project p ON p.id = q.project_id
        WHERE q.hidden_at IS NOT NULL
        RETURNING id, subject
    )
    UPDATE task_question q SET decision_id = made.id FROM made
    WHERE made.subject = 'task_question:' || q.id
"""  # noqa: S608 - our own constant
TRIGGER = f"""
    CREATE TRIGGER hidden_has_decision BEFORE INSERT OR UPDATE ON task_question
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
    op.execute(DECIDE)
    op.execute(TRIGGER)


def downgrade() -> None:
    op.execute("DROP TRIGGER hidden_has_decision ON task_question")
    op.drop_column("task_question", "decision_id")
    _kinds(KINDS)


def _kinds(every: tuple[str, ...]) -> None:
    listed = ", ".join(f"'{kind}'" for kind in every)
    name = op.f("ck_decision_kind_known")
    op.drop_constraint(name, "decision", type_="check")
    op.create_check_constraint(name, "decision", f"kind IN ({listed})")
