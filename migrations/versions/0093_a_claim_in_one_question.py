"""A claim is one question of the database, and so is a hand-in; setting pay aside is one as well.

`claim_lease` takes the place of `claim_facts`: where nothing can stand against a claim it goes on
to the lease itself. Else it says `look`, and is asked again with the slot taken meanwhile.
What it takes is undone where the budget does not hold the pay; the transaction can go on. The plans
are generic, since to plan these questions takes longer than to answer them.
"""

import runpy
from pathlib import Path

from alembic import op

revision = "0093"
down_revision = "0092"
branch_labels = None
depends_on = None

SET_ASIDE = """
create function set_aside(lease bigint, in_project int, expert int, pay bigint, fee bigint,
    code text, of_round int, at_time timestamptz, noted_at timestamptz)
returns text language plpgsql as $$
declare
    came text;
    has_fee int := case when fee > 0 then 2 else 1 end;
begin
    came := ledger_post(
        format('assignment:%s:%s:reserved', lease, of_round), at_time, noted_at,
        'pay and fee reserved', format('assignment:%s', lease),
        array['project_budget', 'project_reserve'], array[in_project, in_project],
        array[code, code], array[0, 0]::bigint[],
        (array['pay', 'fee'])[1:has_fee], (array[1, 1])[1:has_fee], (array[2, 2])[1:has_fee],
        (array[pay, fee])[1:has_fee]
    );
    -- Only now: whoever goes on without the money must not leave a row of it.
    if came = 'posted' and of_round = 1 then
        insert into reservation (assignment_id, project_id, expert_id, pay_minor, fee_minor,
            earned_minor, currency, round, state, held_at)
        values (lease, in_project, expert, pay, fee, 0, code, 1, 'held', at_time);
    end if;
    return came;
end $$
"""
CLAIM = """
create function claim_lease(wanted_project int, expert int, tasks bigint, most int,
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
        or (select count(*) from (select from task
            where project_id = wanted_project and slots_left > 0 limit most) as counted) < most
    into lease, is_clear, is_frozen, may_be_full
    from project p where p.id = wanted_project;
    if lease is not null then
        came := 'in_hand';
        return;
    end if;
    if taken is null and (is_frozen or may_be_full or not is_clear) then
        came := 'look';
        return;
    end if;
    begin
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
            raise no_data_found;
        end if;
    exception when no_data_found then
        lease := null;
        task := null;
    end;
end $$
"""
HAND_IN = """
create function hand_in(lease bigint, answer jsonb, one_only uuid, at_time timestamptz,
    until timestamptz, seconds int, jobs jsonb)
returns bigint language plpgsql set plan_cache_mode = force_generic_plan as $$
declare
    made bigint;
begin
    update assignment set state = 'submitted', submitted_at = at_time, review_by = until,
        lead_seconds = seconds
    where id = lease and state = 'active';
    insert into annotation (assignment_id, task_id, project_id, expert_id, result, unique_id,
        submitted_at)
    select id, task_id, project_id, expert_id, answer, one_only, at_time
    from assignment where id = lease and state = 'submitted' and submitted_at = at_time
    returning id into strict made;
    delete from draft where assignment_id = lease;
    update reservation set submitted_at = coalesce(submitted_at, at_time), review_by = until
    where assignment_id = lease;
    if not found then
        raise no_data_found using message = 'no pay was set aside';
    end if;
    -- A job whose argument `annotation_id` is open is about this annotation.
    perform procrastinate_defer_jobs_v1(array(
        select job from jsonb_array_elements(jobs) given,
        jsonb_populate_record(null::procrastinate_job_to_defer_v1, case
            when given->'args' ? 'annotation_id'
            then jsonb_set(given, '{args,annotation_id}', to_jsonb(made)) else given
        end) job
    ));
    return made;
end $$
"""
BEFORE = Path(__file__).with_name("0085_claims_in_few_questions.py")
BY_TASK, BY_BOTH = "ix_assignment_task_id", "ix_assignment_task_id_expert_id"


def upgrade() -> None:
    op.create_index(BY_BOTH, "assignment", ["task_id", "expert_id"])
    op.drop_index(BY_TASK, "assignment")
    op.execute(_slot("create or replace function", " offset 0)"))
    op.execute(SET_ASIDE)
    op.execute(CLAIM)
    op.execute(HAND_IN)
    op.execute("drop function claim_facts")


def downgrade() -> None:
    for function in ("hand_in", "claim_lease", "set_aside"):
        op.execute(f"drop function {function}")
    op.execute(_slot("create or replace function", ")"))
    op.create_index(BY_TASK, "assignment", ["task_id"])
    op.drop_index(BY_BOTH, "assignment")
    op.execute(runpy.run_path(str(BEFORE))["FACTS"])


def _slot(create: str, end: str) -> str:
    """Return `claim_slot`; an offset keeps its look at one task apart.

    A server that does not know yet how much an expert has had would join each task with all of it.
    """
    was = runpy.run_path(str(BEFORE))["SLOT"]
    for last in ("a.expert_id = expert", "not in ('returned', 'expired')"):
        was = was.replace(f"{last})", f"{last}{end}")
    return str(was.replace("create function", create))
