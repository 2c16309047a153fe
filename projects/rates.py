"""What a project pays by the hour, as observed or as its owner estimates, against the floors.

A sweep of annotation brings the times (`record`); pages only read the row.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func
from sqlalchemy.dialects.postgresql import insert
from sqlmodel import Session, col, select

from accounts import organisations
from core import audit, messages
from core.money import Money
from experts.models import Expert
from payouts import floors, rates
from payouts.models import Payee
from payouts.rates import Floor, Times
from projects.models import Answer, Invitation, Project, id_of
from projects.rate_models import ProjectRate


@dataclass(frozen=True)
class Rate:
    """Pay by the hour at the usual speed; where it was observed, half of all answers lie within."""

    pay: Money
    seconds: int
    lower_seconds: int
    upper_seconds: int
    answers: int

    @property
    def is_observed(self) -> bool:
        """Whether it rests on times of answers and not on the owner's estimate."""
        return self.answers > 0

    @property
    def hourly(self) -> Money:
        """What the middle answer earns by the hour."""
        return rates.hourly(self.pay, self.seconds)

    @property
    def low(self) -> Money:
        """What the slower quarter of answers earns at most."""
        return rates.hourly(self.pay, self.upper_seconds)

    @property
    def high(self) -> Money:
        """What the quicker quarter of answers earns at least."""
        return rates.hourly(self.pay, self.lower_seconds)

    def under(self, floor: Floor | None) -> Floor | None:
        """Return the floor that it lies below, if it does."""
        return floor if rates.is_under(self.pay, self.seconds, floor) else None


def of(session: Session, project: Project) -> Rate:
    """Return the rate of a project: observed, or else estimated by its owner."""
    row = session.get(ProjectRate, project.id) if project.id is not None else None
    if row is None:
        usual = project.usual_minutes * 60
        return Rate(project.price, usual, usual, usual, 0)
    times = (row.median_seconds, row.lower_seconds, row.upper_seconds)
    return Rate(project.price, *times, row.answers)


def floor_of_expert(session: Session, expert_id: int, currency: str) -> Floor | None:
    """Return the floor of the country where an expert is paid, or else of their profile."""
    return rates.highest(_countries(session, [expert_id]), floors.current(session), currency)


def floor_of_project(session: Session, project: Project) -> Floor | None:
    """Return the highest floor of those who take part; before, of the countries asked for."""
    joined = select(Invitation.expert_id).where(
        Invitation.project_id == project.id, Invitation.state == Answer.ACCEPTED
    )
    countries = _countries(session, session.exec(joined).all()) or list(project.countries)
    return rates.highest(countries, floors.current(session), project.currency)


def record(session: Session, project: Project, times: Times, *, at: datetime) -> None:
    """Keep what was observed; write to the owners once when the pay falls below their floor.

    They are written to again only after it has recovered.
    """
    values = {
        "answers": times.answers,
        "experts": times.experts,
        "lower_seconds": times.lower,
        "median_seconds": times.median,
        "upper_seconds": times.upper,
        "observed_at": at,
    }
    session.execute(
        insert(ProjectRate)
        .values(project_id=project.id, **values)
        .on_conflict_do_update(index_elements=["project_id"], set_=values)
    )
    row = session.get_one(ProjectRate, project.id, with_for_update=True, populate_existing=True)
    floor = of(session, project).under(floor_of_project(session, project))
    if floor is None and row.under_since is not None:
        row.under_since = None
        _record(session, project, "project.pay_recovered")
    elif floor is not None and row.under_since is None:
        row.under_since = at
        _warn(session, project, floor)


def _warn(session: Session, project: Project, floor: Floor) -> None:
    rate = of(session, project)
    for _one, person in organisations.members(session, project.organisation_id):
        messages.write(
            session,
            to=person,
            template="projects/underpaid",
            project=project,
            rate=rate,
            floor=floor,
        )
    _record(session, project, "project.underpaid")


def _record(session: Session, project: Project, action: str) -> None:
    audit.record(session, action, by=None, subject=f"project:{id_of(project)}")


def _countries(session: Session, expert_ids: Iterable[int]) -> list[str]:
    country = func.coalesce(Payee.country, Expert.country)
    question = (
        select(country)
        .select_from(Expert)
        .outerjoin(Payee, col(Payee.expert_id) == col(Expert.user_id))
        .where(col(Expert.user_id).in_(list(expert_ids)), country.is_not(None))
        .distinct()
    )
    return list(session.exec(question))
