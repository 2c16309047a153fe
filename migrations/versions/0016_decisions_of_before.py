"""Refusals and results from before get the decisions that they rest on, and their appeals."""

from alembic import op

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None

# The verdict as it was first taken stands in the request for a second look, where there is one.
WORK = """
    WITH refused AS (
        SELECT a.id, a.expert_id, p.organisation_id, p.title, s.submitted_at,
               coalesce(r.first_decided_at, a.decided_at) AS decided_at,
               coalesce(r.first_decided_by, a.decided_by) AS decided_by,
               coalesce(r.first_reason_code, a.reason_code) AS code,
               coalesce(r.first_reason_clause, a.reason_clause) AS clause,
               coalesce(r.first_reason_words, a.reason_words) AS words,
               coalesce((a.terms ->> 'contest_days')::int, 14) AS contest_days,
               CASE WHEN a.state = 'partly_accepted' THEN 'work_partly_accepted'
                    ELSE 'work_rejected' END AS kind
        FROM assignment a
        JOIN project p ON p.id = a.project_id
        JOIN annotation s ON s.assignment_id = a.id
        LEFT JOIN review_request r ON r.assignment_id = a.id
        WHERE a.state IN ('rejected', 'partly_accepted') OR r.id IS NOT NULL
    ), made AS (
        INSERT INTO decision (kind, person_id, subject, title, path, organisation_id, decided_at,
            effective_at, decided_by, rule, rule_version, reason_code, reason_words, evidence,
            would_change, contest_until)
        SELECT kind, expert_id, 'assignment:' || id, jsonb_build_object('en', title),
            '/work/' || id, organisation_id, decided_at, decided_at, decided_by,
            CASE WHEN decided_by IS NULL THEN 'unknown' END,
            CASE WHEN decided_by IS NULL THEN '0' END, code,
            jsonb_build_object('en', coalesce(clause || ': ', '') || words),
            jsonb_build_array(jsonb_build_object('words', jsonb_build_object(
                'en', 'What you handed in.', 'fr', 'Ce que vous avez remis.'), 'quote', '',
                'language', '', 'path', '/work/' || id, 'at', submitted_at)),
            jsonb_build_object('en', 'Work as the reviewer describes it above.',
                'fr', 'Un travail tel que le relecteur le décrit ci-dessus.'),
            decided_at + contest_days * interval '1 day'
        FROM refused RETURNING id, subject
    )
    UPDATE assignment SET decision_id = made.id FROM made
    WHERE made.subject = 'assignment:' || assignment.id
"""
WORK_APPEALS = """
    INSERT INTO appeal (decision_id, ground, words, asked_at, answer_by, outcome, reply,
        answered_by, answered_at)
    SELECT a.decision_id, 'facts', rpad(r.words, 20, '.'), r.asked_at,
        r.asked_at + interval '14 days', r.outcome, r.answer_words, r.answered_by, r.answered_at
    FROM review_request r JOIN assignment a ON a.id = r.assignment_id
"""
INTERVIEWS = """
    WITH made AS (
        INSERT INTO decision (kind, person_id, subject, title, path, decided_at, effective_at,
            decided_by, rule, rule_version, reason_code, reason_words, evidence, would_change,
            contest_until)
        SELECT 'interview_failed', expert_id, 'interview:' || id,
            jsonb_build_object('en', 'Interview: ' || field, 'fr', 'Entretien : ' || field),
            '/interviews/' || id || '/result', decided_at, decided_at, decided_by, decided_rule,
            CASE WHEN decided_rule IS NOT NULL THEN '1' END, reason_code, reason_words,
            jsonb_build_array(jsonb_build_object('words', jsonb_build_object(
                'en', 'Your answers with their points.', 'fr', 'Vos réponses et leurs points.'),
                'quote', '', 'language', '', 'path', '/interviews/' || id || '/result',
                'at', finished_at)),
            would_change, contest_until
        FROM interview
        WHERE reason_code IS NOT NULL
        RETURNING id, subject
    )
    UPDATE interview SET decision_id = made.id FROM made
    WHERE made.subject = 'interview:' || interview.id
"""
INTERVIEW_APPEALS = """
    INSERT INTO appeal (decision_id, ground, words, asked_at, answer_by, outcome, reply,
        answered_by, answered_at)
    SELECT decision_id, contest_ground, contest_words, contested_at,
        contested_at + interval '14 days', contest_outcome, contest_reply, contest_answered_by,
        contest_answered_at
    FROM interview WHERE contested_at IS NOT NULL
"""


def upgrade() -> None:
    for statement in (WORK, WORK_APPEALS, INTERVIEWS, INTERVIEW_APPEALS):
        op.execute(statement)


def downgrade() -> None:
    """Nothing to undo: the tables that hold them go with 0015."""
