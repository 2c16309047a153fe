"""An expert may have several tasks of a project in hand: one in work, the others waiting unseen.

A claim opens what waits before it takes anything new. Where a project lets experts have one task
at a time, it asks nothing more than before.
"""

import runpy
from pathlib import Path

import sqlalchemy as sa
from alembic import op

revision = "0114"
down_revision = "0113"
branch_labels = None
depends_on = None

BEFORE = Path(__file__).with_name("0112_a_claim_counts_less.py")
STATES = (
    *("active", "submitted", "accepted", "rejected", "partly_accepted"),
    *("returned", "expired", "skipped"),
)
KNOWN, WHOLE = "ck_assignment_state_known", "ck_assignment_opened_whole"
OPENED = """
    CASE WHEN taken_ahead THEN state IN ('waiting', 'returned') OR opened_at IS NOT NULL
    ELSE opened_at IS NULL AND state <> 'waiting' END
    AND (state <> 'waiting' OR opened_at IS NULL)
"""
# The clock of a task begins when it is shown, under the terms that were fixed when it was taken.
OPEN = """
create function open_waiting(wanted_project int, expert int, at_time timestamptz)
returns bigint language sql as $$
    update assignment set state = 'active', opened_at = at_time, seen_at = at_time,
        due_at = at_time + make_interval(mins => (terms->>'lease_minutes')::int)
    where id = (select id from assignment where project_id = wanted_project
                and expert_id = expert and state = 'waiting' order by id limit 1 for update)
    returning id
$$
"""
FACTS = "        p.most_a_day is not null"
INTO = "    into lease, is_clear, is_frozen, may_be_full\n"
DECLARED = "    may_be_full boolean;\n"
LOOK = "    if taken is null and (is_frozen or may_be_full or not is_clear\n"
GO_ON = """    if has_batches and is_clear and not is_frozen and taken is null then
        lease := open_waiting(wanted_project, expert, at_time);
        if lease is not null then
            came := 'in_hand';
            return;
        end if;
    end if;
"""


def upgrade() -> None:
    op.add_column(
        "project", sa.Column("tasks_in_hand", sa.Integer, nullable=False, server_default="1")
    )
    op.create_check_constraint(
        op.f("ck_project_tasks_in_hand_plausible"), "project", "tasks_in_hand BETWEEN 1 AND 5"
    )
    op.add_column(
        "assignment", sa.Column("taken_ahead", sa.Boolean, nullable=False, server_default="false")
    )
    op.add_column("assignment", sa.Column("opened_at", sa.DateTime(timezone=True)))
    _check(KNOWN, f"state IN ('waiting', {_listed()})")
    _check(WHOLE, OPENED)
    op.create_index(
        "ix_assignment_project_id_expert_id_waiting",
        "assignment",
        ["project_id", "expert_id"],
        postgresql_where="state = 'waiting'",
    )
    op.execute(OPEN)
    claim = runpy.run_path(str(BEFORE))["CLAIM"]
    for old, new in (
        (DECLARED, DECLARED + "    has_batches boolean;\n"),
        (FACTS, f"        p.tasks_in_hand > 1,\n{FACTS}"),
        (INTO, INTO.replace("is_frozen,", "is_frozen, has_batches,")),
        (LOOK, GO_ON + LOOK),
    ):
        assert old in claim
        claim = claim.replace(old, new)
    op.execute(claim)


def downgrade() -> None:
    op.execute(runpy.run_path(str(BEFORE))["CLAIM"])
    op.execute("drop function open_waiting")
    op.drop_index("ix_assignment_project_id_expert_id_waiting", "assignment")
    op.drop_constraint(op.f(WHOLE), "assignment", type_="check")
    # Refused while something waits: pay is reserved for it. With projects paused it goes back soon.
    _check(KNOWN, f"state IN ({_listed()})")
    op.drop_column("assignment", "opened_at")
    op.drop_column("assignment", "taken_ahead")
    op.drop_constraint(op.f("ck_project_tasks_in_hand_plausible"), "project", type_="check")
    op.drop_column("project", "tasks_in_hand")


def _listed() -> str:
    return ", ".join(f"'{state}'" for state in STATES)


def _check(name: str, rule: str) -> None:
    op.execute(f"ALTER TABLE assignment DROP CONSTRAINT IF EXISTS {name}")
    op.execute(f"ALTER TABLE assignment ADD CONSTRAINT {name} CHECK ({rule})")
