"""What is said in interviews with a language model, outages of it, and suggestions for profiles."""

import sqlalchemy as sa
from alembic import op

revision = "0081"
down_revision = "0080"
branch_labels = None
depends_on = None

TRIGGERS = """
    -- The words go with the answers of the interview; nothing else ever changes. At most two
    -- questions follow an answer.
    CREATE FUNCTION turn_stays() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        IF TG_OP = 'INSERT' THEN
            IF NEW.kind = 'follow_up' AND (
                SELECT count(*) FROM interview_turn WHERE interview_id = NEW.interview_id
                AND position = NEW.position AND kind = 'follow_up') >= 2
            THEN
                RAISE EXCEPTION 'at most two questions follow an answer'
                    USING ERRCODE = 'check_violation';
            END IF;
            RETURN NEW;
        END IF;
        IF TG_OP = 'UPDATE' AND NEW.text IS NULL AND NEW.remark IN ('', OLD.remark)
           AND (to_jsonb(NEW) - ARRAY['text', 'remark']) = (to_jsonb(OLD) - ARRAY['text', 'remark'])
        THEN RETURN NEW; END IF;
        RAISE EXCEPTION 'turns are only ever added';
    END $$;
    CREATE TRIGGER turn_stays BEFORE INSERT OR UPDATE OR DELETE ON interview_turn
        FOR EACH ROW EXECUTE FUNCTION turn_stays();
    CREATE TRIGGER turns_are_never_emptied BEFORE TRUNCATE ON interview_turn
        EXECUTE FUNCTION refuse_change();
"""


def upgrade() -> None:
    _turns()
    _talks()
    _outages()
    _suggestions()
    op.execute(TRIGGERS)


def downgrade() -> None:
    for table in ("profile_suggestion", "model_outage", "interview_talk", "interview_turn"):
        op.drop_table(table)
    op.execute("DROP FUNCTION turn_stays")


def _turns() -> None:
    rules = {
        "role_known": "role IN ('interviewer', 'candidate')",
        "kind_known": "kind IN ('opening', 'follow_up', 'answer', 'notice')",
        "written_by_known": "written_by IN ('model', 'template')",
        "number_counts": "number > 0",
        "position_counts": "position > 0",
        "candidates_answer": "(role = 'candidate') = (kind = 'answer')",
        "writer_named": "(role = 'interviewer') = (written_by IS NOT NULL)",
        "follows_a_question": "kind <> 'follow_up' OR position IS NOT NULL",
        "opens_before_questions": "kind <> 'opening' OR position IS NULL",
    }
    op.create_table(
        "interview_turn",
        sa.Column("id", sa.Integer, primary_key=True),
        _of_interview(),
        sa.Column("number", sa.Integer, nullable=False),
        sa.Column("role", sa.Text, nullable=False),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("position", sa.Integer),
        sa.Column("text", sa.Text),
        sa.Column("remark", sa.Text, nullable=False),
        sa.Column("language", sa.Text, nullable=False),
        sa.Column("written_by", sa.Text),
        sa.Column("model_call_id", sa.BigInteger, sa.ForeignKey("model_call.id")),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.UniqueConstraint("interview_id", "number"),
        *_rules("interview_turn", rules),
    )


def _talks() -> None:
    rules = {
        "language_is_code": "language ~ '^[a-z]{2,3}$'",
        "claimed_whole": "num_nulls(claim_number, claim, claimed_at) IN (0, 3)",
    }
    op.create_table(
        "interview_talk",
        sa.Column(
            "interview_id",
            sa.Integer,
            sa.ForeignKey("interview.id"),
            primary_key=True,
            autoincrement=False,
        ),
        sa.Column("language", sa.Text, nullable=False),
        sa.Column("topics", sa.dialects.postgresql.JSONB, nullable=False),
        sa.Column("opening_over_at", sa.DateTime(timezone=True)),
        sa.Column("claim_number", sa.Integer),
        sa.Column("claim", sa.Text),
        sa.Column("claimed_at", sa.DateTime(timezone=True)),
        *_rules("interview_talk", rules),
    )


def _outages() -> None:
    op.create_table(
        "model_outage",
        sa.Column("id", sa.Integer, primary_key=True),
        _of_interview(),
        sa.Column("began_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True)),
        *_rules("model_outage", {"ends_later": "ended_at >= began_at"}),
    )
    op.create_index("ix_model_outage_interview_id", "model_outage", ["interview_id"])
    op.create_index(
        "uq_model_outage_interview_id_open",
        "model_outage",
        ["interview_id"],
        unique=True,
        postgresql_where=sa.text("ended_at IS NULL"),
    )


def _suggestions() -> None:
    rules = {
        "part_known": "part IN ('headline', 'about', 'years', 'licence')",
        "state_known": "state IN ('open', 'accepted', 'declined')",
        "answered_once": "(state = 'open') = (answered_at IS NULL)",
        "has_quote": "length(btrim(quote)) > 0",
    }
    op.create_table(
        "profile_suggestion",
        sa.Column("id", sa.Integer, primary_key=True),
        _of_interview(),
        sa.Column("turn_id", sa.Integer, sa.ForeignKey("interview_turn.id"), nullable=False),
        sa.Column("part", sa.Text, nullable=False),
        sa.Column("value", sa.dialects.postgresql.JSONB, nullable=False),
        sa.Column("quote", sa.Text, nullable=False),
        sa.Column("llm_model", sa.Text),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("answered_at", sa.DateTime(timezone=True)),
        sa.UniqueConstraint("turn_id", "part"),
        *_rules("profile_suggestion", rules),
    )
    op.create_index("ix_profile_suggestion_interview_id", "profile_suggestion", ["interview_id"])


def _of_interview() -> sa.Column[int]:
    return sa.Column("interview_id", sa.Integer, sa.ForeignKey("interview.id"), nullable=False)


def _rules(table: str, rules: dict[str, str]) -> list[sa.CheckConstraint]:
    return [
        sa.CheckConstraint(rule, name=op.f(f"ck_{table}_{name}")) for name, rule in rules.items()
    ]
