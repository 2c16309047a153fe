"""Experts, their languages and licences, and the skills that interviews have proven."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

UTC = sa.DateTime(timezone=True)
FIELDS = "'law', 'medicine', 'finance', 'software', 'linguistics'"


def upgrade() -> None:
    _expert()
    _expert_language()
    _licence()
    _skill()


def downgrade() -> None:
    for table in ("skill", "licence", "expert_language", "expert"):
        op.drop_table(table)


def _expert() -> None:
    op.create_table(
        "expert",
        sa.Column("user_id", sa.Integer, nullable=False, autoincrement=False),
        sa.Column("pseudonym", sa.Text, nullable=False),
        sa.Column("field", sa.Text),
        sa.Column("years", sa.Integer),
        sa.Column("country", sa.Text),
        sa.Column("time_zone", sa.Text, nullable=False),
        sa.Column("headline", sa.Text, nullable=False),
        sa.Column("about", sa.Text, nullable=False),
        sa.Column("accepts_invitations", sa.Boolean, nullable=False),
        sa.Column("created_at", UTC, nullable=False),
        sa.Column("updated_at", UTC, nullable=False),
        sa.PrimaryKeyConstraint("user_id", name="pk_expert"),
        sa.ForeignKeyConstraint(
            ["user_id"], ["user_account.id"], name="fk_expert_user_id_user_account"
        ),
        sa.UniqueConstraint("pseudonym", name="uq_expert_pseudonym"),
        sa.CheckConstraint(f"field IN ({FIELDS})", name=op.f("ck_expert_field_known")),
        sa.CheckConstraint("years BETWEEN 0 AND 70", name=op.f("ck_expert_years_plausible")),
        sa.CheckConstraint("country ~ '^[A-Z]{2}$'", name=op.f("ck_expert_country_is_code")),
    )
    op.create_index(
        "ix_expert_open",
        "expert",
        ["field", "years"],
        postgresql_where=sa.text("accepts_invitations"),
    )


def _expert_language() -> None:
    op.create_table(
        "expert_language",
        sa.Column("expert_id", sa.Integer, nullable=False, autoincrement=False),
        sa.Column("language", sa.Text, nullable=False),
        sa.Column("fluency", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("expert_id", "language", name="pk_expert_language"),
        sa.ForeignKeyConstraint(
            ["expert_id"], ["expert.user_id"], name="fk_expert_language_expert_id_expert"
        ),
        sa.CheckConstraint(
            "fluency IN ('native', 'fluent', 'working')",
            name=op.f("ck_expert_language_fluency_known"),
        ),
        sa.CheckConstraint(
            "language ~ '^[a-z]{2,3}$'", name=op.f("ck_expert_language_language_is_code")
        ),
    )


def _licence() -> None:
    op.create_table(
        "licence",
        sa.Column("id", sa.Integer, nullable=False),
        sa.Column("expert_id", sa.Integer, nullable=False),
        sa.Column("title", sa.Text, nullable=False),
        sa.Column("issuer", sa.Text, nullable=False),
        sa.Column("jurisdiction", sa.Text),
        sa.Column("number", sa.Text, nullable=False),
        sa.Column("valid_until", sa.Date),
        sa.Column("added_at", UTC, nullable=False),
        sa.Column("removed_at", UTC),
        sa.PrimaryKeyConstraint("id", name="pk_licence"),
        sa.ForeignKeyConstraint(
            ["expert_id"], ["expert.user_id"], name="fk_licence_expert_id_expert"
        ),
        sa.CheckConstraint(
            "jurisdiction ~ '^[A-Z]{2}$'", name=op.f("ck_licence_jurisdiction_is_code")
        ),
    )
    op.create_index("ix_licence_expert_id", "licence", ["expert_id"])


def _skill() -> None:
    op.create_table(
        "skill",
        sa.Column("id", sa.Integer, nullable=False),
        sa.Column("expert_id", sa.Integer, nullable=False),
        sa.Column("field", sa.Text, nullable=False),
        sa.Column("level", sa.Float, nullable=False),
        sa.Column("passed_at", UTC, nullable=False),
        sa.Column("expires_at", UTC, nullable=False),
        sa.Column("interview_id", sa.Integer),
        sa.PrimaryKeyConstraint("id", name="pk_skill"),
        sa.ForeignKeyConstraint(
            ["expert_id"], ["expert.user_id"], name="fk_skill_expert_id_expert"
        ),
        sa.UniqueConstraint("interview_id", "field", name="uq_skill_interview_id_field"),
        sa.CheckConstraint(f"field IN ({FIELDS})", name=op.f("ck_skill_field_known")),
        sa.CheckConstraint("level BETWEEN 0 AND 1", name=op.f("ck_skill_level_is_share")),
        sa.CheckConstraint("expires_at > passed_at", name=op.f("ck_skill_expires_later")),
    )
    op.create_index(
        "ix_skill_expert_id_field_expires_at", "skill", ["expert_id", "field", "expires_at"]
    )
