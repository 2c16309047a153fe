"""How a project goes at this moment: pace, what is foreseen, who works, what waits for the owner.

People stand here by pseudonym, with what an owner needs to help them: no times of single clicks.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

from sqlalchemy import case, func, text
from sqlalchemy import select as select_columns
from sqlmodel import Session, col

from annotation import forecast, questions, shares, tally
from annotation.forecast import Forecast, Pace
from annotation.models import IN_HAND, Annotation, Assignment, State
from core.money import Money
from experts.models import Expert
from payouts import budgets, outlook
from projects.models import Project, id_of

HOURS, DAYS = 24, 14
# A page that is open says so each minute.
OPEN_FOR = timedelta(minutes=3)
SHOWN = 50
# One look into the index for each stretch of time, and none into the table.
COUNTED = text("""
    with stretch as (
        select s as start, coalesce(lead(s) over (order by s), 'infinity') as next
        from unnest(cast(:starts as timestamptz[])) as s
    )
    select stretch.start, (
        select count(*) from annotation a where a.project_id = :project
        and a.submitted_at >= stretch.start and a.submitted_at < stretch.next)
    from stretch order by stretch.start
""")
# One look for each expert of the project: what they handed in last is among their newest claims.
LATELY = text(f"""{shares.HAD}
    select count(*) from had where (
        select a.submitted_at from assignment a
        where a.project_id = :project and a.expert_id = had.expert_id
        and a.submitted_at is not null
        order by a.claimed_at desc limit 1) > :since
""")  # noqa: S608 - our own words


@dataclass(frozen=True)
class Worker:
    """One expert with a task in work; what waits beside it is not shown by person."""

    pseudonym: str
    since: datetime
    due_at: datetime
    has_open: bool


@dataclass(frozen=True)
class Live:
    """A project at a moment."""

    at: datetime
    answers: int
    answers_left: int
    in_hand: int
    in_work: int
    to_review: int
    workers: Sequence[Worker]
    has_open: int
    experts_today: int
    pace: Pace
    per_day: tuple[float, float] | None
    end: Forecast | None
    available: Money
    outlook: outlook.Outlook | None
    budget_end: Forecast | None
    questions: int
    asked_since: datetime | None
    by_hour: Sequence[tuple[datetime, int]]
    by_day: Sequence[tuple[datetime, int]]

    @property
    def wanted(self) -> int:
        """All answers that the project asks for: handed in, in hand and not taken yet."""
        return self.answers + self.in_hand + self.answers_left

    @property
    def is_begun(self) -> bool:
        """Whether anybody has taken a task."""
        return bool(self.answers or self.in_hand)


def of(session: Session, project: Project, *, zone: str, at: datetime) -> Live:
    """Look at a project."""
    project_id = id_of(project)
    verdicts, waiting_of = tally.of(session, project_id), _waiting(session, project_id)
    pace = _pace(session, project_id, at)
    available = budgets.available(session, project_id)
    rest = outlook.of(session, project_id, available)
    left = rest.answers_left if rest else 0
    lasts = rest is not None and not rest.is_enough
    waiting, since = questions.count_waiting(session, project_id)
    in_work = waiting_of.get(State.ACTIVE, 0)
    in_hand = in_work + waiting_of.get(State.WAITING, 0)
    to_review = waiting_of.get(State.SUBMITTED, 0)
    return Live(
        at=at,
        # What was refused is open again: its slot counts once, as one that nobody has taken.
        answers=to_review + verdicts.accepted + verdicts.partly_accepted,
        answers_left=left,
        in_hand=in_hand,
        in_work=in_work,
        to_review=to_review,
        workers=_workers(session, project_id, at),
        has_open=_open_pages(session, project_id, at),
        experts_today=_experts(session, project_id, at),
        pace=pace,
        per_day=forecast.per_day(pace, at),
        end=forecast.of(left + in_hand, pace, at),
        available=available,
        outlook=rest,
        budget_end=forecast.of(rest.answers, pace, at) if rest and lasts else None,
        questions=waiting,
        asked_since=since,
        by_hour=_counted(session, project_id, hours(at, zone)),
        by_day=_counted(session, project_id, days(at, zone)),
    )


def _waiting(session: Session, project_id: int) -> dict[State, int]:
    """Count what is in hand or has no verdict yet; verdicts are tallied."""
    states = (*IN_HAND, State.SUBMITTED)
    rows = session.execute(
        select_columns(col(Assignment.state), func.count())
        .where(col(Assignment.project_id) == project_id, col(Assignment.state).in_(states))
        .group_by(col(Assignment.state))
    )
    return {row[0]: row[1] for row in rows}


def _pace(session: Session, project_id: int, at: datetime) -> Pace:
    mine, when = col(Annotation.project_id) == project_id, col(Annotation.submitted_at)
    first = session.execute(select_columns(func.min(when)).where(mine)).scalar_one()
    in_a_day = func.count().filter(when > at - forecast.DAY)
    last_day, last_week = session.execute(
        select_columns(in_a_day, func.count()).where(mine, when > at - forecast.WEEK)
    ).one()
    return Pace(last_day, last_week, first)


def _workers(session: Session, project_id: int, at: datetime) -> list[Worker]:
    seen = func.coalesce(col(Assignment.seen_at), col(Assignment.claimed_at))
    rows = session.execute(
        select_columns(
            col(Expert.pseudonym),
            func.coalesce(col(Assignment.opened_at), col(Assignment.claimed_at)),
            col(Assignment.due_at),
            case((seen > at - OPEN_FOR, True), else_=False),
        )
        .join(Expert, col(Expert.user_id) == col(Assignment.expert_id))
        .where(col(Assignment.project_id) == project_id, col(Assignment.state) == State.ACTIVE)
        .order_by(seen.desc(), col(Expert.pseudonym))
        .limit(SHOWN)
    )
    return [Worker(*row) for row in rows]


def _open_pages(session: Session, project_id: int, at: datetime) -> int:
    seen = func.coalesce(col(Assignment.seen_at), col(Assignment.claimed_at))
    question = select_columns(func.count()).where(
        col(Assignment.project_id) == project_id,
        col(Assignment.state) == State.ACTIVE,
        seen > at - OPEN_FOR,
    )
    return int(session.execute(question).scalar_one())


def _experts(session: Session, project_id: int, at: datetime) -> int:
    asked = {"project": project_id, "since": at - forecast.DAY}
    return int(session.execute(LATELY, asked).scalar_one())


def _counted(
    session: Session, project_id: int, starts: Sequence[datetime]
) -> list[tuple[datetime, int]]:
    """Count what was handed in from each start to the next, and from the last one on."""
    asked = {"project": project_id, "starts": list(starts)}
    return [(row[0], row[1]) for row in session.execute(COUNTED, asked)]


def hours(at: datetime, zone: str) -> list[datetime]:
    """Return when each of the last hours began, the present one last."""
    last = at.astimezone(ZoneInfo(zone)).replace(minute=0, second=0, microsecond=0).astimezone(UTC)
    return [last - timedelta(hours=back) for back in reversed(range(HOURS))]


def days(at: datetime, zone: str) -> list[datetime]:
    """Return when each of the last days began, today last; a day may have 23 or 25 hours."""
    there = ZoneInfo(zone)
    today = at.astimezone(there).date()
    every = [today - timedelta(days=back) for back in reversed(range(DAYS))]
    return [datetime.combine(one, time(), there).astimezone(UTC) for one in every]
