"""Judges, readings of answers in words, the frozen set and its gate."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0082"
down_revision = "0081"
branch_labels = None
depends_on = None

FIELDS = ("law", "medicine", "finance", "software", "linguistics")
OUTCOMES = ("read", "doubted", "nonsense", "refused")
WHY = (
    "points",
    "not_found",
    "disagree",
    "doubt",
    "nonsense",
    "refused",
    "down",
    "budget",
    "gate",
    "no_model",
    "consent",
    "frozen",
)
PURPOSES = ("outcome", "frozen")
FROZEN = """
    CREATE FUNCTION frozen_answer_stays() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        IF TG_OP = 'DELETE' THEN
            -- Only with the answer of an interview, when its person is erased.
            IF OLD.response_id IS NULL THEN
                RAISE EXCEPTION 'the starter set stays' USING ERRCODE = 'restrict_violation';
            END IF;
            RETURN OLD;
        END IF;
        IF OLD.frozen_at IS NOT NULL
            OR (NEW.id, NEW.key, NEW.field, NEW.item_id, NEW.rubric, NEW.language, NEW.words,
                NEW.response_id, NEW.added_by, NEW.added_at)
            IS DISTINCT FROM (OLD.id, OLD.key, OLD.field, OLD.item_id, OLD.rubric, OLD.language,
                OLD.words, OLD.response_id, OLD.added_by, OLD.added_at) THEN
            RAISE EXCEPTION 'a frozen answer stays as it is' USING ERRCODE = 'restrict_violation';
        END IF;
        RETURN NEW;
    END $$;
    CREATE TRIGGER frozen_answer_stays BEFORE UPDATE OR DELETE ON frozen_answer
        FOR EACH ROW EXECUTE FUNCTION frozen_answer_stays();
    CREATE FUNCTION frozen_reading_stays() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        IF TG_OP = 'UPDATE' OR (TG_OP = 'INSERT' AND EXISTS (
            SELECT 1 FROM frozen_answer WHERE id = NEW.frozen_id AND frozen_at IS NOT NULL
        )) THEN
            RAISE EXCEPTION 'readings of a frozen answer stay'
                USING ERRCODE = 'restrict_violation';
        END IF;
        RETURN NEW;
    END $$;
    CREATE TRIGGER frozen_reading_stays BEFORE INSERT OR UPDATE ON frozen_reading
        FOR EACH ROW EXECUTE FUNCTION frozen_reading_stays();
    CREATE TRIGGER judge_gate_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON judge_gate
        FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
