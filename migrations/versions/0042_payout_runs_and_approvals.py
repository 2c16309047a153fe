"""Payout runs, and the second person who agrees to what is over a limit."""

import sqlalchemy as sa
from alembic import op

revision = "0042"
down_revision = "0041"
branch_labels = None
depends_on = None

RULES = """
    CREATE FUNCTION payout_needs_approval() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        IF EXISTS (SELECT 1 FROM payout_approval
                   WHERE payout_id = NEW.id AND approved AND amount_minor >= NEW.amount_minor) THEN
            RETURN NEW;
        END IF;
        IF EXISTS (SELECT 1 FROM payout_approval WHERE payout_id = NEW.id)
           OR NEW.amount_minor > (SELECT most_minor FROM payout_limit
                                  WHERE currency = NEW.currency) THEN
            RAISE EXCEPTION 'payout %: a second person has not agreed to it', NEW.id
                USING ERRCODE = 'check_violation';
        END IF;
        RETURN NEW;
    END $$;

    CREATE FUNCTION payout_approval_stays() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        IF TG_OP = 'DELETE' OR OLD.answered_at IS NOT NULL THEN
            RAISE EXCEPTION 'payout_approval: what was answered stays'
                USING ERRCODE = 'check_violation';
        END IF;
        IF (OLD.payout_id, OLD.amount_minor, OLD.currency, OLD.asked_at)
           IS DISTINCT FROM (NEW.payout_id, NEW.amount_minor, NEW.currency, NEW.asked_at)
           OR OLD.asked_by IS DISTINCT FROM NEW.asked_by THEN
            RAISE EXCEPTION 'payout_approval: what was asked stays'
                USING ERRCODE = 'check_violation';
        END IF;
        IF EXISTS (SELECT 1 FROM payout
                   WHERE id = NEW.payout_id AND expert_id = NEW.answered_by) THEN
            RAISE EXCEPTION 'payout_approval: nobody agrees to a payout of their own'
                USING ERRCODE = 'check_violation';
        END IF;
        RETURN NEW;
    END $$;

    CREATE TRIGGER sending_needs_approval BEFORE INSERT OR UPDATE OF state ON payout
        FOR EACH ROW WHEN (NEW.state = 'sending') EXECUTE FUNCTION payout_needs_approval();
    CREATE TRIGGER payout_approval_stays BEFORE UPDATE OR DELETE ON payout_approval
        FOR EACH ROW EXECUTE FUNCTION payout_approval_stays();
"""


def upgrade() -> None:
    _runs()
    op.create_table(
        "payout_limit",
        sa.Column("currency", sa.Text, primary_key=True),
        sa.Column("most_minor", sa.BigInteger, nullable=False),
        sa.CheckConstraint("most_minor >= 0", name="most_sound"),
    )
    _approvals()
    op.execute(RULES)


def downgrade() -> None:
    op.execute("DROP TRIGGER sending_needs_approval ON payout")
    op.drop_table("payout_approval")
    op.execute("DROP FUNCTION payout_approval_stays, payout_needs_approval")
    for table in ("payout_limit", "payout_in_run", "payout_run"):
        op.drop_table(table)


def _runs() -> None:
    op.create_table(
        "payout_run",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("request_key", sa.Text, nullable=False),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("begun_by", sa.Integer, sa.ForeignKey("user_account.id")),
        sa.Column("begun_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("made_at", sa.DateTime(timezone=True)),
        sa.Column("totals", sa.dialects.postgresql.JSONB, nullable=False),
        sa.UniqueConstraint("request_key"),
        sa.CheckConstraint("state IN ('making', 'made')", name="state_known"),
        sa.CheckConstraint("(state = 'made') = (made_at IS NOT NULL)", name="made_dated"),
    )
    op.create_index(
        "uq_payout_run_one_making",
        "payout_run",
        ["state"],
        unique=True,
        postgresql_where=sa.text("state = 'making'"),
    )
    op.create_table(
        "payout_in_run",
        sa.Column("payout_id", sa.Integer, sa.ForeignKey("payout.id"), primary_key=True),
        sa.Column("run_id", sa.Integer, sa.ForeignKey("payout_run.id"), nullable=False),
    )
    op.create_index(op.f("ix_payout_in_run_run_id"), "payout_in_run", ["run_id"])


def _approvals() -> None:
    op.create_table(
        "payout_approval",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("payout_id", sa.Integer, sa.ForeignKey("payout.id"), nullable=False),
        sa.Column("run_id", sa.Integer, sa.ForeignKey("payout_run.id")),
        sa.Column("cause", sa.Text, nullable=False),
        sa.Column("amount_minor", sa.BigInteger, nullable=False),
        sa.Column("limit_minor", sa.BigInteger, nullable=False),
        sa.Column("currency", sa.Text, nullable=False),
        sa.Column("asked_by", sa.Integer, sa.ForeignKey("user_account.id")),
        sa.Column("asked_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("told_at", sa.DateTime(timezone=True)),
        sa.Column("answered_by", sa.Integer, sa.ForeignKey("user_account.id")),
        sa.Column("answered_at", sa.DateTime(timezone=True)),
        sa.Column("approved", sa.Boolean),
        sa.Column("words", sa.Text),
        sa.Column("decision_id", sa.BigInteger, sa.ForeignKey("decision.id")),
        sa.CheckConstraint("cause IN ('payout', 'run')", name="cause_known"),
        sa.CheckConstraint("amount_minor > 0", name="amount_above_zero"),
        sa.CheckConstraint(
            "num_nulls(answered_at, answered_by, approved, words) IN (0, 4)", name="answered_whole"
        ),
        sa.CheckConstraint("answered_by <> asked_by", name="by_another"),
        sa.CheckConstraint(
            "(approved IS FALSE) = (decision_id IS NOT NULL)", name="refusal_has_decision"
        ),
    )
    for column in ("payout_id", "run_id"):
        op.create_index(op.f(f"ix_payout_approval_{column}"), "payout_approval", [column])
    op.create_index(
        "uq_payout_approval_live",
        "payout_approval",
        ["payout_id"],
        unique=True,
        postgresql_where=sa.text("approved IS NOT FALSE"),
    )
    op.create_index(
        "ix_payout_approval_waiting",
        "payout_approval",
        ["asked_at"],
        postgresql_where=sa.text("answered_at IS NULL"),
    )
