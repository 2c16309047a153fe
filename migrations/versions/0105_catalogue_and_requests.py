"""A catalogue of releases, requests to read them, and grants that end or name versions."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import ARRAY, JSONB

revision = "0105"
down_revision = "0104"
branch_labels = None
depends_on = None

UTC = sa.DateTime(timezone=True)
RELEASE, PROJECT, USER = "release.id", "project.id", "user_account.id"

TRIGGER = """
    CREATE FUNCTION release_request_stays() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        IF TG_OP = 'DELETE' THEN
            RAISE EXCEPTION 'a request to read is never deleted';
        END IF;
        IF OLD.state NOT IN ('open', 'granted')
                AND (NEW.state, NEW.reason, NEW.answered_by, NEW.answered_at, NEW.ended_at)
                IS DISTINCT FROM
                (OLD.state, OLD.reason, OLD.answered_by, OLD.answered_at, OLD.ended_at)
            OR OLD.state = 'granted' AND NEW.state NOT IN ('granted', 'ended', 'expired')
            OR (NEW.project_id, NEW.organisation_id, NEW.asked_by, NEW.asked_at, NEW.use,
                NEW.licence)
            IS DISTINCT FROM (OLD.project_id, OLD.organisation_id, OLD.asked_by, OLD.asked_at,
                OLD.use, OLD.licence) THEN
            IF current_setting('doyen.erasing', true) IS DISTINCT FROM 'on' THEN
                RAISE EXCEPTION 'an answered request to read is never changed';
            END IF;
        END IF;
        RETURN NEW;
    END $$;
    CREATE TRIGGER release_request_stays BEFORE UPDATE OR DELETE ON release_request
        FOR EACH ROW EXECUTE FUNCTION release_request_stays();
"""


def upgrade() -> None:
    _catalogue()
    _grants()
    _requests()
    op.add_column("release_download", sa.Column("size", sa.BigInteger))


def downgrade() -> None:
    op.drop_column("release_download", "size")
    op.drop_table("release_request")
    op.execute("DROP FUNCTION release_request_stays()")
    op.drop_constraint(op.f("ck_release_grant_versions_named"), "release_grant")
    op.drop_column("release_grant", "versions")
    op.drop_column("release_grant", "until")
    op.drop_table("release_statistics")
    op.drop_table("release_summary")
    op.drop_constraint(op.f("ck_release_series_visibility_known"), "release_series")
    op.drop_column("release_series", "description")
    op.drop_column("release_series", "visibility")


def _catalogue() -> None:
    for name, default in (("visibility", "private"), ("description", "")):
        column = sa.Column(name, sa.Text, nullable=False, server_default=default)
        op.add_column("release_series", column)
        op.alter_column("release_series", name, server_default=None)
    op.create_check_constraint(
        op.f("ck_release_series_visibility_known"),
        "release_series",
        "visibility IN ('private', 'listed', 'open')",
    )
    op.create_table(
        "release_summary",
        sa.Column("release_id", sa.Integer, sa.ForeignKey(RELEASE), primary_key=True),
        sa.Column("project_id", sa.Integer, sa.ForeignKey(PROJECT), nullable=False),
        sa.Column("field", sa.Text, nullable=False),
        sa.Column("language", sa.Text, nullable=False),
        sa.Column("tasks", ARRAY(sa.Text), nullable=False),
        sa.Column("classes", ARRAY(sa.Text), nullable=False),
        sa.Column("labels", ARRAY(sa.Text), nullable=False),
        sa.Column("agreement", sa.Float),
        sa.Column("data_files", sa.Integer, nullable=False),
        sa.Column("words", sa.Text, nullable=False),
    )
    op.create_index("ix_release_summary_project_id", "release_summary", ["project_id"])
    op.create_table(
        "release_statistics",
        sa.Column("release_id", sa.Integer, sa.ForeignKey(RELEASE), primary_key=True),
        sa.Column("maker", sa.Integer, nullable=False),
        sa.Column("found", JSONB, nullable=False),
        sa.Column("made_at", UTC, nullable=False),
    )


def _grants() -> None:
    op.add_column("release_grant", sa.Column("until", UTC))
    op.add_column("release_grant", sa.Column("versions", ARRAY(sa.Text)))
    op.create_check_constraint(
        op.f("ck_release_grant_versions_named"), "release_grant", "cardinality(versions) > 0"
    )


def _requests() -> None:
    op.create_table(
        "release_request",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("project_id", sa.Integer, sa.ForeignKey(PROJECT), nullable=False),
        sa.Column("organisation_id", sa.Integer, sa.ForeignKey("organisation.id"), nullable=False),
        sa.Column("asked_by", sa.Integer, sa.ForeignKey(USER), nullable=False),
        sa.Column("asked_at", UTC, nullable=False),
        sa.Column("use", sa.Text, nullable=False),
        sa.Column("purpose", sa.Text, nullable=False),
        sa.Column("licence", sa.Text, nullable=False),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("answered_by", sa.Integer, sa.ForeignKey(USER)),
        sa.Column("answered_at", UTC),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column("ended_at", UTC),
        sa.CheckConstraint(
            "use IN ('training', 'evaluation', 'research', 'other')", name="use_known"
        ),
        sa.CheckConstraint(
            "state IN ('open', 'granted', 'refused', 'withdrawn', 'ended', 'expired')",
            name="state_known",
        ),
        sa.CheckConstraint("length(btrim(purpose)) > 0", name="purpose_said"),
        sa.CheckConstraint("(state = 'open') = (answered_at IS NULL)", name="answered_whole"),
        sa.CheckConstraint(
            "state NOT IN ('refused', 'ended') OR length(btrim(reason)) > 0", name="reason_given"
        ),
        sa.CheckConstraint(
            "state IN ('open', 'withdrawn') OR answered_by IS NOT NULL",
            name="answered_by_somebody",
        ),
        sa.CheckConstraint(
            "(state IN ('ended', 'expired')) = (ended_at IS NOT NULL)", name="ended"
        ),
    )
    op.create_index(
        "uq_release_request_open",
        "release_request",
        ["project_id", "organisation_id"],
        unique=True,
        postgresql_where=sa.text("state = 'open'"),
    )
    op.create_index("ix_release_request_organisation_id", "release_request", ["organisation_id"])
    op.execute(TRIGGER)
