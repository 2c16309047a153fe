"""The order of a project's tasks by a model's doubt, set by a job in batches, and taken back.

A task's own priority stays the first thing: doubt orders within it. Both stand in one number, so
that a claim costs what it did: `own * WIDTH + doubt`, with doubt from LEAST to MOST. No owner can
write such a number themselves (theirs end at 1000), so that each row tells whether it is ordered
and what its own priority was; ordering again or taking back needs no memory and may run twice.
"""

from datetime import datetime
from typing import Any

from sqlalchemy import text
from sqlmodel import Session, col, select

from accounts.models import User
from annotation.loop_models import OrderState, TaskOrder
from annotation.prediction_rule import require_version
from core import audit, jobs
from core.errors import Conflict
from projects.models import Project, id_of

AT_ONCE = 1000
OWN = 1000  # the greatest priority of an owner, either way
WIDTH = 1_000_000
LEAST, MOST = 2_000, 998_000
SAMPLED = 4000

# The entropy of what the model says of all answers, else 1 - score; a task of which it says
# nothing stands in the middle.
DOUBT = "coalesce(p.doubt, 1 - p.score, 0.5)"
# Of a large project a sample from its first task to its last: one look into the index each.
SPREAD = text(f"""
    with bounds as (
        select (select min(id) from task where project_id = :project) as first,
            (select max(id) from task where project_id = :project) as last
    ), sample as (
        select distinct t.id, t.gold is null as is_open
        from bounds, generate_series(first, last, greatest(1, (last - first) / {SAMPLED})) as at_id
        cross join lateral (
            select id, gold from task where project_id = :project and id >= at_id
            order by id limit 1
        ) as t
    )
    select percentile_disc((select array_agg(n / 20.0::float) from generate_series(0, 20) n))
           within group (order by {DOUBT})
    from sample t left join prediction p on p.task_id = t.id and p.model_version = :version
    where t.is_open
""")  # noqa: S608 - our own constants
# What the owner gave, whether the row is ordered already or not.
GIVEN = f"case when abs(t.priority) <= {OWN} then t.priority else floor(t.priority / {WIDTH}.0) end"
# A known answer is often an easy one: with its own doubt it would come last, and give itself away.
# It takes the doubt of others, by lot, always the same.
LOT = "(abs(hashtext(t.external_id || :version)::bigint) % 21)::int"
NEXT = f"""
    select t.id, {GIVEN} as own,
        case when t.gold is null then {DOUBT}
             else (cast(:spread as jsonb) ->> {LOT})::float end as doubt
    from task t left join prediction p on p.task_id = t.id and p.model_version = :version
    where t.id in (select id from candidate) for update of t skip locked
"""  # noqa: S608 - our own constants
# Rows that others hold right now are passed by, and come first the next time: whoever reviews
# many answers at once holds several tasks, in no order of ours.
CANDIDATES = """
    candidate as materialized (
        select id from task where project_id = :project and id > :after order by id limit :most
    )
"""
DONE = """
    select coalesce(
            (select min(id) - 1 from candidate where id not in (select id from next_up)),
            (select max(id) from candidate)
        ) as last, (select count(*) from moved) as moved
"""
MOVE = text(f"""
    with {CANDIDATES}, next_up as materialized ({NEXT}),
    moved as (
        update task set priority = own * {WIDTH} + {LEAST}
            + round((doubt * {MOST - LEAST})::numeric)
        from next_up where task.id = next_up.id
        and task.priority <> own * {WIDTH} + {LEAST} + round((doubt * {MOST - LEAST})::numeric)
        returning task.id
    )
    {DONE}
""")  # noqa: S608 - our own constants
BACK = text(f"""
    with {CANDIDATES}, next_up as materialized (
        select t.id, {GIVEN} as own from task t
        where t.id in (select id from candidate) for update of t skip locked
    ),
    moved as (
        update task set priority = own from next_up
        where task.id = next_up.id and task.priority <> own returning task.id
    )
    {DONE}
""")  # noqa: S608 - our own constants
PLACES = text("select expert_id from claim_place where project_id = :project order by 1")
AFTER_CLAIMS = text("select pg_advisory_xact_lock(:project, :expert)")
FORGET = text("delete from claim_place where project_id = :project and expert_id = :expert")
BUSY = (OrderState.ORDERING, OrderState.UNDOING)
NEW_TASKS = text("""
    select o.project_id from task_order o where o.state = 'on' and exists (
        select from task t where t.project_id = o.project_id and t.id > o.last_task_id)
""")


