"""What passed interviews have proven in each competency, from their scorecards."""

from alembic import op

revision = "0078"
down_revision = "0077"
branch_labels = None
depends_on = None

# A year, as for skills; what is above the floor of the bank that the interview was scored by.
PROVEN = """
    INSERT INTO competency_proof (expert_id, field, competency, level, low, high, interview_id,
        edition, rule, proven_at, expires_at)
    SELECT interview.expert_id, interview.field, part.key,
        (part.value ->> 'share')::float,
        least((part.value ->> 'low')::float, (part.value ->> 'share')::float),
        greatest((part.value ->> 'high')::float, (part.value ->> 'share')::float),
        interview.id, interview.edition,
        coalesce(interview.decided_rule, bank_edition.content::jsonb #>> '{rule,code}', ''),
        interview.decided_at, interview.decided_at + interval '365 days'
    FROM interview
    JOIN bank_edition ON bank_edition.digest = interview.edition,
        jsonb_each(interview.scorecard -> 'competencies') AS part
    WHERE interview.state = 'passed'
        AND (part.value ->> 'share')::float
            >= (bank_edition.content::jsonb #>> '{rule,floor}')::float - 1e-9
    ON CONFLICT DO NOTHING
"""


def upgrade() -> None:
    op.execute(PROVEN)


def downgrade() -> None:
    op.execute("DELETE FROM competency_proof")
