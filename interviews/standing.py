"""Where an expert stands in a field: what is open, what was proven, from when they may start."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlmodel import Session, col, func, select
from sqlmodel.sql.expression import SelectOfScalar

from core import formats
from core.errors import Conflict, DomainError
from experts import restrictions, skills
from experts.fields import Field
from experts.models import Skill
from interviews import items, outages, retakes
from interviews.items import Bank
from interviews.models import Interview, Response, State
from interviews.retakes import Attempt

RENEW_BEFORE = timedelta(days=60)
FINISHED = (State.REVIEW, State.PASSED, State.FAILED)


class NotOpenYet(Conflict):
    """There is no interview in this field yet."""


class StillRead(Conflict):
    """A person is still reading your last interview in this field."""


class AlreadyProven(Conflict):
    """You have passed in this field. You can renew the proof from %(day)s."""


class TooSoon(Conflict):
    """You can start the next interview in this field from %(day)s."""


@dataclass(frozen=True)
class Standing:
    """An expert's interviews in a field, the last first, and what follows from them."""

    field: Field
    at: datetime
    bank: Bank | None
    past: tuple[Interview, ...]
    seen: frozenset[str]
    attempt: int
    used: int
    skill: Skill | None
    start_from: datetime
    seed: str | None
    is_barred: bool = False

    @property
    def active(self) -> Interview | None:
        """The interview that is under way."""
        return next((one for one in self.past if one.is_open(self.at)), None)

    @property
    def read(self) -> Interview | None:
        """The interview that a person is reading."""
        return next((one for one in self.past if one.state is State.REVIEW), None)


def of(session: Session, expert_id: int, field: Field, at: datetime) -> Standing:
    """Return where an expert stands."""
    rows = _rows(session, expert_id, field)
    bank = items.banks().get(field)
    spoiled = outages.spoiled(session, expert_id, field, at)
    over = [one for one, answers in rows if answers and not one.is_open(at)]
    counted = [_attempt(one) for one in over if one.key not in spoiled]
    return Standing(
        field=field,
        at=at,
        bank=bank,
        past=tuple(one for one, _ in rows),
        seen=frozenset(step["item"] for one, answers in rows if answers for step in one.plan),
        attempt=len(counted) + 1,
        used=retakes.used(counted, bank.retakes, at) if bank else 0,
        skill=_skill(session, expert_id, field, at),
        start_from=retakes.may_start_from(counted, bank.retakes, at) if bank else at,
        # Whoever leaves before the first answer finds the same questions again.
        is_barred=restrictions.is_removed(session, expert_id),
        seed=next((one.seed for one, answers in rows if not answers), None),
    )


def every(session: Session, expert_id: int, at: datetime) -> list[Standing]:
    """Return where an expert stands in each field."""
    return [of(session, expert_id, field, at) for field in Field]


def active(expert_id: int, field: Field) -> SelectOfScalar[Interview]:
    """Return the query for the interview that is under way in a field."""
    return select(Interview).where(
        Interview.expert_id == expert_id,
        Interview.field == field,
        Interview.state == State.ACTIVE,
    )


def check(standing: Standing, at: datetime) -> Bank:
    """Return the bank of the next interview, or raise what stands against starting it."""
    if standing.bank is None:
        raise NotOpenYet
    if standing.is_barred:
        raise restrictions.Restricted
    if standing.read is not None:
        raise StillRead
    if standing.skill is not None and at < renew_from(standing.skill):
        raise AlreadyProven(day=formats.day_long(renew_from(standing.skill)))
    if standing.start_from > at:
        raise TooSoon(day=formats.day_long(standing.start_from))
    return standing.bank


def refusal(standing: Standing, at: datetime) -> DomainError | None:
    """Return what stands against starting, if anything does."""
    try:
        check(standing, at)
    except (Conflict, restrictions.Restricted) as refused:
        return refused
    return None


def renew_from(skill: Skill) -> datetime:
    """Return from when a proof can be renewed."""
    return skill.expires_at - RENEW_BEFORE


def next_start(session: Session, interview: Interview, bank: Bank, ended_at: datetime) -> datetime:
    """Return from when another attempt may follow an interview that ends now."""
    rows = _rows(session, interview.expert_id, interview.field)
    spoiled = outages.spoiled(session, interview.expert_id, interview.field, ended_at)
    past = [
        _attempt(one)
        for one, answers in rows
        if answers and one.id != interview.id and one.key not in spoiled
    ]
    mine = Attempt(interview.started_at, ended_at, finished=True)
    return retakes.may_start_from([*past, mine], bank.retakes, ended_at)


def _rows(session: Session, expert_id: int, field: Field) -> list[tuple[Interview, int]]:
    """Return the interviews, the last first, each with the number of its answers."""
    query = (
        select(Interview, func.count(col(Response.id)))
        .outerjoin(Response, col(Response.interview_id) == col(Interview.id))
        .where(Interview.expert_id == expert_id, Interview.field == field)
        .group_by(col(Interview.id))
        .order_by(col(Interview.id).desc())
    )
    return [(one, count) for one, count in session.exec(query)]


def _attempt(interview: Interview) -> Attempt:
    return Attempt(
        started_at=interview.started_at,
        ended_at=interview.finished_at or interview.expires_at,
        finished=interview.state in FINISHED,
    )


def _skill(session: Session, expert_id: int, field: Field, at: datetime) -> Skill | None:
    return next((s for s in skills.held(session, expert_id, at) if s.field == field), None)