class NotOrdered(Conflict):
    """The tasks of this project stand in the order in which they were given already."""


def begin(
    session: Session, project: Project, model_version: str, *, by: User, at: datetime
) -> TaskOrder:
    """Let a job set the order by the doubt of a model version; again, by newer predictions."""
    project_id = id_of(project)
    require_version(session, project_id, model_version)
    asked = {"project": project_id, "version": model_version}
    spread = session.execute(SPREAD, asked).scalar_one() or [0.5] * 21
    order = of(session, project_id, lock=True)
    if order is None:
        order = TaskOrder(
            project_id=project_id,
            model_version=model_version,
            state=OrderState.ORDERING,
            spread=[],
            made_by=id_of(by),
            changed_at=at,
        )
    order.model_version, order.made_by, order.changed_at = model_version, id_of(by), at
    order.state, order.last_task_id, order.moved = OrderState.ORDERING, 0, 0
    order.spread = [float(one) for one in spread]
    session.add(order)
    audit.record(
        session,
        "tasks.ordered",
        by=by.id,
        subject=f"project:{project_id}",
        details={"model": model_version},
    )
    defer(session, project_id)
    return order


def undo(session: Session, project: Project, *, by: User, at: datetime) -> None:
    """Let a job give all tasks their own priority again."""
    order = of(session, id_of(project), lock=True)
    if order is None or order.state is OrderState.OFF:
        raise NotOrdered
    if order.state is OrderState.UNDOING:
        return
    order.state, order.last_task_id, order.moved = OrderState.UNDOING, 0, 0
    order.changed_at = at
    session.add(order)
    audit.record(session, "tasks.order_undone", by=by.id, subject=f"project:{project.id}")
    defer(session, id_of(project))


def of(session: Session, project_id: int, *, lock: bool = False) -> TaskOrder | None:
    """Return the order of a project, if one was ever set."""
    question = select(TaskOrder).where(TaskOrder.project_id == project_id)
    if lock:
        question = question.with_for_update().execution_options(populate_existing=True)
    return session.exec(question).first()


def go_on(session: Session, project_id: int) -> bool:
    """Move the next tasks; return whether there are more."""
    order = of(session, project_id, lock=True)
    if order is None or order.state not in BUSY:
        return False
    asked: dict[str, Any] = {
        "project": project_id,
        "after": order.last_task_id,
        "most": AT_ONCE,
    }
    if order.state is OrderState.ORDERING:
        spread = "[" + ", ".join(map(str, order.spread)) + "]"
        asked |= {"version": order.model_version, "spread": spread}
        done = session.execute(MOVE, asked).one()
    else:
        done = session.execute(BACK, asked).one()
    session.add(order)
    if done.last is None:
        is_on = order.state is OrderState.ORDERING
        order.state = OrderState.ON if is_on else OrderState.OFF
        return False
    order.last_task_id = done.last
    order.moved += done.moved
    return True


def experts_with_place(session: Session, project_id: int) -> list[int]:
    """Return the experts whose place in the order of before is kept."""
    return list(session.execute(PLACES, {"project": project_id}).scalars())


def from_the_front(session: Session, project_id: int, expert_id: int) -> None:
    """Let an expert start from the front again, once a claim of theirs that goes on is over."""
    asked = {"project": project_id, "expert": expert_id}
    session.execute(AFTER_CLAIMS, asked)
    session.execute(FORGET, asked)


def take_up(session: Session) -> list[int]:
    """Find orders that stopped half-way, and tasks that came after; return their projects."""
    for project_id in session.execute(NEW_TASKS).scalars().all():
        order = of(session, project_id, lock=True)
        if order is not None and order.state is OrderState.ON:
            order.state = OrderState.ORDERING  # from where it ended: later tasks have later ids
            session.add(order)
    session.flush()
    question = select(TaskOrder.project_id).where(col(TaskOrder.state).in_(BUSY))
    found = list(session.exec(question))
    for project_id in found:
        defer(session, project_id)
    return found


def defer(session: Session, project_id: int) -> None:
    """Let a job move the tasks of a project."""
    jobs.defer(
        session,
        "annotation.order_tasks",
        lock=f"task-order:{project_id}",
        queueing_lock=f"task-order:{project_id}",
        project_id=project_id,
    )
