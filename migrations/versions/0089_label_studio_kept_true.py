"""Looks at the mirror in Label Studio, comparisons and repairs, edits made there, the way in."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0089"
down_revision = "0088"
branch_labels = None
depends_on = None

TIME = sa.DateTime(timezone=True)
STAYS = """
    -- What was done in Label Studio stays as it was seen; of its author the name may be erased.
    CREATE FUNCTION outside_edit_stays() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        IF TG_OP = 'DELETE' OR NEW.author_name NOT IN (OLD.author_name, 'erased')
           OR NEW.author_id IS DISTINCT FROM OLD.author_id
           OR to_jsonb(NEW) - ARRAY['author_name', 'state', 'decided_by', 'decided_at', 'done_at']
           <> to_jsonb(OLD) - ARRAY['author_name', 'state', 'decided_by', 'decided_at', 'done_at']
        THEN
            RAISE EXCEPTION 'an edit made in Label Studio is kept as it was seen'
                USING ERRCODE = 'check_violation';
        END IF;
        RETURN NEW;
    END $$;
    CREATE TRIGGER outside_edit_stays BEFORE UPDATE OR DELETE ON outside_edit
        FOR EACH ROW EXECUTE FUNCTION outside_edit_stays();
"""


def upgrade() -> None:
    _edits()
    _looks()
    _runs()
    _extras()
    op.create_table(
        "mirror_gate",
        sa.Column(
            "organisation_id", sa.Integer, sa.ForeignKey("organisation.id"), primary_key=True
        ),
        sa.Column("is_open", sa.Boolean, nullable=False),
        sa.Column("changed_by", sa.Integer, sa.ForeignKey("user_account.id"), nullable=False),
        sa.Column("changed_at", TIME, nullable=False),
    )
    op.create_table(
        "backend_check",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("checked_at", TIME, nullable=False),
        sa.Column("facts", JSONB),
        sa.Column("trouble", sa.Text),
        sa.CheckConstraint("id = 1", name=op.f("ck_backend_check_one_row")),
    )
    op.execute(STAYS)


def downgrade() -> None:
    for table in (
        "backend_check",
        "mirror_gate",
        "mirror_extra",
        "mirror_run",
        "mirror_look",
        "outside_edit",
    ):
        op.drop_table(table)
    op.execute("DROP FUNCTION outside_edit_stays()")


def _edits() -> None:
    op.create_table(
        "outside_edit",
        sa.Column("id", sa.BigInteger, primary_key=True),
        sa.Column("project_id", sa.Integer, sa.ForeignKey("project.id"), nullable=False),
        sa.Column("task_id", sa.BigInteger, sa.ForeignKey("task.id"), nullable=False),
        sa.Column("annotation_id", sa.BigInteger, sa.ForeignKey("annotation.id")),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("label_studio_annotation_id", sa.BigInteger, nullable=False),
        sa.Column("result", JSONB),
        sa.Column("troubles", JSONB, nullable=False),
        sa.Column("author_name", sa.Text, nullable=False),
        sa.Column("author_id", sa.Integer, sa.ForeignKey("user_account.id")),
        sa.Column("edited_at", TIME, nullable=False),
        sa.Column("seen_at", TIME, nullable=False),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("decided_by", sa.Integer, sa.ForeignKey("user_account.id")),
        sa.Column("decided_at", TIME),
        sa.Column("done_at", TIME),
        sa.UniqueConstraint("project_id", "label_studio_annotation_id", "kind", "edited_at"),
        sa.CheckConstraint(
            "kind IN ('changed', 'removed', 'added')", name=op.f("ck_outside_edit_kind_known")
        ),
        sa.CheckConstraint(
            "state IN ('open', 'refused', 'noted', 'put_back')",
            name=op.f("ck_outside_edit_state_known"),
        ),
        sa.CheckConstraint(
            "(kind = 'added') = (annotation_id IS NULL)",
            name=op.f("ck_outside_edit_added_has_none"),
        ),
        sa.CheckConstraint(
            "kind <> 'removed' OR result IS NULL",
            name=op.f("ck_outside_edit_removed_says_nothing"),
        ),
        sa.CheckConstraint(
            "(jsonb_array_length(troubles) > 0) OR state <> 'refused'",
            name=op.f("ck_outside_edit_refused_for_reason"),
        ),
        sa.CheckConstraint(
            "(decided_at IS NOT NULL) = (decided_by IS NOT NULL)"
            " AND (decided_at IS NOT NULL OR state NOT IN ('noted', 'put_back'))",
            name=op.f("ck_outside_edit_decided_whole"),
        ),
        sa.CheckConstraint(
            "done_at IS NULL OR state = 'put_back'",
            name=op.f("ck_outside_edit_done_when_put_back"),
        ),
    )
    op.create_index("ix_outside_edit_annotation_id", "outside_edit", ["annotation_id"])
    op.create_index(
        "ix_outside_edit_open",
        "outside_edit",
        ["project_id"],
        postgresql_where=sa.text("state = 'open'"),
    )
    op.create_index(
        "ix_outside_edit_to_do",
        "outside_edit",
        ["id"],
        postgresql_where=sa.text("state = 'put_back' AND done_at IS NULL"),
    )


def _looks() -> None:
    op.create_table(
        "mirror_look",
        sa.Column("project_id", sa.Integer, sa.ForeignKey("project.id"), primary_key=True),
        sa.Column("seen_until", TIME),
        sa.Column("looked_at", TIME),
        *_trying("mirror_look"),
    )
    op.create_index("ix_mirror_look_try_at", "mirror_look", ["try_at"])


def _runs() -> None:
    op.create_table(
        "mirror_run",
        sa.Column("id", sa.BigInteger, primary_key=True),
        sa.Column("project_id", sa.Integer, sa.ForeignKey("project.id"), nullable=False),
        sa.Column("mends", sa.Boolean, nullable=False),
        sa.Column("begun_by", sa.Integer, sa.ForeignKey("user_account.id")),
        sa.Column("begun_at", TIME, nullable=False),
        sa.Column("after_id", sa.BigInteger, nullable=False),
        sa.Column("found", JSONB, nullable=False),
        sa.Column("ended_at", TIME),
        *_trying("mirror_run"),
    )
    op.create_index(
        "uq_mirror_run_project_id_open",
        "mirror_run",
        ["project_id"],
        unique=True,
        postgresql_where=sa.text("ended_at IS NULL"),
    )
    op.create_index("ix_mirror_run_project_id_id", "mirror_run", ["project_id", "id"])


def _trying(table: str) -> list[sa.schema.SchemaItem]:
    return [
        sa.Column("try_at", TIME, nullable=False),
        sa.Column("failures", sa.Integer, nullable=False),
        sa.Column("trouble", sa.Text),
        sa.CheckConstraint("failures >= 0", name=op.f(f"ck_{table}_failures_count")),
    ]


def _extras() -> None:
    op.create_table(
        "mirror_extra",
        sa.Column("kind", sa.Text, primary_key=True),
        sa.Column("row_id", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("task_id", sa.BigInteger, sa.ForeignKey("task.id"), nullable=False),
        sa.Column("label_studio_annotation_id", sa.BigInteger),
        sa.Column("pushed_at", TIME, nullable=False),
        sa.Column("push_trouble", sa.Text),
        sa.CheckConstraint("kind IN ('skip', 'known')", name=op.f("ck_mirror_extra_kind_known")),
    )
    op.create_index("ix_mirror_extra_task_id", "mirror_extra", ["task_id"])
