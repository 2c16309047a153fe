"""What a claim asks before it takes a task, and the taking of a slot, are one question each.

`claim_facts` first waits for another claim of the same expert in the project; what it reads after
that is as the other has left it. `claim_slot` tries what comes after the expert's place, then from
the front, then what they gave back, and at last waits for rows that others hold; a try that finds
nothing lets go of the rows that it has locked, since whoever waits holding them waits in a circle.
"""

from alembic import op

revision = "0085"
down_revision = "0084"
branch_labels = None
depends_on = None

FACTS = """
create function claim_facts(wanted_project int, expert int, at_time timestamptz, most int,
    out in_hand bigint, out is_member boolean, out standing text, out level double precision,
    out open_tasks int, out is_frozen boolean, out asks_sample boolean,
    out asks_more boolean)
language plpgsql as $$
begin
    perform pg_advisory_xact_lock(wanted_project, expert);
    select
        (select id from assignment
         where project_id = wanted_project and expert_id = expert and state = 'active'),
        exists (select from invitation
                where project_id = wanted_project and expert_id = expert and state = 'accepted'),
        (select e.standing from expert e where e.user_id = expert),
        (select max(s.level) from skill s join project p on p.id = wanted_project
         where s.expert_id = expert and s.field = p.field and s.expires_at > at_time),
        (select count(*) from (select from task
         where project_id = wanted_project and slots_left > 0 limit most) as counted),
        exists (select from project_budget
                where project_id = wanted_project and frozen_at is not null),
        coalesce((select r.is_on from work_sample_rule r where r.project_id = wanted_project
                  order by r.version desc limit 1), false),
        -- what the gates of `projects.entry` look into, if there is anything
        exists (select from interview_template t where t.project_id = wanted_project)
    into in_hand, is_member, standing, level, open_tasks, is_frozen, asks_sample, asks_more;
end $$
"""
TRY = """
                with next_up as (
                    select t.id from task t
                    where t.project_id = wanted_project and t.slots_left > 0{where}
                    order by t.priority desc, t.position desc limit 1 for update{how}
                )
                update task set slots_left = slots_left - 1 from next_up
                where task.id = next_up.id
                returning task.id, task.priority, task.position into taken;
"""
BEYOND = """
                    and (t.priority, t.position) < (place.priority, place.position)"""
SEEN = """
                    and not exists (select from work_sample_answer s
                                    join work_sample w on w.id = s.sample_id
                                    where s.task_id = t.id and w.expert_id = expert)"""
FRESH = f"""
                    and not exists (select from assignment a
                                    where a.task_id = t.id and a.expert_id = expert){SEEN}"""
AGAIN = f"""
                    and not exists (select from assignment a
                                    where a.task_id = t.id and a.expert_id = expert
                                    and a.state not in ('returned', 'expired')){SEEN}"""
SLOT = f"""
create function claim_slot(wanted_project int, expert int, tasks bigint,
    out task_id bigint, out is_again boolean)
language plpgsql as $$
declare
    place claim_place;
    taken record;
begin
    select * into place from claim_place
    where project_id = wanted_project and expert_id = expert and task_count = tasks;
    for attempt in 1..4 loop
        continue when attempt = 1 and place.project_id is null;
        begin
            if attempt = 1 then{TRY.format(where=BEYOND + FRESH, how=" skip locked")}
            elsif attempt = 2 then{TRY.format(where=FRESH, how=" skip locked")}
            elsif attempt = 3 then{TRY.format(where=AGAIN, how=" skip locked")}
            else{TRY.format(where=AGAIN, how="")}
            end if;
            if not found then
                raise no_data_found;
            end if;
            task_id := taken.id;
            is_again := attempt > 2;
            if attempt = 1 or place.project_id is null then
                insert into claim_place (project_id, expert_id, priority, position, task_count)
                values (wanted_project, expert, taken.priority, taken.position, tasks)
                on conflict (project_id, expert_id) do update
                set priority = excluded.priority, position = excluded.position,
                    task_count = excluded.task_count;
            end if;
            return;
        exception when no_data_found then
            null;
        end;
    end loop;
end $$
"""  # noqa: S608 - our own constants


def upgrade() -> None:
    op.execute(FACTS)
    op.execute(SLOT)


def downgrade() -> None:
    op.execute("drop function claim_slot(int, int, bigint)")
    op.execute("drop function claim_facts(int, int, timestamptz, int)")
