"""Media files of projects, which tasks show them, and files on their way in."""

import sqlalchemy as sa
from alembic import op

revision = "0099"
down_revision = "0098"
branch_labels = None
depends_on = None

# What somebody has worked on stays what it was.
STAYS = """
    CREATE FUNCTION task_media_stays() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        IF TG_OP = 'UPDATE' AND (NEW.sha256, NEW.name, NEW.project_id, NEW.kind)
            IS NOT DISTINCT FROM (OLD.sha256, OLD.name, OLD.project_id, OLD.kind) THEN
            RETURN NEW;
        END IF;
        IF EXISTS (
            SELECT 1 FROM task_media_use u WHERE u.media_id = OLD.id AND (
                EXISTS (SELECT 1 FROM assignment a WHERE a.task_id = u.task_id)
                OR EXISTS (SELECT 1 FROM work_sample_answer s WHERE s.task_id = u.task_id)
            )
        ) THEN
            RAISE EXCEPTION 'a file that was worked with stays as it is'
                USING ERRCODE = 'restrict_violation';
        END IF;
        RETURN CASE WHEN TG_OP = 'DELETE' THEN OLD ELSE NEW END;
    END $$;
"""


def upgrade() -> None:
    op.create_table(
        "task_media",
        sa.Column("id", sa.BigInteger, primary_key=True),
        _to("project_id", "project.id"),
        _to("organisation_id", "organisation.id"),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("size", sa.BigInteger, nullable=False),
        sa.Column("sha256", sa.Text, nullable=False),
        _to("added_by", "user_account.id"),
        _at("added_at"),
        _at("replaced_at", nullable=True),
        sa.UniqueConstraint("project_id", "name"),
        sa.CheckConstraint("length(btrim(name)) BETWEEN 1 AND 200", name="name_present"),
        sa.CheckConstraint("size > 0", name="size_positive"),
        sa.CheckConstraint("sha256 ~ '^[0-9a-f]{64}$'", name="sha256_whole"),
    )
    op.create_index(
        "ix_task_media_organisation_id_sha256", "task_media", ["organisation_id", "sha256"]
    )
    op.create_table(
        "task_media_use",
        sa.Column("media_id", sa.BigInteger, sa.ForeignKey("task_media.id"), primary_key=True),
        sa.Column("task_id", sa.BigInteger, sa.ForeignKey("task.id"), primary_key=True),
    )
    op.create_index("ix_task_media_use_task_id", "task_media_use", ["task_id"])
    op.create_table(
        "media_upload",
        sa.Column("id", sa.BigInteger, primary_key=True),
        sa.Column("key", sa.Text, nullable=False),
        _to("project_id", "project.id"),
        _to("organisation_id", "organisation.id"),
        _to("by_user_id", "user_account.id"),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("size", sa.BigInteger, nullable=False),
        sa.Column("stamp", sa.Text, nullable=False),
        sa.Column("received", sa.BigInteger, nullable=False),
        _at("begun_at"),
        _at("touched_at"),
        sa.UniqueConstraint("key"),
        sa.UniqueConstraint("project_id", "by_user_id", "name", "size", "stamp"),
        sa.CheckConstraint("size > 0", name="size_positive"),
        sa.CheckConstraint("received BETWEEN 0 AND size", name="received_within"),
    )
    op.create_index("ix_media_upload_organisation_id", "media_upload", ["organisation_id"])
    op.execute(STAYS)
    op.execute(
        "CREATE TRIGGER task_media_stays BEFORE UPDATE OR DELETE ON task_media"
        " FOR EACH ROW EXECUTE FUNCTION task_media_stays()"
    )


def downgrade() -> None:
    op.drop_table("media_upload")
    op.drop_table("task_media_use")
    op.drop_table("task_media")
    op.execute("DROP FUNCTION task_media_stays()")


def _to(name: str, column: str) -> sa.Column:
    return sa.Column(name, sa.Integer, sa.ForeignKey(column), nullable=False)


def _at(name: str, *, nullable: bool = False) -> sa.Column:
    return sa.Column(name, sa.DateTime(timezone=True), nullable=nullable)
