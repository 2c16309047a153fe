"""A claim counts open tasks once in a while, and takes back by hand where the pay is not there.

A connection that has counted many open tasks knows that there are enough for the next claims: it
keeps until which lease and moment in a setting of its own (`doyen.open_<project>`). A hand-in knows
its task from the row that it has just changed. Neither begins a transaction within the transaction.
"""

import runpy
from pathlib import Path

from alembic import op

revision = "0112"
down_revision = "0111"
branch_labels = None
depends_on = None

CLAIM = """
create or replace function claim_lease(wanted_project int, expert int, tasks bigint, most int,
    at_time timestamptz, noted_at timestamptz, due timestamptz, pay bigint, fee bigint, code text,
    agreed jsonb, taken bigint,
    out came text, out lease bigint, out task bigint, out is_again boolean,
    out is_clear boolean, out is_frozen boolean)
language plpgsql set plan_cache_mode = force_generic_plan as $$
declare
    may_be_full boolean;
begin
    perform pg_advisory_xact_lock(wanted_project, expert);
    select
        (select id from assignment
         where project_id = wanted_project and expert_id = expert and state = 'active'),
        p.state = 'open'
        and exists (select from invitation
                    where project_id = wanted_project and expert_id = expert
                    and state = 'accepted')
        and exists (select from expert e where e.user_id = expert and e.standing = 'active')
        and exists (select from skill s where s.expert_id = expert and s.field = p.field
                    and s.level >= p.min_level and s.expires_at > at_time)
        and not coalesce((select r.is_on from work_sample_rule r
                          where r.project_id = wanted_project
                          order by r.version desc limit 1), false)
        -- what the gates of `projects.entry` look into, if there is anything
        and not exists (select from interview_template t where t.project_id = wanted_project),
        exists (select from project_budget
                where project_id = wanted_project and frozen_at is not null),
        p.most_a_day is not null or p.most_each is not null or p.qualification_tasks > 0
        or p.uses_models
    into lease, is_clear, is_frozen, may_be_full
    from project p where p.id = wanted_project;
    if lease is not null then
        came := 'in_hand';
        return;
    end if;
    if taken is null and (is_frozen or may_be_full or not is_clear
                          or not are_many_open(wanted_project, most)) then
        came := 'look';
        return;
    end if;
    task := taken;
    if task is null then
        select slot.task_id, slot.is_again into task, is_again
        from claim_slot(wanted_project, expert, tasks) slot;
        if task is null then
            came := 'no_task';
            return;
        end if;
    end if;
    insert into assignment (task_id, project_id, expert_id, state, pay_minor, fee_minor,
        currency, terms, claimed_at, due_at, extended)
    values (task, wanted_project, expert, 'active', pay, fee, code, agreed, at_time, due, 0)
    returning id into lease;
    came := set_aside(lease, wanted_project, expert, pay, fee, code, 1, at_time, noted_at);
    if came <> 'posted' then
        delete from assignment where id = lease;
        if taken is null then
            update task t set slots_left = slots_left + 1 where t.id = claim_lease.task;
        end if;
        lease := null;
        task := null;
        return;
    end if;
    if is_again then
        insert into draft (assignment_id, result, saved_at)
        select lease, d.result, d.saved_at
        from draft d join assignment a on a.id = d.assignment_id
        where a.task_id = task and a.expert_id = expert
        order by d.saved_at desc limit 1;
    end if;
end $$
"""
# Of twice as many as are asked for, half as many leases can be given out unseen, and as many tasks
# again be taken by those whose transactions have not ended. The clock of the server counts here.
MANY = """
create function are_many_open(wanted_project int, most int) returns boolean
language plpgsql set plan_cache_mode = force_generic_plan as $$
declare
    name text := 'doyen.open_' || wanted_project;
    known text := current_setting(name, true);
    newest bigint;
    counted int;
begin
    select last_value into newest from assignment_id_seq;
    if known <> '' and newest <= split_part(known, ' ', 1)::bigint
        and extract(epoch from now()) < split_part(known, ' ', 2)::numeric then
        return true;
    end if;
    select count(*) into counted from (select from task
        where project_id = wanted_project and slots_left > 0 limit most * 2) as open;
    if counted = most * 2 then
        perform set_config(name, format('%s %s', newest + most / 2,
                                        extract(epoch from now() + interval '1 minute')), false);
    elsif known <> '' then
        perform set_config(name, '', false);
    end if;
    return counted >= most;
end $$
"""
HAND_IN = """
create or replace function hand_in(lease bigint, answer jsonb, one_only uuid, at_time timestamptz,
    until timestamptz, seconds int, jobs jsonb)
returns bigint language plpgsql set plan_cache_mode = force_generic_plan as $$
declare
    made bigint;
    ended record;
begin
    update assignment set state = 'submitted', submitted_at = at_time, review_by = until,
        lead_seconds = seconds
    where id = lease and state = 'active'
    returning task_id, project_id, expert_id into strict ended;
    insert into annotation (assignment_id, task_id, project_id, expert_id, result, unique_id,
        submitted_at)
    values (lease, ended.task_id, ended.project_id, ended.expert_id, answer, one_only, at_time)
    returning id into made;
    delete from draft where assignment_id = lease;
    update reservation set submitted_at = coalesce(submitted_at, at_time), review_by = until
    where assignment_id = lease;
    if not found then
        raise no_data_found using message = 'no pay was set aside';
    end if;
    -- A job whose argument `annotation_id` is open is about this annotation.
    perform procrastinate_defer_jobs_v1(array(
        select row(given->>'queue_name', given->>'task_name', (given->>'priority')::int,
            given->>'lock', null, case
            when given->'args' ? 'annotation_id'
            then jsonb_build_object('annotation_id', made) else given->'args'
            end, null)::procrastinate_job_to_defer_v1
        from jsonb_array_elements(jobs) given
    ));
    return made;
end $$
"""
LATER = Path(__file__).with_name("0104_a_hand_in_and_the_next_claim.py")
FIRST = Path(__file__).with_name("0093_a_claim_in_one_question.py")


def upgrade() -> None:
    op.execute(MANY)
    op.execute(CLAIM)
    op.execute(HAND_IN)


def downgrade() -> None:
    was, later = runpy.run_path(str(FIRST)), runpy.run_path(str(LATER))
    claim = was["CLAIM"].replace(later["END"], later["DRAFT"] + later["END"])
    for function in (claim, was["HAND_IN"]):
        op.execute(function.replace("create function", "create or replace function"))
    op.execute("drop function are_many_open")
