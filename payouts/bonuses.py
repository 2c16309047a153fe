"""Bonuses: an owner rewards an expert's work in a project, beyond its price.

The expert gets all of it; the project's usual fee comes on top, so that a bonus is no way around
the fee. A bonus is not taken back.
"""

from dataclasses import dataclass
from datetime import datetime

from sqlmodel import Session, col, select

from accounts.models import User
from core import audit, messages
from core.errors import Conflict, Invalid, NotAllowed
from core.money import Money
from payouts import budgets, extra_pay, policy
from payouts.extra_pay import Extra
from payouts.extra_pay_models import ExtraKind, ExtraPay
from payouts.models import Reservation

WORDS_AT_LEAST = 20


class NoWorkThere(Conflict):
    """This expert has handed in no work in this project, so there is nothing to reward yet."""


class OwnBonus(NotAllowed):
    """Nobody gives themselves a bonus."""


class WordsNeeded(Invalid):
    """Say what the bonus is for in at least %(letters)s characters: the expert reads it."""


@dataclass(frozen=True)
class Bonus:
    """What an owner gives: to whom, for which project, how much, why."""

    project_id: int
    expert_id: int
    amount: Money
    words: str


def give(
    session: Session, bonus: Bonus, *, fee_bps: int, key: str, by: User, at: datetime
) -> ExtraPay | None:
    """Give a bonus, once for a key; None for the second click.

    Raises `budgets.OutOfBudget` when the budget does not hold it and the fee on it.
    """
    if bonus.expert_id == by.id:
        raise OwnBonus
    if len(bonus.words.strip()) < WORDS_AT_LEAST:
        raise WordsNeeded(letters=WORDS_AT_LEAST)
    if not has_work(session, bonus.project_id, bonus.expert_id):
        raise NoWorkThere
    extra = Extra(
        ExtraKind.BONUS,
        bonus.project_id,
        bonus.expert_id,
        bonus.amount,
        policy.fee(bonus.amount, fee_bps),
        words=bonus.words.strip(),
        given_by=by.id,
    )
    made = extra_pay.give(session, extra, f"bonus:{bonus.project_id}:{by.id}:{key}", at=at)
    if made is not None:
        tell(session, made, by)
    return made


def experts(session: Session, project_id: int) -> list[int]:
    """Return those who have handed in work in a project."""
    question = (
        select(col(Reservation.expert_id))
        .where(Reservation.project_id == project_id, col(Reservation.submitted_at).is_not(None))
        .distinct()
    )
    return [one for one in session.exec(question) if one is not None]


def has_work(session: Session, project_id: int, expert_id: int) -> bool:
    """Return whether an expert has handed in work in a project."""
    question = select(Reservation.assignment_id).where(
        Reservation.project_id == project_id,
        Reservation.expert_id == expert_id,
        col(Reservation.submitted_at).is_not(None),
    )
    return session.exec(question.limit(1)).first() is not None


def tell(session: Session, made: ExtraPay, by: User) -> None:
    """Write to whom a bonus was given, and record it."""
    messages.write(
        session,
        to=session.get_one(User, made.expert_id),
        template="payouts/bonus",
        bonus=made,
        title=budgets.of(session, made.project_id).title,
    )
    audit.record(
        session,
        "bonus.given",
        by=by.id,
        subject=f"bonus:{made.id}",
        details={"project_id": made.project_id, "amount": made.pay_minor, "fee": made.fee_minor},
    )
