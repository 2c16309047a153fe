"""Interviews, their answers, and the editions of the item banks."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

UTC = sa.DateTime(timezone=True)
JSONB = postgresql.JSONB(none_as_null=True)
FIELDS = "'law', 'medicine', 'finance', 'software', 'linguistics'"


def upgrade() -> None:
    _bank_edition()
    _interview()
    _interview_indexes()
    _response()


def downgrade() -> None:
    for table in ("interview_response", "interview", "bank_edition"):
        op.drop_table(table)
    op.execute("DROP FUNCTION bank_edition_stays()")


def _bank_edition() -> None:
    op.create_table(
        "bank_edition",
        sa.Column("digest", sa.Text, nullable=False),
        sa.Column("field", sa.Text, nullable=False),
        sa.Column("version", sa.Integer, nullable=False),
        sa.Column("content", sa.Text, nullable=False),
        sa.Column("first_used_at", UTC, nullable=False),
        sa.PrimaryKeyConstraint("digest", name="pk_bank_edition"),
        sa.CheckConstraint(f"field IN ({FIELDS})", name=op.f("ck_bank_edition_field_known")),
    )
    op.execute("""
        CREATE FUNCTION bank_edition_stays() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            RAISE EXCEPTION 'an edition of a bank is never changed';
        END $$
    """)
    op.execute("""
        CREATE TRIGGER bank_edition_stays BEFORE UPDATE OR DELETE ON bank_edition
        FOR EACH ROW EXECUTE FUNCTION bank_edition_stays()
    """)


def _interview() -> None:
    op.create_table(
        "interview",
        sa.Column("id", sa.Integer, nullable=False),
        sa.Column("expert_id", sa.Integer, nullable=False),
        sa.Column("field", sa.Text, nullable=False),
        sa.Column("attempt", sa.Integer, nullable=False),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("edition", sa.Text, nullable=False),
        sa.Column("seed", sa.Text, nullable=False),
        sa.Column("plan", JSONB, nullable=False),
        sa.Column("consent_version", sa.Text, nullable=False),
        sa.Column("consented_at", UTC, nullable=False),
        sa.Column("started_at", UTC, nullable=False),
        sa.Column("expires_at", UTC, nullable=False),
        sa.Column("finished_at", UTC),
        sa.Column("scorecard", JSONB),
        sa.Column("level", sa.Float),
        *_decision_columns(),
        *_contest_columns(),
        sa.PrimaryKeyConstraint("id", name="pk_interview"),
        *_interview_keys(),
        *_interview_rules(),
    )


def _decision_columns() -> list[sa.Column]:
    return [
        sa.Column("reason_code", sa.Text),
        sa.Column("reason_words", JSONB),
        sa.Column("evidence", JSONB),
        sa.Column("would_change", JSONB),
        sa.Column("decided_by", sa.Integer),
        sa.Column("decided_rule", sa.Text),
        sa.Column("decided_at", UTC),
        sa.Column("contest_until", UTC),
        sa.Column("retake_from", UTC),
    ]


def _contest_columns() -> list[sa.Column]:
    return [
        sa.Column("contested_at", UTC),
        sa.Column("contest_ground", sa.Text),
        sa.Column("contest_words", sa.Text),
        sa.Column("contest_outcome", sa.Text),
        sa.Column("contest_reply", sa.Text),
        sa.Column("contest_answered_by", sa.Integer),
        sa.Column("contest_answered_at", UTC),
    ]


def _interview_keys() -> list[sa.ForeignKeyConstraint]:
    keys = {
        "expert_id": "expert.user_id",
        "edition": "bank_edition.digest",
        "decided_by": "user_account.id",
        "contest_answered_by": "user_account.id",
    }
    return [
        sa.ForeignKeyConstraint(
            [column], [target], name=f"fk_interview_{column}_{target.partition('.')[0]}"
        )
        for column, target in keys.items()
    ]


def _interview_rules() -> list[sa.CheckConstraint]:
    rules = {
        "field_known": f"field IN ({FIELDS})",
        "state_known": "state IN ('active', 'review', 'passed', 'failed', 'abandoned', 'expired')",
        "reason_code_known": "reason_code IN ('total_below', 'competency_below')",
        "contest_ground_known": "contest_ground IN ('facts', 'rule', 'weight')",
        "contest_outcome_known": "contest_outcome IN ('changed', 'stands')",
        "attempt_counts": "attempt > 0",
        "expires_later": "expires_at > started_at",
        "level_is_share": "level BETWEEN 0 AND 1",
        "finished_once": "(state = 'active') = (finished_at IS NULL)",
        "scored": "state NOT IN ('review', 'passed', 'failed')"
        " OR (scorecard IS NOT NULL AND level IS NOT NULL)",
        "decided_whole": "(state IN ('passed', 'failed')) = (decided_at IS NOT NULL)"
        " AND num_nonnulls(decided_by, decided_rule)"
        " = CASE WHEN decided_at IS NULL THEN 0 ELSE 1 END",
        "failed_has_reason": "state <> 'failed' OR num_nulls(reason_code, reason_words, evidence,"
        " would_change, contest_until, retake_from) = 0",
        "contest_whole": "num_nulls(contested_at, contest_ground, contest_words) IN (0, 3)"
        " AND (contested_at IS NULL OR reason_code IS NOT NULL)",
        "contest_answer_whole": "num_nulls(contest_outcome, contest_reply, contest_answered_by,"
        " contest_answered_at) IN (0, 4) AND (contest_outcome IS NULL OR contested_at IS NOT NULL)",
    }
    return [
        sa.CheckConstraint(rule, name=op.f(f"ck_interview_{name}")) for name, rule in rules.items()
    ]


def _interview_indexes() -> None:
    op.create_index(
        "uq_interview_expert_id_field_active",
        "interview",
        ["expert_id", "field"],
        unique=True,
        postgresql_where=sa.text("state = 'active'"),
    )
    op.create_index("ix_interview_expert_id_field", "interview", ["expert_id", "field"])
    op.create_index(
        "ix_interview_open",
        "interview",
        ["expires_at"],
        postgresql_where=sa.text("state = 'active'"),
    )
    op.create_index(
        "ix_interview_waiting",
        "interview",
        ["id"],
        postgresql_where=sa.text(
            "state = 'review' OR (contested_at IS NOT NULL AND contest_outcome IS NULL)"
        ),
    )
    op.create_index("ix_interview_field_decided_at", "interview", ["field", "decided_at"])


def _response() -> None:
    op.create_table(
        "interview_response",
        sa.Column("id", sa.Integer, nullable=False),
        sa.Column("interview_id", sa.Integer, nullable=False),
        sa.Column("position", sa.Integer, nullable=False),
        sa.Column("item_id", sa.Text, nullable=False),
        sa.Column("language", sa.Text, nullable=False),
        sa.Column("answer", JSONB),
        sa.Column("points", sa.Float, nullable=False),
        sa.Column("mark", JSONB, nullable=False),
        sa.Column("remark", sa.Text, nullable=False),
        sa.Column("shown_at", UTC, nullable=False),
        sa.Column("answered_at", UTC, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_interview_response"),
        sa.ForeignKeyConstraint(
            ["interview_id"], ["interview.id"], name="fk_interview_response_interview_id_interview"
        ),
        sa.UniqueConstraint(
            "interview_id", "position", name="uq_interview_response_interview_id_position"
        ),
        sa.CheckConstraint("position > 0", name=op.f("ck_interview_response_position_counts")),
        sa.CheckConstraint(
            "points BETWEEN 0 AND 1", name=op.f("ck_interview_response_points_are_share")
        ),
    )
