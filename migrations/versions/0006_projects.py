"""Projects, the versions of their guidelines, and the invitations to them."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

UTC = sa.DateTime(timezone=True)
JSONB = postgresql.JSONB(none_as_null=True)


def upgrade() -> None:
    _project()
    _guideline_version()
    _invitation()


def downgrade() -> None:
    op.drop_table("invitation")
    op.drop_table("guideline_version")
    op.execute("DROP FUNCTION guideline_version_stays()")
    op.drop_table("project")


def _project() -> None:
    op.create_table(
        "project",
        sa.Column("id", sa.Integer, nullable=False),
        sa.Column("organisation_id", sa.Integer, nullable=False),
        sa.Column("title", sa.Text, nullable=False),
        sa.Column("field", sa.Text, nullable=False),
        sa.Column("language", sa.Text, nullable=False),
        sa.Column("brief", sa.Text, nullable=False),
        sa.Column("guidelines", sa.Text, nullable=False),
        sa.Column("guidelines_version", sa.Integer, nullable=False),
        sa.Column("label_config", sa.Text, nullable=False),
        sa.Column("price_minor", sa.BigInteger, nullable=False),
        sa.Column("currency", sa.Text, nullable=False),
        sa.Column("fee_bps", sa.Integer, nullable=False),
        sa.Column("usual_minutes", sa.Integer, nullable=False),
        sa.Column("overlap", sa.Integer, nullable=False),
        sa.Column("lease_minutes", sa.Integer, nullable=False),
        sa.Column("review_days", sa.Integer, nullable=False),
        sa.Column("validation", sa.Text, nullable=False),
        sa.Column("experts_needed", sa.Integer, nullable=False),
        sa.Column("min_years", sa.Integer, nullable=False),
        sa.Column("min_level", sa.Float, nullable=False),
        sa.Column("languages", JSONB, nullable=False),
        sa.Column("countries", JSONB, nullable=False),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("task_count", sa.BigInteger, nullable=False),
        sa.Column("created_by", sa.Integer, nullable=False),
        sa.Column("created_at", UTC, nullable=False),
        sa.Column("saved_at", UTC, nullable=False),
        sa.Column("published_at", UTC),
        sa.Column("state_at", UTC, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_project"),
        sa.ForeignKeyConstraint(
            ["organisation_id"], ["organisation.id"], name="fk_project_organisation_id_organisation"
        ),
        sa.ForeignKeyConstraint(
            ["created_by"], ["user_account.id"], name="fk_project_created_by_user_account"
        ),
        *_project_rules(),
    )
    op.create_index("ix_project_organisation_id_id", "project", ["organisation_id", "id"])
    op.create_index(
        "ix_project_open", "project", ["id"], postgresql_where=sa.text("state = 'open'")
    )


def _project_rules() -> list[sa.CheckConstraint]:
    rules = {
        "state_known": "state IN ('draft', 'open', 'paused', 'completed')",
        "field_known": "field IN ('law', 'medicine', 'finance', 'software', 'linguistics')",
        "validation_known": "validation IN ('agreement', 'review')",
        "title_present": "length(btrim(title)) > 0",
        "price_not_negative": "price_minor >= 0",
        "fee_is_share": "fee_bps BETWEEN 0 AND 10000",
        "currency_is_code": "currency ~ '^[a-z]{3}$'",
        "usual_minutes_positive": "usual_minutes > 0",
        "overlap_plausible": "overlap BETWEEN 1 AND 20",
        "lease_plausible": "lease_minutes BETWEEN 5 AND 20160",
        "review_days_plausible": "review_days BETWEEN 1 AND 21",
        "min_years_plausible": "min_years BETWEEN 0 AND 70",
        "min_level_is_share": "min_level BETWEEN 0 AND 1",
        "experts_needed_plausible": "experts_needed BETWEEN 1 AND 10000",
        "task_count_not_negative": "task_count >= 0",
        "published_whole": "state = 'draft' OR (published_at IS NOT NULL AND price_minor > 0)",
    }
    return [
        sa.CheckConstraint(rule, name=op.f(f"ck_project_{name}")) for name, rule in rules.items()
    ]


def _guideline_version() -> None:
    op.create_table(
        "guideline_version",
        sa.Column("id", sa.Integer, nullable=False),
        sa.Column("project_id", sa.Integer, nullable=False),
        sa.Column("version", sa.Integer, nullable=False),
        sa.Column("text", sa.Text, nullable=False),
        sa.Column("written_by", sa.Integer, nullable=False),
        sa.Column("written_at", UTC, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_guideline_version"),
        sa.ForeignKeyConstraint(
            ["project_id"], ["project.id"], name="fk_guideline_version_project_id_project"
        ),
        sa.ForeignKeyConstraint(
            ["written_by"], ["user_account.id"], name="fk_guideline_version_written_by_user_account"
        ),
        sa.UniqueConstraint(
            "project_id", "version", name="uq_guideline_version_project_id_version"
        ),
    )
    op.execute("""
        CREATE FUNCTION guideline_version_stays() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            RAISE EXCEPTION 'versions of guidelines are only added, never changed or deleted';
        END $$
    """)
    op.execute("""
        CREATE TRIGGER guideline_version_stays BEFORE UPDATE OR DELETE OR TRUNCATE
        ON guideline_version FOR EACH STATEMENT EXECUTE FUNCTION guideline_version_stays()
    """)


def _invitation() -> None:
    op.create_table(
        "invitation",
        sa.Column("id", sa.Integer, nullable=False),
        sa.Column("project_id", sa.Integer, nullable=False),
        sa.Column("expert_id", sa.Integer, nullable=False),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("score", sa.Integer, nullable=False),
        sa.Column("reasons", JSONB, nullable=False),
        sa.Column("offered_at", UTC, nullable=False),
        sa.Column("answer_by", UTC, nullable=False),
        sa.Column("answered_at", UTC),
        sa.Column("words", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_invitation"),
        sa.ForeignKeyConstraint(
            ["project_id"], ["project.id"], name="fk_invitation_project_id_project"
        ),
        sa.ForeignKeyConstraint(
            ["expert_id"], ["expert.user_id"], name="fk_invitation_expert_id_expert"
        ),
        sa.UniqueConstraint("project_id", "expert_id", name="uq_invitation_project_id_expert_id"),
        sa.CheckConstraint(
            "state IN ('offered', 'accepted', 'declined', 'withdrawn')",
            name=op.f("ck_invitation_state_known"),
        ),
        sa.CheckConstraint("score BETWEEN 0 AND 100", name=op.f("ck_invitation_score_is_percent")),
        sa.CheckConstraint(
            "(state = 'offered') = (answered_at IS NULL)",
            name=op.f("ck_invitation_answered_whole"),
        ),
    )
    op.create_index("ix_invitation_expert_id_offered_at", "invitation", ["expert_id", "offered_at"])
    op.create_index("ix_invitation_project_id_state", "invitation", ["project_id", "state"])
