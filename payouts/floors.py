"""Floors of pay by country: what operators wrote counts, and the setting where nobody wrote.

Each change is a row with the day from which it counts, who wrote it, and what counted before.
"""

from dataclasses import dataclass
from datetime import UTC, date, datetime

from sqlalchemy import text
from sqlalchemy.dialects.postgresql import distinct_on, insert
from sqlmodel import Session, col, select

from accounts.models import User
from core import audit
from core.clock import now
from core.errors import Conflict, Invalid
from core.money import Money
from core.settings import current_settings
from payouts.floor_models import PayFloor

WORDS_AT_LEAST = 10
ONE_AT_A_TIME = text("select pg_advisory_xact_lock(7220172)")
Floors = dict[str, tuple[int, str]]


class TooLate(Invalid):
    """A floor counts from today on at the earliest: what was shown before stays as it was."""


class ReasonNeeded(Invalid):
    """Say in 10 characters at least why, such as the law that it follows."""


class UsedForm(Conflict):
    """This form has written another floor before. Load the page again and fill it in anew."""


@dataclass(frozen=True)
class Change:
    """What an operator writes; an hourly pay of nothing takes the floor away."""

    country: str
    hourly: Money
    since: date
    words: str


@dataclass(frozen=True)
class Standing:
    """The floor of a country today; without `row` it is that of the setting."""

    country: str
    hourly: Money
    row: PayFloor | None


def today(at: datetime) -> date:
    """Return the day by which floors count, in universal time."""
    return at.astimezone(UTC).date()


def current(session: Session, *, at: datetime | None = None) -> Floors:
    """Return the floors of a day, as `rates.highest` takes them."""
    return {one.country: (one.hourly.minor, one.hourly.currency) for one in standing(session, at)}


def standing(session: Session, at: datetime | None = None) -> list[Standing]:
    """Return the floors of a day by country, with the rows that say so."""
    rows = {row.country: row for row in _newest(session, today(at or now()))}
    found = [
        Standing(country, Money(minor, code), None)
        for country, (minor, code) in current_settings().pay_floors.items()
        if country not in rows
    ]
    found += [Standing(row.country, row.hourly, row) for row in rows.values() if row.hourly]
    return sorted(found, key=lambda one: one.country)


def to_come(session: Session, at: datetime) -> list[PayFloor]:
    """Return what counts from a later day on, the soonest first; what was overwritten is left."""
    question = (
        select(PayFloor)
        .ext(distinct_on(col(PayFloor.country), col(PayFloor.since)))
        .where(PayFloor.since > today(at))
        .order_by(col(PayFloor.country), col(PayFloor.since), col(PayFloor.id).desc())
    )
    return sorted(session.exec(question), key=lambda row: (row.since, row.country))


def write(session: Session, asked: Change, *, key: str, by: User, at: datetime) -> PayFloor:
    """Write a floor; the same form sent again writes nothing."""
    if asked.since < today(at):
        raise TooLate
    if len(asked.words.strip()) < WORDS_AT_LEAST:
        raise ReasonNeeded
    session.execute(ONE_AT_A_TIME)  # so that `before` is what really counted
    before = _on(session, asked.country, asked.since)
    made = session.execute(
        insert(PayFloor)
        .values(
            country=asked.country,
            hourly_minor=asked.hourly.minor,
            currency=asked.hourly.currency,
            since=asked.since,
            before_minor=before.minor if before else None,
            before_currency=before.currency if before else None,
            words=asked.words.strip(),
            request_key=key,
            written_by=by.id,
            written_at=at,
        )
        .on_conflict_do_nothing(index_elements=["request_key"])
        .returning(col(PayFloor.id))
    ).first()
    row = session.exec(select(PayFloor).where(PayFloor.request_key == key)).one()
    asked_again = (row.country, row.hourly_minor, row.currency, row.since)
    if asked_again != (asked.country, asked.hourly.minor, asked.hourly.currency, asked.since):
        raise UsedForm
    if made is not None:
        audit.record(
            session,
            "pay_floor.written",
            by=by.id,
            subject=f"pay_floor:{row.id}",
            details={
                "country": row.country,
                "hourly_minor": row.hourly_minor,
                "currency": row.currency,
                "since": row.since.isoformat(),
                "before_minor": row.before_minor,
                "before_currency": row.before_currency,
            },
        )
    return row


def _newest(session: Session, day: date) -> list[PayFloor]:
    question = (
        select(PayFloor)
        .ext(distinct_on(col(PayFloor.country)))
        .where(PayFloor.since <= day)
        .order_by(col(PayFloor.country), col(PayFloor.since).desc(), col(PayFloor.id).desc())
    )
    return list(session.exec(question))


def _on(session: Session, country: str, day: date) -> Money | None:
    question = select(PayFloor).where(PayFloor.country == country, PayFloor.since <= day)
    row = session.exec(
        question.order_by(col(PayFloor.since).desc(), col(PayFloor.id).desc()).limit(1)
    ).first()
    if row is not None:
        return row.hourly
    seed = current_settings().pay_floors.get(country)
    return Money(*seed) if seed else None
