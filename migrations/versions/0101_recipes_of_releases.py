"""Releases have a recipe, further projects, and may wait for their owner's yes."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0101"
down_revision = "0100"
branch_labels = None
depends_on = None

UTC = sa.DateTime(timezone=True)
JSONB = postgresql.JSONB(none_as_null=True)
WHOLE = op.f("ck_release_whole")
STATE = op.f("ck_release_state_known")


def upgrade() -> None:
    op.add_column("release_series", sa.Column("split_rule", JSONB))
    op.execute(
        "UPDATE release_series SET split_rule = jsonb_build_object("
        "'by', 'group', 'field', '', 'salt', split_salt) WHERE split_salt IS NOT NULL"
    )
    op.add_column("release", sa.Column("recipe", JSONB, nullable=False, server_default="{}"))
    op.alter_column("release", "recipe", server_default=None)
    op.add_column(
        "release", sa.Column("look_first", sa.Boolean, nullable=False, server_default="false")
    )
    op.alter_column("release", "look_first", server_default=None)
    op.add_column("release", sa.Column("waits_for", sa.Text))
    op.add_column("release", sa.Column("confirmed_at", UTC))
    op.add_column("release", sa.Column("confirmed_by", sa.Integer))
    op.create_foreign_key(
        "fk_release_confirmed_by_user_account",
        "release",
        "user_account",
        ["confirmed_by"],
        ["id"],
    )
    op.create_check_constraint(
        op.f("ck_release_confirmed_whole"),
        "release",
        "num_nonnulls(confirmed_by, confirmed_at) IN (0, 2)",
    )
    _states(("building", "proposed", "ready", "failed"), "IN ('proposed', 'ready')")
    op.drop_index("uq_release_project_id_building", "release")
    op.create_index(
        "uq_release_project_id_open",
        "release",
        ["project_id"],
        unique=True,
        postgresql_where=sa.text("state IN ('building', 'proposed')"),
    )
    op.create_table(
        "release_source",
        sa.Column("release_id", sa.Integer, nullable=False),
        sa.Column("project_id", sa.Integer, nullable=False),
        sa.PrimaryKeyConstraint("release_id", "project_id", name="pk_release_source"),
        sa.ForeignKeyConstraint(
            ["release_id"], ["release.id"], name="fk_release_source_release_id_release"
        ),
        sa.ForeignKeyConstraint(
            ["project_id"], ["project.id"], name="fk_release_source_project_id_project"
        ),
    )
    op.create_index("ix_release_source_project_id", "release_source", ["project_id"])


def downgrade() -> None:
    op.drop_table("release_source")
    # What waits for a yes is given up: there is no such state without this.
    op.execute(
        "UPDATE release SET state = 'failed', trouble = 'gave_up', manifest = NULL,"
        " version = NULL, commit = NULL WHERE state = 'proposed'"
    )
    op.drop_index("uq_release_project_id_open", "release")
    op.create_index(
        "uq_release_project_id_building",
        "release",
        ["project_id"],
        unique=True,
        postgresql_where=sa.text("state = 'building'"),
    )
    _states(("building", "ready", "failed"), "= 'ready'")
    op.drop_constraint(op.f("ck_release_confirmed_whole"), "release")
    for name in ("confirmed_by", "confirmed_at", "waits_for", "look_first", "recipe"):
        op.drop_column("release", name)
    op.drop_column("release_series", "split_rule")


def _states(names: tuple[str, ...], built: str) -> None:
    op.drop_constraint(STATE, "release")
    op.drop_constraint(WHOLE, "release")
    listed = ", ".join(f"'{name}'" for name in names)
    op.create_check_constraint(STATE, "release", f"state IN ({listed})")
    op.create_check_constraint(
        WHOLE,
        "release",
        f"(state {built}) = (manifest IS NOT NULL) AND (state {built}) = (version IS NOT NULL)"
        f" AND (state {built}) = (commit IS NOT NULL)"
        " AND (state = 'building') = (ended_at IS NULL)"
        " AND (state = 'failed') = (trouble IS NOT NULL)",
    )
