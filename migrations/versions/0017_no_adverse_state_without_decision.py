"""The database refuses an adverse state without its decision; decisions stay as they were taken."""

import sqlalchemy as sa
from alembic import op

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None

FUNCTIONS = """
    -- Erasure alone may blank words in a decision or an appeal, and says so for its transaction.
    CREATE FUNCTION is_erasing() RETURNS boolean LANGUAGE sql STABLE AS $$
        SELECT coalesce(current_setting('doyen.erasing', true), '') = 'on'
    $$;

    CREATE FUNCTION decision_stays() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        IF TG_OP = 'UPDATE' AND is_erasing() AND (to_jsonb(NEW) - ARRAY[
               'title', 'reason_words', 'evidence', 'would_change'])
           = (to_jsonb(OLD) - ARRAY['title', 'reason_words', 'evidence', 'would_change'])
        THEN RETURN NEW; END IF;
        RAISE EXCEPTION 'decisions are only ever added';
    END $$;

    CREATE FUNCTION appeal_fits() RETURNS trigger LANGUAGE plpgsql AS $$
    DECLARE against decision;
    BEGIN
        IF TG_OP = 'DELETE' OR TG_OP = 'TRUNCATE' THEN
            RAISE EXCEPTION 'appeals are never deleted';
        END IF;
        SELECT * INTO against FROM decision WHERE id = NEW.decision_id;
        IF TG_OP = 'INSERT' THEN
            IF against.contest_until IS NULL OR NEW.asked_at > against.contest_until THEN
                RAISE EXCEPTION 'this decision cannot be contested, or no longer'
                    USING ERRCODE = 'check_violation';
            END IF;
        ELSE
            IF (to_jsonb(NEW) - ARRAY['escalated_at', 'outcome', 'reply', 'answered_by',
                    'answered_at'] - CASE WHEN is_erasing() THEN ARRAY['words'] ELSE '{}' END)
                <> (to_jsonb(OLD) - ARRAY['escalated_at', 'outcome', 'reply', 'answered_by',
                    'answered_at'] - CASE WHEN is_erasing() THEN ARRAY['words'] ELSE '{}' END)
               OR (OLD.outcome IS NOT NULL AND NOT is_erasing())
            THEN
                RAISE EXCEPTION 'an appeal is answered once, and stays as it was written'
                    USING ERRCODE = 'check_violation';
            END IF;
        END IF;
        IF NEW.answered_by IN (against.decided_by, against.second_by, against.person_id) THEN
            RAISE EXCEPTION 'who decided, and whom it concerns, cannot answer the appeal'
                USING ERRCODE = 'check_violation';
        END IF;
        RETURN NEW;
    END $$;

    -- Arguments: the kind, what the subject begins with, the columns of its number and person.
    CREATE FUNCTION needs_decision() RETURNS trigger LANGUAGE plpgsql AS $$
    DECLARE changed jsonb := to_jsonb(NEW);
    BEGIN
        PERFORM 1 FROM decision
        WHERE id = (changed ->> 'decision_id')::bigint AND kind = TG_ARGV[0]
          AND subject = TG_ARGV[1] || ':' || (changed ->> TG_ARGV[2])
          AND person_id = (changed ->> TG_ARGV[3])::int;
        IF NOT FOUND THEN
            RAISE EXCEPTION '%: no decision of kind % with its reasons', TG_TABLE_NAME, TG_ARGV[0]
                USING ERRCODE = 'check_violation';
        END IF;
        RETURN NEW;
    END $$;

    CREATE TRIGGER decision_stays BEFORE UPDATE OR DELETE ON decision
        FOR EACH ROW EXECUTE FUNCTION decision_stays();
    CREATE TRIGGER decision_is_never_emptied BEFORE TRUNCATE ON decision
        EXECUTE FUNCTION refuse_change();
    CREATE TRIGGER appeal_fits BEFORE INSERT OR UPDATE OR DELETE ON appeal
        FOR EACH ROW EXECUTE FUNCTION appeal_fits();

    CREATE TRIGGER rejected_has_decision BEFORE INSERT OR UPDATE ON assignment
        FOR EACH ROW WHEN (NEW.state = 'rejected')
        EXECUTE FUNCTION needs_decision('work_rejected', 'assignment', 'id', 'expert_id');
    CREATE TRIGGER partly_accepted_has_decision BEFORE INSERT OR UPDATE ON assignment
        FOR EACH ROW WHEN (NEW.state = 'partly_accepted')
        EXECUTE FUNCTION needs_decision('work_partly_accepted', 'assignment', 'id', 'expert_id');
    CREATE TRIGGER failed_has_decision BEFORE INSERT OR UPDATE ON interview
        FOR EACH ROW WHEN (NEW.state = 'failed')
        EXECUTE FUNCTION needs_decision('interview_failed', 'interview', 'id', 'expert_id');
"""
CONTEST = {
    "contested_at": sa.DateTime(timezone=True),
    "contest_ground": sa.Text,
    "contest_words": sa.Text,
    "contest_outcome": sa.Text,
    "contest_reply": sa.Text,
    "contest_answered_by": sa.Integer,
    "contest_answered_at": sa.DateTime(timezone=True),
}


