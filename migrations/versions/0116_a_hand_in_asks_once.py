"""A hand-in names the draft that it goes on from, and is still one question; fewer jobs follow it.

Where another draft is kept meanwhile, nothing is written, and null is said in place of an answer. A
job that waits already is not added again, so that one brings all answers of a project to Label
Studio, and nobody has to wait for the one lock there is on telling workers of new jobs. Whatever
agreement may decide by now is noted as a row, so that nothing is looked at twice.
"""

import runpy
from pathlib import Path

import sqlalchemy as sa
from alembic import op

revision = "0116"
down_revision = "0115"
branch_labels = None
depends_on = None

ONE = Path(__file__).with_name("0112_a_claim_counts_less.py")
BOTH = Path(__file__).with_name("0104_a_hand_in_and_the_next_claim.py")
# Of two that add the same job at once the later one waits for the earlier one's commit.
DEFER = """
create function defer_unless_waiting(jobs jsonb) returns void language plpgsql as $$
declare
    job record;
begin
    for job in select * from jsonb_to_recordset(jobs) as given(queue_name text, task_name text,
        priority int, lock text, queueing_lock text, args jsonb)
    loop
        if job.queueing_lock is null or not exists (select from procrastinate_jobs
            where queueing_lock = job.queueing_lock and status = 'todo')
        then
            insert into procrastinate_jobs
                (queue_name, task_name, priority, lock, queueing_lock, args)
            values (job.queue_name, job.task_name, job.priority, job.lock, job.queueing_lock,
                job.args)
            on conflict do nothing;
        end if;
    end loop;
end $$
"""
HAND_IN = """
create function hand_in(lease bigint, answer jsonb, at_time timestamptz, until timestamptz,
    seconds int, jobs jsonb, seen timestamptz)
returns bigint language plpgsql set plan_cache_mode = force_generic_plan as $$
declare
    made bigint;
    ended record;
begin
    if seen is not null
        and exists (select from draft where assignment_id = lease and saved_at <> seen) then
        return null;
    end if;
    update assignment set state = 'submitted', submitted_at = at_time, review_by = until,
        lead_seconds = seconds
    where id = lease and state = 'active'
    returning task_id, project_id, expert_id into strict ended;
    insert into annotation (assignment_id, task_id, project_id, expert_id, result, unique_id,
        submitted_at)
    values (lease, ended.task_id, ended.project_id, ended.expert_id, answer, gen_random_uuid(),
        at_time)
    returning id into made;
    insert into validation_due (task_id)
    select ended.task_id from project
    where id = ended.project_id and validation = 'agreement'
    on conflict do nothing;
    delete from draft where assignment_id = lease;
    update reservation set submitted_at = coalesce(submitted_at, at_time), review_by = until
    where assignment_id = lease;
    if not found then
        raise no_data_found using message = 'no pay was set aside';
    end if;
    -- Before any money is locked: it may wait for somebody who is going to lock some.
    perform defer_unless_waiting(jobs);
    return made;
end $$
"""
HAND_IN_AND_CLAIM = """
create function hand_in_and_claim(lease bigint, answer jsonb, at_time timestamptz,
    until timestamptz, seconds int, jobs jsonb, seen timestamptz, wanted_project int, expert int,
    tasks bigint, most int, noted_at timestamptz, due timestamptz, pay bigint, fee bigint,
    code text, agreed jsonb, out made bigint, out came text, out next_lease bigint)
language plpgsql set plan_cache_mode = force_generic_plan as $$
begin
    made := hand_in(lease, answer, at_time, until, seconds, jobs, seen);
    if made is null then
        return;
    end if;
    select claimed.came, claimed.lease into came, next_lease
    from claim_lease(wanted_project, expert, tasks, most, at_time, noted_at, due, pay, fee, code,
                     agreed, null) claimed;
end $$
"""
# The sweeps find what those jobs were for.
DUE = """
    insert into validation_due (task_id)
    select distinct a.task_id from assignment a
    join project p on p.id = a.project_id join task t on t.id = a.task_id
    where a.state = 'submitted' and p.validation = 'agreement' and t.slots_left = 0
"""
FORGET = """
    delete from procrastinate_jobs where status = 'todo'
    and task_name in ('annotation.push_%s', 'annotation.validate%s')
"""


def upgrade() -> None:
    op.create_table(
        "validation_due",
        sa.Column("task_id", sa.BigInteger, sa.ForeignKey("task.id"), nullable=False),
        sa.PrimaryKeyConstraint("task_id", name=op.f("pk_validation_due")),
    )
    _drop()
    for function in (DEFER, HAND_IN, HAND_IN_AND_CLAIM):
        op.execute(function)
    op.execute(DUE)
    op.execute(FORGET % ("annotation", ""))


def downgrade() -> None:
    _drop()
    op.execute("drop function defer_unless_waiting")
    op.execute(runpy.run_path(str(ONE))["HAND_IN"])
    op.execute(runpy.run_path(str(BOTH))["BOTH"])
    op.execute(FORGET % ("answers", "_handed_in"))
    op.drop_table("validation_due")


def _drop() -> None:
    op.execute("drop function hand_in_and_claim")
    op.execute("drop function hand_in")
