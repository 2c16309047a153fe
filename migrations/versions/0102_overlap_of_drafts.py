"""Tasks of a draft follow its overlap, also those that were brought in before it was chosen.

Else a project that asks for one answer would pay for two, and its estimate would say half.
"""

from alembic import op

revision = "0102"
down_revision = "0101"
branch_labels = None
depends_on = None

FOLLOW = """
CREATE FUNCTION tasks_follow_overlap() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  UPDATE task SET slots = NEW.overlap, slots_left = NEW.overlap
    WHERE project_id = NEW.id AND (slots, slots_left) <> (NEW.overlap, NEW.overlap);
  RETURN NULL;
END $$
"""
TRIGGER = """
CREATE TRIGGER tasks_follow_overlap AFTER UPDATE OF overlap ON project FOR EACH ROW
  WHEN (NEW.state = 'draft' AND OLD.overlap <> NEW.overlap)
  EXECUTE FUNCTION tasks_follow_overlap()
"""
CATCH_UP = """
UPDATE task SET slots = p.overlap, slots_left = p.overlap FROM project p
  WHERE p.id = task.project_id AND p.state = 'draft' AND task.slots <> p.overlap
    AND NOT EXISTS (SELECT 1 FROM assignment a WHERE a.task_id = task.id)
"""


def upgrade() -> None:
    op.execute(FOLLOW)
    op.execute(TRIGGER)
    op.execute(CATCH_UP)


def downgrade() -> None:
    op.execute("DROP TRIGGER tasks_follow_overlap ON project")
    op.execute("DROP FUNCTION tasks_follow_overlap()")