"""


def upgrade() -> None:
    op.create_table(
        "judge_version",
        sa.Column("digest", sa.Text, primary_key=True),
        sa.Column("prompts", sa.Text, nullable=False),
        sa.Column("models", postgresql.JSONB, nullable=False),
        sa.Column("form", sa.Text, nullable=False),
        _at("first_used_at", nullable=False),
    )
    op.create_table(
        "answer_judging",
        _id(),
        _response(),
        _version(),
        sa.Column("judge", sa.Integer, nullable=False),
        sa.Column("outcome", sa.Text, nullable=False),
        sa.Column("readings", postgresql.JSONB),
        _at("at", nullable=False),
        sa.UniqueConstraint("response_id", "version", "judge"),
        _known("answer_judging", "outcome", OUTCOMES),
        _check("answer_judging", "two_judges", "judge IN (1, 2)"),
        _check("answer_judging", "read_whole", "(outcome = 'read') = (readings IS NOT NULL)"),
    )
    op.create_table(
        "interview_reading",
        sa.Column("interview_id", sa.Integer, sa.ForeignKey("interview.id"), primary_key=True),
        sa.Column("phase", sa.Text, nullable=False),
        _at("begun_at", nullable=False),
        _at("due_at", nullable=False),
        _at("held_until"),
        _version(nullable=True),
        sa.Column("why", sa.Text),
        _at("last_read_at"),
        _at("settled_at"),
        _known("interview_reading", "phase", ("judges", "people", "read")),
        _known("interview_reading", "why", WHY),
    )
    op.create_index(
        "ix_interview_reading_open",
        "interview_reading",
        ["phase"],
        postgresql_where=sa.text("phase <> 'read'"),
    )
    op.create_table(
        "answer_to_read",
        _id(),
        _response(),
        sa.Column("purpose", sa.Text, nullable=False),
        sa.Column("why", sa.Text, nullable=False),
        _at("added_at", nullable=False),
        _at("due_at", nullable=False),
        _person("held_by"),
        _at("held_until"),
        _at("read_at"),
        sa.UniqueConstraint("response_id", "purpose"),
        _known("answer_to_read", "purpose", PURPOSES),
        _known("answer_to_read", "why", WHY),
        _check("answer_to_read", "held_whole", "(held_by IS NULL) = (held_until IS NULL)"),
    )
    op.create_index(
        "ix_answer_to_read_waiting",
        "answer_to_read",
        ["due_at"],
        postgresql_where=sa.text("read_at IS NULL"),
    )
    op.create_table(
        "answer_reading",
        _id(),
        _response(),
        _person("reader_id", nullable=False),
        sa.Column("purpose", sa.Text, nullable=False),
        sa.Column("readings", postgresql.JSONB, nullable=False),
        sa.Column("points", sa.Float, nullable=False),
        sa.Column("forms", postgresql.JSONB, nullable=False),
        sa.Column("judges", postgresql.JSONB),
        _version(nullable=True),
        _at("read_at", nullable=False),
        _at("undone_at"),
        _known("answer_reading", "purpose", PURPOSES),
        _check("answer_reading", "points_are_share", "points BETWEEN 0 AND 1"),
    )
    op.create_index(
        "uq_answer_reading_response_id_reader_id",
        "answer_reading",
        ["response_id", "reader_id"],
        unique=True,
        postgresql_where=sa.text("undone_at IS NULL"),
    )
    op.create_index("ix_answer_reading_read_at", "answer_reading", ["read_at"])
    op.create_table(
        "frozen_answer",
        _id(),
        sa.Column("key", sa.Text, nullable=False, unique=True),
        sa.Column("field", sa.Text, nullable=False),
        sa.Column("item_id", sa.Text, nullable=False),
        sa.Column("rubric", sa.Text, nullable=False),
        sa.Column("language", sa.Text, nullable=False),
        sa.Column("words", sa.Text),
        sa.Column("response_id", sa.Integer, sa.ForeignKey("interview_response.id"), unique=True),
        _person("added_by"),
        _at("added_at", nullable=False),
        _at("frozen_at"),
        _known("frozen_answer", "field", FIELDS),
        _check("frozen_answer", "language_read", "language IN ('en', 'fr')"),
        _check("frozen_answer", "one_source", "num_nonnulls(words, response_id) = 1"),
    )
    op.create_index("ix_frozen_answer_field", "frozen_answer", ["field"])
    op.create_table(
        "frozen_reading",
        _id(),
        _frozen(),
        _person("reader_id"),
        sa.Column("met", postgresql.JSONB, nullable=False),
    )
    op.create_index(
        "uq_frozen_reading_frozen_id_reader_id",
        "frozen_reading",
        ["frozen_id", "reader_id"],
        unique=True,
        postgresql_nulls_not_distinct=True,
    )
    op.create_table(
        "judge_run",
        _id(),
        _version(),
        _person("asked_by"),
        _at("begun_at", nullable=False),
        _at("held_until"),
        _at("finished_at"),
        sa.Column("results", postgresql.JSONB),
        _check("judge_run", "finished_whole", "(finished_at IS NULL) = (results IS NULL)"),
    )
    op.create_index(
        "uq_judge_run_version_open",
        "judge_run",
        ["version"],
        unique=True,
        postgresql_where=sa.text("finished_at IS NULL"),
    )
    op.create_table(
        "judge_run_reading",
        _id(),
        sa.Column("run_id", sa.BigInteger, sa.ForeignKey("judge_run.id"), nullable=False),
        _frozen(),
        sa.Column("judge", sa.Integer, nullable=False),
        sa.Column("outcome", sa.Text, nullable=False),
        sa.Column("met", postgresql.JSONB),
        _at("at", nullable=False),
        sa.UniqueConstraint("run_id", "frozen_id", "judge"),
        _known("judge_run_reading", "outcome", OUTCOMES),
        _check("judge_run_reading", "two_judges", "judge IN (1, 2)"),
        _check("judge_run_reading", "read_whole", "(outcome = 'read') = (met IS NOT NULL)"),
    )
    op.create_table(
        "judge_gate",
        _id(),
        _version(),
        sa.Column("field", sa.Text, nullable=False),
        sa.Column("is_open", sa.Boolean, nullable=False),
        sa.Column("run_id", sa.BigInteger, sa.ForeignKey("judge_run.id")),
        _person("by"),
        sa.Column("words", sa.Text, nullable=False),
        _at("at", nullable=False),
        _known("judge_gate", "field", FIELDS),
        _check(
            "judge_gate",
            "has_its_ground",
            "CASE WHEN is_open THEN run_id IS NOT NULL ELSE length(btrim(words)) > 0 END",
        ),
    )
    op.create_index("ix_judge_gate_version_field", "judge_gate", ["version", "field"])
    op.execute(FROZEN)


def downgrade() -> None:
    for table in (
        "judge_gate",
        "judge_run_reading",
        "judge_run",
        "frozen_reading",
        "frozen_answer",
        "answer_reading",
        "answer_to_read",
        "interview_reading",
        "answer_judging",
        "judge_version",
    ):
        op.drop_table(table)
    op.execute("DROP FUNCTION frozen_answer_stays; DROP FUNCTION frozen_reading_stays")


def _id() -> sa.Column[int]:
    return sa.Column("id", sa.BigInteger, primary_key=True)


def _at(name: str, *, nullable: bool = True) -> sa.Column[object]:
    return sa.Column(name, sa.DateTime(timezone=True), nullable=nullable)


def _response() -> sa.Column[int]:
    key = sa.ForeignKey("interview_response.id")
    return sa.Column("response_id", sa.Integer, key, nullable=False)


def _version(*, nullable: bool = False) -> sa.Column[str]:
    return sa.Column("version", sa.Text, sa.ForeignKey("judge_version.digest"), nullable=nullable)


def _person(name: str, *, nullable: bool = True) -> sa.Column[int]:
    return sa.Column(name, sa.Integer, sa.ForeignKey("user_account.id"), nullable=nullable)


def _frozen() -> sa.Column[int]:
    key = sa.ForeignKey("frozen_answer.id", ondelete="CASCADE")
    return sa.Column("frozen_id", sa.BigInteger, key, nullable=False)


def _known(table: str, column: str, values: tuple[str, ...]) -> sa.CheckConstraint:
    return _check(table, f"{column}_known", f"{column} IN {values}")


def _check(table: str, name: str, rule: str) -> sa.CheckConstraint:
    return sa.CheckConstraint(rule, name=op.f(f"ck_{table}_{name}"))
