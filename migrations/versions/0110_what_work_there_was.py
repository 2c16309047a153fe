"""The tallies of work begin with what was there.

What changed since the triggers came is in the tallies already: one statement sees both, and adds
the difference, so that nobody waits for the count of a large table.
"""

from alembic import op

revision = "0110"
down_revision = "0109"
branch_labels = None
depends_on = None

COUNT = """
INSERT INTO work_tally
  (project_id, tasks, slots_left, untouched, taken, accepted, partly_accepted)
SELECT p.id,
  coalesce(t.tasks, 0) - coalesce(w.tasks, 0),
  coalesce(t.slots_left, 0) - coalesce(w.slots_left, 0),
  coalesce(t.untouched, 0) - coalesce(w.untouched, 0),
  coalesce(t.taken, 0) - coalesce(w.taken, 0),
  coalesce(a.accepted, 0) - coalesce(w.accepted, 0),
  coalesce(a.partly_accepted, 0) - coalesce(w.partly_accepted, 0)
FROM project p
LEFT JOIN (
  SELECT project_id, count(*) AS tasks, sum(slots_left) AS slots_left,
    count(*) FILTER (WHERE slots_left = slots) AS untouched,
    count(*) FILTER (WHERE slots_left = 0) AS taken
  FROM task GROUP BY project_id
) t ON t.project_id = p.id
LEFT JOIN (
  SELECT project_id, count(*) FILTER (WHERE verdict = 'accepted') AS accepted,
    count(*) FILTER (WHERE verdict = 'partly_accepted') AS partly_accepted
  FROM assignment WHERE verdict IS NOT NULL GROUP BY project_id
) a ON a.project_id = p.id
LEFT JOIN (
  SELECT project_id, sum(tasks) AS tasks, sum(slots_left) AS slots_left,
    sum(untouched) AS untouched, sum(taken) AS taken, sum(accepted) AS accepted,
    sum(partly_accepted) AS partly_accepted
  FROM work_tally GROUP BY project_id
) w ON w.project_id = p.id
"""


def upgrade() -> None:
    op.execute(COUNT)


def downgrade() -> None:
    pass
