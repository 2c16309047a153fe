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
from interviews import banks, model_outages, outages, retakes, templates
from interviews.items import Bank
from interviews.models import Interview, Response, State
from interviews.retakes import Attempt
from interviews.template_models import InterviewTemplate

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


class AnotherUnderWay(Conflict):
    """Another interview of yours in this field is under way. Finish or leave it first."""


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
    # What is asked where it is not just the bank, and an interview of another kind in the field.
    template: InterviewTemplate | None = None
    other: Interview | None = None
    # Those that broke off for a fault of ours, so that they count as no attempt.
    excused: frozenset[int] = frozenset()

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
    bank, template = banks.current(session, field), templates.of_field(session, field)
    if bank is not None and template is not None:
        bank = templates.applied(template, bank)
    skill = _skill(session, expert_id, field, at)
    return asked(session, expert_id, field, at, bank=bank, template=template, skill=skill)


def asked(
    session: Session,
    expert_id: int,
    field: Field,
    at: datetime,
    *,
    bank: Bank | None,
    template: InterviewTemplate | None,
    skill: Skill | None = None,
    project_id: int | None = None,
) -> Standing:
    """Return where an expert stands with what a field, or a project in it, asks."""
    every = _rows(session, expert_id, field)
    rows = [row for row in every if row[0].project_id == project_id]
    excused = outages.excused(session, [one.key for one, _answers in rows])
    excused |= model_outages.spoiled(session, expert_id, field, at)
    over = [one for one, answers in every if answers and not one.is_open(at)]
    # Two own banks may number their questions alike; what was seen in one is new in another.
    own = template.bank_id if template is not None else None
    alike = templates.asked_from(session, [one for one, _answers in every], own)
    counted = [
        _attempt(one) for one in over if one.project_id == project_id and one.id not in excused
    ]
    return Standing(
        field=field,
        at=at,
        bank=bank,
        past=tuple(one for one, _ in rows),
        seen=frozenset(
            step["item"]
            for one, answers in every
            if answers and one.id in alike
            for step in one.plan
        )
        if bank is None or bank.asks_others
        else frozenset(),
        # Counted over the whole field, so that the core items of the last time do not come again.
        attempt=len(over) + 1,
        used=retakes.used(counted, bank.retakes, at) if bank else 0,
        skill=skill,
        start_from=retakes.may_start_from(counted, bank.retakes, at) if bank else at,
        # Whoever leaves before the first answer finds the same questions again.
        is_barred=restrictions.is_removed(session, expert_id),
        seed=next((one.seed for one, answers in rows if not answers), None),
        template=template,
        other=next((one for one, _answers in every if _is_other(one, project_id, at)), None),
        excused=excused,
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
    if standing.other is not None:
        raise AnotherUnderWay
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
    before = [one for one, answers in rows if answers and one.id != interview.id]
    excused = outages.excused(session, [one.key for one in before])
    excused |= model_outages.spoiled(session, interview.expert_id, interview.field, ended_at)
    past = [
        _attempt(one)
        for one in before
        if one.project_id == interview.project_id and one.id not in excused
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


def _is_other(interview: Interview, project_id: int | None, at: datetime) -> bool:
    return interview.project_id != project_id and interview.is_open(at)


def _skill(session: Session, expert_id: int, field: Field, at: datetime) -> Skill | None:
    return next((s for s in skills.held(session, expert_id, at) if s.field == field), None)
