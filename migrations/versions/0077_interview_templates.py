"""Templates of interviews, proofs of competencies, qualifications for projects, and outages."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0077"
down_revision = "0076"
branch_labels = None
depends_on = None

FIELDS = "field IN ('law', 'medicine', 'finance', 'software', 'linguistics')"
# What may change in a row that is otherwise as it was: a decision that revokes a proof.
ONLY_REVOKED = """
    CREATE FUNCTION competency_proof_stays() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        IF TG_OP = 'UPDATE' AND OLD.revoked_at IS NULL
            AND to_jsonb(NEW) - '{revoked_at,decision_id}'::text[]
              = to_jsonb(OLD) - '{revoked_at,decision_id}'::text[] THEN
            RETURN NEW;
        END IF;
        RAISE EXCEPTION 'a proof is only revoked, by a decision';
    END $$
"""
ONLY_REVOKED_TRIGGER = """
    CREATE TRIGGER competency_proof_stays BEFORE UPDATE ON competency_proof
        FOR EACH ROW EXECUTE FUNCTION competency_proof_stays()
"""


def upgrade() -> None:
    op.create_table(
        "interview_template",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("field", sa.Text, nullable=False),
        sa.Column("project_id", sa.Integer),
        sa.Column("version", sa.Integer, nullable=False),
        sa.Column("digest", sa.Text, nullable=False),
        sa.Column("content", JSONB(none_as_null=True)),
        sa.Column("written_by", sa.Integer, nullable=False),
        sa.Column("written_at", sa.DateTime(timezone=True), nullable=False),
        _refers("interview_template", "project_id", "project"),
        _refers("interview_template", "written_by", "user_account"),
        sa.UniqueConstraint(
            "project_id", "version", name=op.f("uq_interview_template_project_id_version")
        ),
        _check("interview_template", FIELDS, "field_known"),
        _check("interview_template", "version > 0", "version_counts"),
        _check(
            "interview_template",
            "project_id IS NOT NULL OR content IS NOT NULL",
            "field_has_content",
        ),
    )
    op.create_index(
        "uq_interview_template_field_version",
        "interview_template",
        ["field", "version"],
        unique=True,
        postgresql_where="project_id IS NULL",
    )
    _interviews()
    _proofs()
    _qualifications()
    op.create_table(
        "interview_outage",
        sa.Column("interview_id", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("words", sa.Text, nullable=False),
        sa.Column("noted_by", sa.Integer),
        sa.Column("noted_at", sa.DateTime(timezone=True), nullable=False),
        _refers("interview_outage", "interview_id", "interview"),
        _refers("interview_outage", "noted_by", "user_account"),
        _check("interview_outage", "length(btrim(words)) BETWEEN 10 AND 1000", "words_said"),
    )
    op.execute(
        "CREATE TRIGGER interview_template_stays BEFORE UPDATE OR DELETE OR TRUNCATE"
        " ON interview_template FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()"
    )
    op.execute(
        "CREATE TRIGGER project_qualification_stays BEFORE UPDATE"
        " ON project_qualification FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()"
    )
    op.execute(ONLY_REVOKED)
    op.execute(ONLY_REVOKED_TRIGGER)


def downgrade() -> None:
    op.drop_table("interview_outage")
    op.drop_table("project_qualification")
    op.drop_table("competency_proof")
    op.execute("DROP FUNCTION competency_proof_stays")
    op.drop_constraint(op.f("ck_interview_part_of_template"), "interview", type_="check")
    op.drop_index(op.f("ix_interview_project_id"), "interview")
    for column in ("part", "project_id", "template_id"):
        op.drop_column("interview", column)
    op.drop_table("interview_template")


def _interviews() -> None:
    op.add_column("interview", sa.Column("template_id", sa.Integer))
    op.add_column("interview", sa.Column("project_id", sa.Integer))
    op.add_column("interview", sa.Column("part", JSONB(none_as_null=True)))
    op.create_foreign_key(
        op.f("fk_interview_template_id_interview_template"),
        "interview",
        "interview_template",
        ["template_id"],
        ["id"],
    )
    op.create_foreign_key(
        op.f("fk_interview_project_id_project"), "interview", "project", ["project_id"], ["id"]
    )
    op.create_index(op.f("ix_interview_project_id"), "interview", ["project_id"])
    op.create_check_constraint(
        op.f("ck_interview_part_of_template"),
        "interview",
        "(template_id IS NULL) = (part IS NULL)"
        " AND (project_id IS NULL OR template_id IS NOT NULL)",
    )


def _proofs() -> None:
    op.create_table(
        "competency_proof",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("expert_id", sa.Integer, nullable=False),
        sa.Column("field", sa.Text, nullable=False),
        sa.Column("competency", sa.Text, nullable=False),
        *(sa.Column(name, sa.Float, nullable=False) for name in ("level", "low", "high")),
        sa.Column("interview_id", sa.Integer, nullable=False),
        sa.Column("edition", sa.Text, nullable=False),
        sa.Column("rule", sa.Text, nullable=False),
        sa.Column("proven_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("revoked_at", sa.DateTime(timezone=True)),
        sa.Column("decision_id", sa.BigInteger),
        _refers("competency_proof", "expert_id", "expert", "user_id"),
        _refers("competency_proof", "interview_id", "interview"),
        _refers("competency_proof", "edition", "bank_edition", "digest"),
        _refers("competency_proof", "decision_id", "decision"),
        sa.UniqueConstraint(
            "interview_id", "competency", name=op.f("uq_competency_proof_interview_id_competency")
        ),
        _check("competency_proof", FIELDS, "field_known"),
        _check(
            "competency_proof", "0 <= low AND low <= level AND level <= high AND high <= 1", "range"
        ),
        _check("competency_proof", "expires_at > proven_at", "expires_later"),
        _check(
            "competency_proof",
            "(revoked_at IS NULL) = (decision_id IS NULL)",
            "revoked_by_decision",
        ),
    )
    op.create_index(
        "ix_competency_proof_held", "competency_proof", ["expert_id", "field", "competency"]
    )
    op.create_index(
        "ix_competency_proof_competency", "competency_proof", ["field", "competency", "level"]
    )


def _qualifications() -> None:
    op.create_table(
        "project_qualification",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("project_id", sa.Integer, nullable=False),
        sa.Column("expert_id", sa.Integer, nullable=False),
        sa.Column("template_id", sa.Integer, nullable=False),
        sa.Column("basis", sa.Text, nullable=False),
        sa.Column("interview_id", sa.Integer),
        sa.Column("proofs", JSONB, nullable=False),
        sa.Column("levels", JSONB, nullable=False),
        sa.Column("reference", sa.Text, nullable=False),
        sa.Column("qualified_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        _refers("project_qualification", "project_id", "project"),
        _refers("project_qualification", "expert_id", "expert", "user_id"),
        _refers("project_qualification", "template_id", "interview_template"),
        _refers("project_qualification", "interview_id", "interview"),
        sa.UniqueConstraint(
            "project_id",
            "expert_id",
            "reference",
            name=op.f("uq_project_qualification_project_id_expert_id_reference"),
        ),
        _check(
            "project_qualification", "basis IN ('interview', 'proofs', 'joined')", "basis_known"
        ),
        _check("project_qualification", "expires_at > qualified_at", "expires_later"),
        _check(
            "project_qualification",
            "(basis = 'interview') = (interview_id IS NOT NULL)",
            "basis_has_interview",
        ),
    )
    op.create_index(
        "ix_project_qualification_held",
        "project_qualification",
        ["project_id", "expert_id", "expires_at"],
    )


def _refers(table: str, column: str, other: str, key: str = "id") -> sa.ForeignKeyConstraint:
    name = op.f(f"fk_{table}_{column}_{other}")
    return sa.ForeignKeyConstraint([column], [f"{other}.{key}"], name=name)


def _check(table: str, condition: str, name: str) -> sa.CheckConstraint:
    return sa.CheckConstraint(condition, name=op.f(f"ck_{table}_{name}"))
