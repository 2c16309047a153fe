"""How much work of a project is left and decided is noted as it changes, so that nobody counts it.

Each change is a row of its own: nobody waits for a counter that others hold. A job folds them.
"""

import sqlalchemy as sa
from alembic import op

revision = "0109"
down_revision = "0108"
branch_labels = None
depends_on = None

NUMBERS = ("tasks", "slots_left", "untouched", "taken", "accepted", "partly_accepted")
TASKS_CAME = """
CREATE FUNCTION tally_tasks() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  INSERT INTO work_tally (project_id, tasks, slots_left, untouched, taken)
    SELECT project_id, {sign}count(*), {sign}sum(slots_left),
      {sign}count(*) FILTER (WHERE slots_left = slots), {sign}count(*) FILTER (WHERE slots_left = 0)
    FROM changed GROUP BY project_id;
  RETURN NULL;
END $$
"""
SLOTS_CHANGED = """
CREATE FUNCTION tally_slots() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  INSERT INTO work_tally (project_id, slots_left, untouched, taken) VALUES (
    NEW.project_id,
    NEW.slots_left - OLD.slots_left,
    (NEW.slots_left = NEW.slots)::int - (OLD.slots_left = OLD.slots)::int,
    (NEW.slots_left = 0)::int - (OLD.slots_left = 0)::int);
  RETURN NULL;
END $$
"""
VERDICTS = """
CREATE FUNCTION tally_verdicts() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
  was text := CASE WHEN TG_OP <> 'INSERT' THEN OLD.verdict END;
  is_now text := CASE WHEN TG_OP <> 'DELETE' THEN NEW.verdict END;
BEGIN
  INSERT INTO work_tally (project_id, accepted, partly_accepted) VALUES (
    coalesce(NEW.project_id, OLD.project_id),
    (is_now IS NOT DISTINCT FROM 'accepted')::int - (was IS NOT DISTINCT FROM 'accepted')::int,
    (is_now IS NOT DISTINCT FROM 'partly_accepted')::int
      - (was IS NOT DISTINCT FROM 'partly_accepted')::int);
  RETURN NULL;
END $$
"""
# A claim fires the second alone.
TRIGGERS = {
    "task_tallied_new": "AFTER INSERT ON task REFERENCING NEW TABLE AS changed"
    " FOR EACH STATEMENT EXECUTE FUNCTION tally_new_tasks()",
    "task_tallied_slots": "AFTER UPDATE OF slots, slots_left ON task FOR EACH ROW"
    " WHEN ((OLD.slots, OLD.slots_left) <> (NEW.slots, NEW.slots_left))"
    " EXECUTE FUNCTION tally_slots()",
    "task_tallied_gone": "AFTER DELETE ON task REFERENCING OLD TABLE AS changed"
    " FOR EACH STATEMENT EXECUTE FUNCTION tally_tasks_gone()",
    "assignment_tallied_new": "AFTER INSERT ON assignment FOR EACH ROW"
    " WHEN (NEW.verdict IS NOT NULL) EXECUTE FUNCTION tally_verdicts()",
    "assignment_tallied_verdict": "AFTER UPDATE OF verdict ON assignment FOR EACH ROW"
    " WHEN (OLD.verdict IS DISTINCT FROM NEW.verdict) EXECUTE FUNCTION tally_verdicts()",
    "assignment_tallied_gone": "AFTER DELETE ON assignment FOR EACH ROW"
    " WHEN (OLD.verdict IS NOT NULL) EXECUTE FUNCTION tally_verdicts()",
}
FUNCTIONS = ("tally_new_tasks", "tally_tasks_gone", "tally_slots", "tally_verdicts")


def upgrade() -> None:
    op.create_table(
        "work_tally",
        sa.Column("id", sa.BigInteger, primary_key=True),
        sa.Column("project_id", sa.Integer, nullable=False),
        *(
            sa.Column(name, sa.BigInteger, nullable=False, server_default=sa.text("0"))
            for name in NUMBERS
        ),
    )
    op.create_index("ix_work_tally_project_id", "work_tally", ["project_id"])
    op.execute(TASKS_CAME.format(sign="").replace("tally_tasks", "tally_new_tasks"))
    op.execute(TASKS_CAME.format(sign="-").replace("tally_tasks", "tally_tasks_gone"))
    op.execute(SLOTS_CHANGED)
    op.execute(VERDICTS)
    for name, what in TRIGGERS.items():
        op.execute(f"CREATE TRIGGER {name} {what}")


def downgrade() -> None:
    for name, what in TRIGGERS.items():
        op.execute(f"DROP TRIGGER {name} ON {'task' if ' ON task ' in what else 'assignment'}")
    for name in FUNCTIONS:
        op.execute(f"DROP FUNCTION {name}()")
    op.drop_table("work_tally")
