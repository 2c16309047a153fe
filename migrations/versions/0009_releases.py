"""Series of releases, releases that are fixed once ready, and who may read them."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

UTC = sa.DateTime(timezone=True)
JSONB = postgresql.JSONB(none_as_null=True)

FIXED = """
    CREATE FUNCTION release_is_fixed() RETURNS trigger AS $$
    BEGIN
        IF OLD.state = 'ready' THEN
            RAISE EXCEPTION 'release % is fixed for good', OLD.id
                USING ERRCODE = 'restrict_violation';
        END IF;
        IF TG_OP = 'DELETE' THEN
            RETURN OLD;
        END IF;
        RETURN NEW;
    END $$ LANGUAGE plpgsql
"""
TRIGGER = """
    CREATE TRIGGER release_is_fixed BEFORE UPDATE OR DELETE ON release
    FOR EACH ROW EXECUTE FUNCTION release_is_fixed()
"""


def upgrade() -> None:
    _series()
    _release()
    _grant()
    op.execute(FIXED)
    op.execute(TRIGGER)


def downgrade() -> None:
    op.drop_table("release_grant")
    op.drop_table("release")
    op.drop_table("release_series")
    op.execute("DROP FUNCTION release_is_fixed()")


def _series() -> None:
    op.create_table(
        "release_series",
        sa.Column("project_id", sa.Integer, nullable=False),
        sa.Column("organisation_id", sa.Integer, nullable=False),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("split_salt", sa.Text),
        sa.Column("annotator_key", sa.Text, nullable=False),
        sa.Column("created_at", UTC, nullable=False),
        sa.PrimaryKeyConstraint("project_id", name="pk_release_series"),
        sa.ForeignKeyConstraint(
            ["project_id"], ["project.id"], name="fk_release_series_project_id_project"
        ),
        sa.ForeignKeyConstraint(
            ["organisation_id"],
            ["organisation.id"],
            name="fk_release_series_organisation_id_organisation",
        ),
        sa.UniqueConstraint(
            "organisation_id", "name", name="uq_release_series_organisation_id_name"
        ),
        sa.CheckConstraint(
            "name ~ '^[a-z0-9]+(-[a-z0-9]+)*$'", name=op.f("ck_release_series_name_is_slug")
        ),
    )


def _release() -> None:
    op.create_table(
        "release",
        sa.Column("id", sa.Integer, nullable=False),
        sa.Column("project_id", sa.Integer, nullable=False),
        sa.Column("organisation_id", sa.Integer, nullable=False),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("title", sa.Text, nullable=False),
        sa.Column("changelog", sa.Text, nullable=False),
        sa.Column("licence", sa.Text, nullable=False),
        sa.Column("limits", sa.Text, nullable=False),
        sa.Column("with_gold", sa.Boolean, nullable=False),
        sa.Column("asked_by", sa.Integer, nullable=False),
        sa.Column("asked_at", UTC, nullable=False),
        sa.Column("attempts", sa.Integer, nullable=False),
        sa.Column("held_until", UTC),
        sa.Column("rows_read", sa.BigInteger, nullable=False),
        sa.Column("ended_at", UTC),
        sa.Column("trouble", sa.Text),
        sa.Column("version", sa.Text),
        sa.Column("commit", sa.Text),
        sa.Column("manifest", JSONB),
        sa.Column("row_count", sa.BigInteger, nullable=False),
        sa.Column("size_bytes", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_release"),
        sa.ForeignKeyConstraint(
            ["project_id"], ["project.id"], name="fk_release_project_id_project"
        ),
        sa.ForeignKeyConstraint(
            ["organisation_id"],
            ["organisation.id"],
            name="fk_release_organisation_id_organisation",
        ),
        sa.ForeignKeyConstraint(
            ["asked_by"], ["user_account.id"], name="fk_release_asked_by_user_account"
        ),
        sa.UniqueConstraint("project_id", "version", name="uq_release_project_id_version"),
        *_release_checks(),
    )
    op.create_index(
        "uq_release_project_id_building",
        "release",
        ["project_id"],
        unique=True,
        postgresql_where=sa.text("state = 'building'"),
    )
    op.create_index("ix_release_project_id_id", "release", ["project_id", "id"])
    op.create_index("ix_release_organisation_id", "release", ["organisation_id"])


def _release_checks() -> list[sa.CheckConstraint]:
    rules = {
        "state_known": "state IN ('building', 'ready', 'failed')",
        "version_has_three_parts": "version ~ '^[0-9]+\\.[0-9]+\\.[0-9]+$'",
        "commit_is_hex": "commit ~ '^[0-9a-f]{40}$'",
        "whole": "(state = 'ready') = (manifest IS NOT NULL)"
        " AND (state = 'ready') = (version IS NOT NULL)"
        " AND (state = 'ready') = (commit IS NOT NULL)"
        " AND (state = 'building') = (ended_at IS NULL)"
        " AND (state = 'failed') = (trouble IS NOT NULL)",
    }
    return [
        sa.CheckConstraint(rule, name=op.f(f"ck_release_{name}")) for name, rule in rules.items()
    ]


def _grant() -> None:
    op.create_table(
        "release_grant",
        sa.Column("project_id", sa.Integer, nullable=False),
        sa.Column("organisation_id", sa.Integer, nullable=False),
        sa.Column("granted_by", sa.Integer, nullable=False),
        sa.Column("granted_at", UTC, nullable=False),
        sa.PrimaryKeyConstraint("project_id", "organisation_id", name="pk_release_grant"),
        sa.ForeignKeyConstraint(
            ["project_id"], ["project.id"], name="fk_release_grant_project_id_project"
        ),
        sa.ForeignKeyConstraint(
            ["organisation_id"],
            ["organisation.id"],
            name="fk_release_grant_organisation_id_organisation",
        ),
        sa.ForeignKeyConstraint(
            ["granted_by"], ["user_account.id"], name="fk_release_grant_granted_by_user_account"
        ),
    )
    op.create_index("ix_release_grant_organisation_id", "release_grant", ["organisation_id"])
