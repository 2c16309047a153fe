"""Projects that ask from their organisation's own bank; withdrawals of such banks; gaps told of."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0086"
down_revision = "0085"
branch_labels = None
depends_on = None

# A template asks from the bank of its own organisation in its own field, and from no other.
OWN_BANK = """
    CREATE FUNCTION interview_template_own_bank() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        IF NEW.bank_id IS NOT NULL AND NOT EXISTS (
            SELECT 1 FROM bank_draft b JOIN project p ON p.organisation_id = b.organisation_id
            WHERE b.id = NEW.bank_id AND p.id = NEW.project_id AND b.field = NEW.field
        ) THEN
            RAISE EXCEPTION 'a project asks from the bank of its own organisation in its field';
        END IF;
        RETURN NEW;
    END $$;
    CREATE TRIGGER interview_template_own_bank BEFORE INSERT ON interview_template
        FOR EACH ROW EXECUTE FUNCTION interview_template_own_bank();
"""
# A proof counts where its questions are asked, so it names the bank that its interview asked from.
PROOF_OF_BANK = """
    CREATE FUNCTION competency_proof_of_its_bank() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        IF NEW.bank_id IS DISTINCT FROM (
            SELECT t.bank_id FROM interview i JOIN interview_template t ON t.id = i.template_id
            WHERE i.id = NEW.interview_id
        ) THEN
            RAISE EXCEPTION 'a proof is of the bank that its interview asked from';
        END IF;
        RETURN NEW;
    END $$;
    CREATE TRIGGER competency_proof_of_its_bank BEFORE INSERT ON competency_proof
        FOR EACH ROW EXECUTE FUNCTION competency_proof_of_its_bank();
"""
# What may change in a withdrawal: that it ends, once.
ENDS_ONCE = """
    CREATE FUNCTION bank_withdrawal_stays() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        IF TG_OP = 'UPDATE' AND OLD.ended_at IS NULL AND NEW.ended_at IS NOT NULL
            AND to_jsonb(NEW) - '{ended_at,ended_by}'::text[]
              = to_jsonb(OLD) - '{ended_at,ended_by}'::text[] THEN
            RETURN NEW;
        END IF;
        RAISE EXCEPTION 'a withdrawal is only ended, once';
    END $$;
    CREATE TRIGGER bank_withdrawal_stays BEFORE UPDATE OR DELETE ON bank_withdrawal
        FOR EACH ROW EXECUTE FUNCTION bank_withdrawal_stays();
"""


def upgrade() -> None:
    for table in ("interview_template", "competency_proof"):
        op.add_column(table, sa.Column("bank_id", sa.Integer))
        name = op.f(f"fk_{table}_bank_id_bank_draft")
        op.create_foreign_key(name, table, "bank_draft", ["bank_id"], ["id"])
        op.create_index(op.f(f"ix_{table}_bank_id"), table, ["bank_id"])
    # A field goes back to what its bank says by a version without content.
    name = op.f("ck_interview_template_field_has_content")
    op.drop_constraint(name, "interview_template", type_="check")
    op.create_check_constraint(
        op.f("ck_interview_template_own_bank_of_project"),
        "interview_template",
        "bank_id IS NULL OR (project_id IS NOT NULL AND content IS NOT NULL)",
    )
    op.execute(OWN_BANK)
    op.execute(PROOF_OF_BANK)
    _withdrawals()
    op.create_table(
        "template_gap",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("template_id", sa.Integer, nullable=False),
        sa.Column("digest", sa.Text, nullable=False),
        sa.Column("lacking", JSONB, nullable=False),
        sa.Column("told_at", sa.DateTime(timezone=True), nullable=False),
        _refers("template_gap", "template_id", "interview_template"),
        sa.UniqueConstraint(
            "template_id", "digest", name=op.f("uq_template_gap_template_id_digest")
        ),
    )
    op.execute(
        "CREATE TRIGGER template_gap_append_only BEFORE UPDATE OR DELETE OR TRUNCATE"
        " ON template_gap FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()"
    )


def downgrade() -> None:
    op.drop_table("template_gap")
    op.drop_table("bank_withdrawal")
    op.execute("DROP FUNCTION bank_withdrawal_stays")
    for table, name in (
        ("competency_proof", "competency_proof_of_its_bank"),
        ("interview_template", "interview_template_own_bank"),
    ):
        op.execute(f"DROP TRIGGER {name} ON {table}; DROP FUNCTION {name}")
    name = op.f("ck_interview_template_own_bank_of_project")
    op.drop_constraint(name, "interview_template", type_="check")
    op.create_check_constraint(
        op.f("ck_interview_template_field_has_content"),
        "interview_template",
        "project_id IS NOT NULL OR content IS NOT NULL",
    )
    for table in ("competency_proof", "interview_template"):
        op.drop_column(table, "bank_id")


def _withdrawals() -> None:
    op.create_table(
        "bank_withdrawal",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("bank_id", sa.Integer, nullable=False),
        sa.Column("words", sa.Text, nullable=False),
        sa.Column("withdrawn_by", sa.Integer, nullable=False),
        sa.Column("withdrawn_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ended_by", sa.Integer),
        sa.Column("ended_at", sa.DateTime(timezone=True)),
        _refers("bank_withdrawal", "bank_id", "bank_draft"),
        _refers("bank_withdrawal", "withdrawn_by", "user_account"),
        _refers("bank_withdrawal", "ended_by", "user_account"),
        _check("bank_withdrawal", "length(btrim(words)) BETWEEN 10 AND 1000", "words_said"),
        _check(
            "bank_withdrawal",
            "(ended_at IS NULL) = (ended_by IS NULL) AND ended_at >= withdrawn_at",
            "ended_by_somebody",
        ),
    )
    op.create_index(
        "uq_bank_withdrawal_bank_id_current",
        "bank_withdrawal",
        ["bank_id"],
        unique=True,
        postgresql_where="ended_at IS NULL",
    )
    op.execute(ENDS_ONCE)


def _refers(table: str, column: str, other: str) -> sa.ForeignKeyConstraint:
    name = op.f(f"fk_{table}_{column}_{other}")
    return sa.ForeignKeyConstraint([column], [f"{other}.id"], name=name)


def _check(table: str, condition: str, name: str) -> sa.CheckConstraint:
    return sa.CheckConstraint(condition, name=op.f(f"ck_{table}_{name}"))
