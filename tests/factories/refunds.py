"""Rows of charges, of refunds and of what payouts drew, made as they really are."""

from typing import Any
from uuid import uuid4

from sqlmodel import Session, col, select

from core.clock import now
from core.money import Money
from payouts import refunds
from payouts.charge_models import Charge, PayoutPart
from payouts.models import Payout, ProjectBudget
from payouts.refund_models import Refund, RefundPart
from tests.factories.accounts import make_user
from tests.factories.payouts import make_deposit, make_payout


def make_charge(session: Session, budget: ProjectBudget, **changes: Any) -> Charge:
    """Make a paid deposit and return its charge."""
    deposit = make_deposit(session, budget, amount=changes.pop("amount", 50_000))
    charge = session.get_one(Charge, deposit.id)
    for name, value in changes.items():
        setattr(charge, name, value)
    session.flush()
    return charge


def make_refund(
    session: Session, budget: ProjectBudget, *, amount: int = 100, asked_by: int | None = None
) -> Refund:
    """Ask for a refund of a budget; a payment is made first where there is none."""
    if not session.exec(select(Charge).where(Charge.project_id == budget.project_id)).first():
        make_deposit(session, budget)
    by = asked_by or make_user(session, "owner").id
    money = Money(amount, budget.currency)
    return refunds.ask(session, budget.project_id, money, key=uuid4().hex, by=by, at=now())


def make_refund_part(session: Session, budget: ProjectBudget, **changes: Any) -> RefundPart:
    """Make a refund of one part and return the part."""
    made = make_refund(session, budget)
    question = select(RefundPart).where(RefundPart.refund_id == made.id)
    part = session.exec(question.order_by(col(RefundPart.number))).first()
    assert part is not None
    for name, value in changes.items():
        setattr(part, name, value)
    session.flush()
    return part


def make_payout_part(session: Session, charge: Charge, payout: Payout | None = None) -> PayoutPart:
    """Make what a payout has claimed of a charge."""
    if payout is None:
        payout = make_payout(session, make_user(session, "expert").id)
    part = PayoutPart(
        payout_id=payout.id or 0,
        attempt=payout.attempt,
        deposit_id=charge.deposit_id,
        amount_minor=payout.amount_minor,
        wanted_minor=payout.amount_minor,
        currency=payout.currency,
        claimed_at=now(),
    )
    session.add(part)
    session.flush()
    return part
