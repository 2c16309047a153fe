"""How work is shared: what the owner lets one expert do, and others first where work is scarce.

The rule OF-1: while fewer than three open tasks are left for each expert who took one in the last
day, whoever has taken more than the mean of them and two tasks more waits a quarter of an hour
after each task, so that the last tasks do not all go to whoever is quickest. Nobody is shut out,
and nobody waits for who is not there: one of those who had fewer was at work in that time, and may
still take one of the open tasks. Of each expert two hundred tasks of the day are counted at most.
"""

from datetime import datetime, timedelta

from flask_babel import lazy_gettext as _l
from sqlalchemy import ColumnElement, func, text
from sqlalchemy import select as select_columns
from sqlmodel import Session, col, select

from annotation import slots
from annotation.models import Assignment
from core import formats
from core.errors import Conflict
from payouts import budgets
from projects import lifecycle
from projects.models import Project, id_of

OTHERS_FIRST = "OF-1"
DAY = timedelta(days=1)
SCARCE = 3  # open tasks for each expert at work
AHEAD = 2  # tasks more than the mean
PAUSE = timedelta(minutes=15)
EACH = 200  # tasks of one expert that are counted: whoever had more has had as many as any

# The experts of a project, one look into the index each, and of each the newest claims of a day, up
# to a bound: what this costs goes with the experts and not with the tasks.
HAD = """
    with recursive had as (
        (select min(expert_id) as expert_id from assignment where project_id = :project)
        union all
        select (select min(a.expert_id) from assignment a
                where a.project_id = :project and a.expert_id > had.expert_id)
        from had where had.expert_id is not null
    )
"""
LATELY = f"""{HAD}, lately as (
        select had.expert_id, counted.* from had cross join lateral (
            select count(*) filter (where newest.state not in ('returned', 'expired')) as taken,
                max(newest.claimed_at) filter (where newest.state not in ('returned', 'expired'))
                    as last_claim,
                max(greatest(newest.claimed_at, newest.seen_at, newest.submitted_at)) as last_act
            from (select a.state, a.claimed_at, a.seen_at, a.submitted_at from assignment a
                  where a.project_id = :project and a.expert_id = had.expert_id
                  and a.claimed_at > :day order by a.claimed_at desc limit :each) as newest
        ) as counted
    )
"""  # noqa: S608 - our own words
SHARES = text(f"""{LATELY}
    select coalesce(sum(taken), 0), count(*), coalesce(sum(taken) filter (where mine), 0),
        max(last_claim) filter (where mine)
    from (select *, expert_id = :expert as mine from lately where taken > 0) as those
""")  # noqa: S608 - our own words
# Who had fewer tasks than `mine`, did something since then, and has had no part in an open task.
OTHERS = text(f"""{LATELY}, open as (
        select t.id from task t where t.project_id = :project and t.slots_left > 0 limit :most
    )
    select exists (
        select from lately l cross join open o
        where l.expert_id <> :expert and l.taken < :mine and l.last_act > :since
        and not exists (
            select from assignment a where a.task_id = o.id and a.expert_id = l.expert_id
            and a.state not in ('returned', 'expired')))
""")  # noqa: S608 - our own words

RULES = {OTHERS_FIRST: _l("When few tasks are left, those who have had fewer come first.")}


class DayFull(Conflict):
    """The owner lets one expert take %(most)s tasks in 24 hours. You can go on from %(when)s."""

    def __init__(self, most: int, until: datetime) -> None:
        super().__init__(most=most, when=formats.date_time(until))
        self.until = until


class AllHad(Conflict):
    """The owner lets one expert take %(most)s tasks of this project, and you have had them."""


class OthersFirst(Conflict):
    """Few tasks are left, and others have had fewer than you. You can go on from %(when)s."""

    def __init__(self, until: datetime) -> None:
        super().__init__(when=formats.date_time(until))
        self.until = until


def check(session: Session, project: Project, expert_id: int, *, at: datetime) -> None:
    """Refuse an expert who has had their share, for now or for good."""
    _check_day(session, project, expert_id, at)
    _check_whole(session, project, expert_id)
    _check_others(session, project, expert_id, at)


def is_scarce(session: Session, project: Project, expert_id: int, *, at: datetime) -> bool:
    """Say whether few tasks are open, or paid for, for each expert at work; none waits then."""
    paid = lifecycle.affordable(budgets.available(session, id_of(project)), project)
    left = min(paid, slots.open_tasks(session, id_of(project), most=slots.COUNTED))
    if left >= slots.COUNTED:
        return False
    asked = {"project": project.id, "expert": expert_id, "day": at - DAY, "each": EACH}
    _taken, experts, _mine, _last = session.execute(SHARES, asked).one()
    return bool(left < SCARCE * experts)


def _check_day(session: Session, project: Project, expert_id: int, at: datetime) -> None:
    if project.most_a_day is None:
        return
    query = (
        select(Assignment.claimed_at)
        .where(*_kept(project, expert_id), col(Assignment.claimed_at) > at - DAY)
        .order_by(col(Assignment.claimed_at).desc())
        .offset(project.most_a_day - 1)
        .limit(1)
    )
    first = session.exec(query).first()
    if first is not None:
        raise DayFull(project.most_a_day, first + DAY)


def _check_whole(session: Session, project: Project, expert_id: int) -> None:
    if project.most_each is None:
        return
    had = select_columns(func.count()).where(*_kept(project, expert_id))
    if session.execute(had).scalar_one() >= project.most_each:
        raise AllHad(most=project.most_each)


def _check_others(session: Session, project: Project, expert_id: int, at: datetime) -> None:
    left = slots.open_tasks(session, id_of(project), most=slots.COUNTED)
    if left >= slots.COUNTED:
        return
    asked = {"project": project.id, "expert": expert_id, "day": at - DAY, "each": EACH}
    taken, experts, mine, last = session.execute(SHARES, asked).one()
    if experts < 2 or left >= SCARCE * experts or mine <= taken / experts + AHEAD:
        return
    if last + PAUSE > at and _others_come(session, asked | {"mine": mine, "since": at - PAUSE}):
        raise OthersFirst(last + PAUSE)


def _others_come(session: Session, asked: dict[str, object]) -> bool:
    """Say whether somebody who had fewer tasks is at work and may take one that is open."""
    return bool(session.execute(OTHERS, asked | {"most": slots.COUNTED}).scalar_one())


def _kept(project: Project, expert_id: int) -> tuple[ColumnElement[bool], ...]:
    """Return the conditions of the tasks of an expert that they did not give back."""
    return (
        col(Assignment.project_id) == id_of(project),
        col(Assignment.expert_id) == expert_id,
        col(Assignment.state).not_in(slots.GIVEN_BACK),
    )