def upgrade() -> None:
    op.execute(FUNCTIONS)
    op.drop_table("review_request")
    op.drop_index("ix_interview_waiting", "interview")
    for column in CONTEST:
        op.drop_column("interview", column)
    op.create_index(
        "ix_interview_waiting", "interview", ["id"], postgresql_where=sa.text("state = 'review'")
    )


def downgrade() -> None:
    """Give the old places back, empty: what was contested stays with the appeals."""
    op.drop_index("ix_interview_waiting", "interview")
    for column, kind in CONTEST.items():
        op.add_column("interview", sa.Column(column, kind))
    op.create_foreign_key(
        op.f("fk_interview_contest_answered_by_user_account"),
        "interview",
        "user_account",
        ["contest_answered_by"],
        ["id"],
    )
    for name, rule in OLD_RULES.items():
        op.create_check_constraint(op.f(f"ck_interview_{name}"), "interview", rule)
    op.create_index(
        "ix_interview_waiting",
        "interview",
        ["id"],
        postgresql_where=sa.text(
            "state = 'review' OR (contested_at IS NOT NULL AND contest_outcome IS NULL)"
        ),
    )
    _review_request()
    for trigger, table in TRIGGERS.items():
        op.execute(f"DROP TRIGGER {trigger} ON {table}")
    for function in ("needs_decision", "appeal_fits", "decision_stays", "is_erasing"):
        op.execute(f"DROP FUNCTION {function}")


TRIGGERS = {
    "decision_stays": "decision",
    "decision_is_never_emptied": "decision",
    "appeal_fits": "appeal",
    "rejected_has_decision": "assignment",
    "partly_accepted_has_decision": "assignment",
    "failed_has_decision": "interview",
}
OLD_RULES = {
    "contest_ground_known": "contest_ground IN ('facts', 'rule', 'weight')",
    "contest_outcome_known": "contest_outcome IN ('changed', 'stands')",
    "contest_whole": (
        "num_nulls(contested_at, contest_ground, contest_words) IN (0, 3)"
        " AND (contested_at IS NULL OR reason_code IS NOT NULL)"
    ),
    "contest_answer_whole": (
        "num_nulls(contest_outcome, contest_reply, contest_answered_by, contest_answered_at)"
        " IN (0, 4) AND (contest_outcome IS NULL OR contested_at IS NOT NULL)"
    ),
}


def _review_request() -> None:
    op.create_table(
        "review_request",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("assignment_id", sa.BigInteger, sa.ForeignKey("assignment.id"), nullable=False),
        sa.Column("project_id", sa.Integer, sa.ForeignKey("project.id"), nullable=False),
        sa.Column("words", sa.Text, nullable=False),
        sa.Column("asked_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("first_reason_code", sa.Text, nullable=False),
        sa.Column("first_reason_clause", sa.Text),
        sa.Column("first_reason_words", sa.Text, nullable=False),
        sa.Column("first_decided_by", sa.Integer, sa.ForeignKey("user_account.id")),
        sa.Column("first_decided_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("outcome", sa.Text),
        sa.Column("answer_words", sa.Text),
        sa.Column("answered_by", sa.Integer, sa.ForeignKey("user_account.id")),
        sa.Column("answered_at", sa.DateTime(timezone=True)),
        sa.UniqueConstraint("assignment_id"),
        sa.CheckConstraint("outcome IN ('changed', 'stands')", name="outcome_known"),
        sa.CheckConstraint(
            "(outcome IS NULL) = (answered_at IS NULL)"
            " AND (outcome IS NULL) = (answered_by IS NULL)"
            " AND (outcome IS NULL OR length(btrim(coalesce(answer_words, ''))) >= 20)",
            name="answered_whole",
        ),
    )
    op.create_index(
        "ix_review_request_open",
        "review_request",
        ["project_id", "id"],
        postgresql_where=sa.text("outcome IS NULL"),
    )
