"""What stands still, said to an expert on their own pages before they press anything.

A stop of a currency, payments that have not cleared, and projects that are frozen by a dispute.
Withheld payouts and missing tax details have notices of their own, on every page.
"""

from dataclasses import dataclass

from flask_babel import gettext as _
from sqlmodel import Session, col, select

from core import formats
from payouts import payout_stops
from payouts.models import Payout, PayoutState, ProjectBudget, Reservation, ReservationState


@dataclass(frozen=True)
class Standstill:
    """What stands still, and what that means; `tone` is that of a notice."""

    tone: str
    title: str
    words: str


def of(session: Session, expert_id: int, currency: str) -> list[Standstill]:
    """Return what stands still for an expert in one currency."""
    found = [_stopped(session, currency) or _uncleared(session, expert_id, currency)]
    return [one for one in found if one is not None] + _frozen(session, expert_id, currency)


def _stopped(session: Session, currency: str) -> Standstill | None:
    stop = payout_stops.of(session, currency)
    if stop is None:
        return None
    title = _(
        "Payouts in %(currency)s stand still since %(day)s",
        currency=currency.upper(),
        day=formats.day_long(stop.opened_at),
    )
    words = _(
        "Our books and Stripe’s differ in this currency, and nothing leaves until the operators "
        "know why. What is owed to you stays owed. You may ask for a payout: it waits, and leaves "
        "by itself once the cause is found."
    )
    return Standstill("wait", str(title), str(words))


def _uncleared(session: Session, expert_id: int, currency: str) -> Standstill | None:
    """Say that others wait for funds; one's own payout that waits has a notice of its own."""
    waiting = select(Payout.id).where(
        Payout.currency == currency, Payout.state == PayoutState.WAITING_FUNDS
    )
    mine = waiting.where(Payout.expert_id == expert_id)
    if session.exec(mine).first() or not session.exec(waiting.limit(1)).first():
        return None
    title = _("Payouts in %(currency)s wait for owners’ payments", currency=currency.upper())
    words = _(
        "The owners’ payments have not cleared at Stripe yet, usually for two days at most. A "
        "payout that you ask for now may wait as long, and leaves by itself."
    )
    return Standstill("wait", str(title), str(words))


def _frozen(session: Session, expert_id: int, currency: str) -> list[Standstill]:
    held = select(Reservation.project_id).where(
        Reservation.expert_id == expert_id, Reservation.state == ReservationState.HELD
    )
    question = select(ProjectBudget).where(
        col(ProjectBudget.project_id).in_(held),
        ProjectBudget.currency == currency,
        col(ProjectBudget.frozen_at).is_not(None),
    )
    return [_of_project(row) for row in session.exec(question.order_by(col(ProjectBudget.title)))]


def _of_project(row: ProjectBudget) -> Standstill:
    assert row.frozen_at is not None
    title = _(
        "“%(project)s” gives out no new tasks since %(day)s",
        project=row.title,
        day=formats.day_long(row.frozen_at),
    )
    words = _(
        "A payment of its owner is disputed, and the bank has not decided yet. What you have in "
        "hand or handed in goes on and is paid: its pay is reserved. What you have earned is never "
        "taken back."
    )
    return Standstill("info", str(title), str(words))
