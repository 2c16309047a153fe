"""What an expert finds on the work page: the task in hand, projects with open work, past work."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import func, literal
from sqlalchemy import select as select_columns
from sqlmodel import Session, col, select

from annotation import ahead, beside_pay, sample, shares, slots
from annotation import assignment as leases
from annotation.models import IN_HAND, Assignment, State, Task
from core.money import Money
from experts import restrictions
from payouts import budgets, policy
from payouts.rates import Floor
from projects import entry, guidelines, rates
from projects.models import Answer, Invitation, PausedFor, Project, id_of
from projects.models import State as ProjectState
from projects.rates import Rate

# Beyond this nobody counts: "more than 1,000" tells an expert as much.
COUNTED = 1000


class Why(StrEnum):
    """Why a project has no task for an expert now."""

    RESTRICTED = "restricted"
    PAUSED = "paused"
    SKILL = "skill"
    INTERVIEW = "interview"
    SAMPLE = "sample"
    FROZEN = "frozen"
    BUDGET = "budget"
    DAY_FULL = "day_full"
    ALL_HAD = "all_had"
    OTHERS_FIRST = "others_first"
    ALL_YOURS = "all_yours"
    ALL_TAKEN = "all_taken"


@dataclass(frozen=True)
class Offer:
    """A project that an expert takes part in, with what there is to do."""

    project: Project
    open_tasks: int
    in_hand: Assignment | None
    waiting: Sequence[Assignment]
    why_not: Why | None
    rate: Rate
    under: Floor | None

    @property
    def is_held(self) -> bool:
        """Whether the expert has tasks of it in hand, in work or waiting."""
        return self.number_held > 0

    @property
    def number_held(self) -> int:
        """How many these are."""
        return len(self.waiting) + (self.in_hand is not None)


@dataclass(frozen=True)
class Standing:
    """How an expert's work stands in numbers and pay."""

    reviewed: int
    accepted: int
    waiting: int
    waiting_pay: tuple[Money, ...]


def offers(session: Session, expert_id: int, *, at: datetime) -> list[Offer]:
    """Return the projects that an expert takes part in, those with work first."""
    found = session.exec(
        select(Project)
        .join(Invitation, col(Invitation.project_id) == col(Project.id))
        .where(
            Invitation.expert_id == expert_id,
            Invitation.state == Answer.ACCEPTED,
            col(Project.state).in_((ProjectState.OPEN, ProjectState.PAUSED)),
        )
        .order_by(col(Invitation.answered_at).desc())
    ).all()
    every = [_offer(session, project, expert_id, at) for project in found]
    return sorted(every, key=lambda offer: (not offer.is_held, not offer.open_tasks))


def why_nothing(session: Session, project: Project, expert_id: int, *, at: datetime) -> Why | None:
    """Return why a project has no task for an expert; None when it has one."""
    try:
        leases.check_may_work(session, project, expert_id, at=at)
    except restrictions.Restricted:
        return Why.RESTRICTED
    except leases.NotOpen:
        return Why.BUDGET if project.paused_for is PausedFor.BUDGET else Why.PAUSED
    except leases.SkillNeeded:
        return Why.SKILL
    except entry.MoreToShow:
        return Why.INTERVIEW
    except sample.SampleNeeded:
        return Why.SAMPLE
    if budgets.is_frozen(session, id_of(project)):
        return Why.FROZEN
    if not _open_to(session, project, expert_id):
        return Why.ALL_YOURS if _is_left(session, project) else Why.ALL_TAKEN
    if (full := _share(session, project, expert_id, at)) is not None:
        return full
    cost = policy.cost(project.price, project.fee_bps)
    first = Money(beside_pay.qualification_pay(session, project, expert_id), project.currency)
    cost += policy.cost(first, project.fee_bps)
    return Why.BUDGET if budgets.available(session, id_of(project)) < cost else None


def go_on_from(
    session: Session, project: Project, expert_id: int, *, at: datetime
) -> datetime | None:
    """Return from when an expert who has had their share for now may take tasks again."""
    try:
        shares.check(session, project, expert_id, at=at)
    except (shares.DayFull, shares.OthersFirst) as full:
        return full.until
    except shares.AllHad:
        return None
    return None


def recent(expert_id: int) -> Any:
    """Select an expert's assignments with their projects' titles, newest first.

    What waits stands elsewhere, and what went back unseen is nobody's past work.
    """
    return (
        select_columns(Assignment, col(Project.title))
        .join(Project, col(Project.id) == col(Assignment.project_id))
        .where(
            col(Assignment.expert_id) == expert_id,
            col(Assignment.state).not_in(IN_HAND),
            ~col(Assignment.taken_ahead) | col(Assignment.opened_at).is_not(None),
        )
        .order_by(col(Assignment.id).desc())
    )


def standing(session: Session, expert_id: int) -> Standing:
    """Count an expert's work."""
    rows = session.execute(
        select_columns(
            col(Assignment.state),
            col(Assignment.currency),
            func.count(),
            func.sum(col(Assignment.pay_minor)),
        )
        .where(col(Assignment.expert_id) == expert_id, col(Assignment.state).in_(leases.HANDED_IN))
        .group_by(col(Assignment.state), col(Assignment.currency))
    ).all()
    number = dict.fromkeys(leases.HANDED_IN, 0)
    for state, _currency, count, _pay in rows:
        number[state] += count
    pay = [Money(int(sum_), code) for state, code, _n, sum_ in rows if state is State.SUBMITTED]
    waiting = number[State.SUBMITTED]
    accepted = number[State.ACCEPTED] + number[State.PARTLY_ACCEPTED]
    return Standing(accepted + number[State.REJECTED], accepted, waiting, tuple(pay))


def guidelines_of(session: Session, lease: Assignment, project: Project) -> str:
    """Return the guidelines as they were when the lease began."""
    number = lease.terms["guidelines_version"]
    frozen = guidelines.version(session, lease.project_id, number)
    return project.guidelines if frozen is None else frozen.text


def _offer(session: Session, project: Project, expert_id: int, at: datetime) -> Offer:
    in_hand = leases.in_hand(session, id_of(project), expert_id)
    why_not = why_nothing(session, project, expert_id, at=at)
    rate = rates.of(session, project)
    under = rate.under(rates.floor_of_expert(session, expert_id, project.currency))
    waiting = ahead.waiting(session, id_of(project), expert_id)
    open_tasks = _open_to(session, project, expert_id)
    return Offer(project, open_tasks, in_hand, waiting, why_not, rate, under)


def _open_to(session: Session, project: Project, expert_id: int) -> int:
    """Count the tasks that an expert could claim, up to a bound."""
    some = (
        select_columns(literal(1))
        .select_from(Task)
        .where(
            col(Task.project_id) == project.id,
            slots.is_open_to(expert_id, again=True),
        )
        .limit(COUNTED + 1)
        .subquery()
    )
    return int(session.execute(select_columns(func.count()).select_from(some)).scalar_one())


def _share(session: Session, project: Project, expert_id: int, at: datetime) -> Why | None:
    try:
        shares.check(session, project, expert_id, at=at)
    except shares.DayFull:
        return Why.DAY_FULL
    except shares.AllHad:
        return Why.ALL_HAD
    except shares.OthersFirst:
        return Why.OTHERS_FIRST
    return None


def _is_left(session: Session, project: Project) -> bool:
    any_open = select(Task.id).where(Task.project_id == project.id, col(Task.slots_left) > 0)
    return session.exec(any_open.limit(1)).first() is not None
