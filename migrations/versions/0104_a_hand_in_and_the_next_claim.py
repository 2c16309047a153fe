"""A hand-in and the claim of the next task are one question, so that one commit ends both.

The draft of a task that comes to its expert again comes with the claim.
"""

import runpy
from pathlib import Path

from alembic import op

revision = "0104"
down_revision = "0103"
branch_labels = None
depends_on = None

BEFORE = Path(__file__).with_name("0093_a_claim_in_one_question.py")
BOTH = """
create function hand_in_and_claim(lease bigint, answer jsonb, one_only uuid, at_time timestamptz,
    until timestamptz, seconds int, jobs jsonb, wanted_project int, expert int, tasks bigint,
    most int, noted_at timestamptz, due timestamptz, pay bigint, fee bigint, code text,
    agreed jsonb, out made bigint, out came text, out next_lease bigint)
language plpgsql set plan_cache_mode = force_generic_plan as $$
begin
    made := hand_in(lease, answer, one_only, at_time, until, seconds, jobs);
    select claimed.came, claimed.lease into came, next_lease
    from claim_lease(wanted_project, expert, tasks, most, at_time, noted_at, due, pay, fee, code,
                     agreed, null) claimed;
end $$
"""
HEAD, END = (
    "create function claim_lease",
    """    exception when no_data_found then
        lease := null;
        task := null;
    end;
end $$
""",
)
DRAFT = """        if is_again then
            insert into draft (assignment_id, result, saved_at)
            select lease, d.result, d.saved_at
            from draft d join assignment a on a.id = d.assignment_id
            where a.task_id = task and a.expert_id = expert
            order by d.saved_at desc limit 1;
        end if;
"""


def upgrade() -> None:
    was = runpy.run_path(str(BEFORE))["CLAIM"]
    op.execute(_again(was.replace(END, DRAFT + END)))
    op.execute(BOTH)


def downgrade() -> None:
    op.execute("drop function hand_in_and_claim")
    op.execute(_again(runpy.run_path(str(BEFORE))["CLAIM"]))


def _again(function: str) -> str:
    return function.replace(HEAD, HEAD.replace("create", "create or replace"))
