"""Who is paid when: every week, or when the expert asks. One payout of a currency at a time."""

from datetime import datetime
from uuid import uuid4

from sqlmodel import Session, select

from core import audit, formats
from core.errors import Conflict, Invalid
from core.money import Money
from payouts import answers, approvals, earnings, leaving, ledger, payees, policy, sending
from payouts.models import Payee, PayeeState, Payout, PayoutState, Rhythm


class MoreThanOwed(Conflict):
    """You asked for %(asked)s, and %(owed)s is owed to you now. Nothing was sent."""


class TooLittle(Invalid):
    """The smallest payout is %(least)s. What you have earned is kept until then."""


class UsedForm(Conflict):
    """The form was used before. Load the page again, then press the button."""


class Withheld(Conflict):
    """Your payouts are withheld at the moment; nothing is lost. See “Decisions about you”."""


class DetailsNeeded(Conflict):
    """Your account cannot receive money yet. Complete your details first; nothing is lost."""


def on_demand(session: Session, expert_id: int, amount: Money, *, key: str, at: datetime) -> Payout:
    """Make the payout that an expert asks for; the same form sent again returns the first one.

    While another payout of theirs is open, that one is returned: it is on its way already.
    """
    payee = payees.locked(session, expert_id, at=at)  # one request of an expert at a time
    known = session.exec(select(Payout).where(Payout.request_key == key)).first()
    if known is not None:
        if known.expert_id != expert_id:
            raise UsedForm
        return known
    _check(session, payee, amount)
    payout, is_new = sending.open_payout(
        session,
        expert_id,
        amount.currency,
        amount_minor=amount.minor,
        state=PayoutState.READY,
        rhythm=Rhythm.ON_DEMAND,
        request_key=key,
        requested_at=at,
        attempt=0,
        looks=0,
    )
    if is_new:
        audit.record(session, "payout.requested", by=expert_id, subject=f"payout:{payout.id}")
        approvals.ask_if_over(session, payout, by=expert_id, at=at)
        answers.defer_send(session, payout)
    return payout


def weekly(
    session: Session, expert_id: int, currency: str, *, at: datetime, is_early: bool = False
) -> Payout | None:
    """Make this week's payout of an expert, of all that is owed, or None.

    One that is made early is not this week's: what is earned until payday is paid then.
    """
    payee = payees.locked(session, expert_id, at=at)
    is_payday = policy.is_payday(at, payee.payday)
    due = is_early or is_payday
    amount = policy.payable(ledger.balance(session, ledger.owed(expert_id, currency)))
    if payee.rhythm is not Rhythm.WEEKLY or not amount or not due:
        return None
    if leaving.is_withheld(session, expert_id):
        return None
    payout, is_new = sending.open_payout(
        session,
        expert_id,
        currency,
        amount_minor=amount.minor,
        state=PayoutState.READY,
        rhythm=Rhythm.WEEKLY,
        week=policy.pay_week(at, payee.payday) if is_payday else None,
        request_key=uuid4().hex,
        requested_at=at,
        attempt=0,
        looks=0,
    )
    if is_new:
        answers.defer_send(session, payout)
    return payout if is_new else None


def make_up(
    session: Session, payee: Payee, *, since: datetime, key: str, at: datetime
) -> list[Payout]:
    """Make the payouts that a hold kept an expert from on payday, once for each key."""
    if payee.rhythm is not Rhythm.WEEKLY or policy.next_payday(since, payee.payday) > at:
        return []
    made = []
    for owed in earnings.owed(session, payee.expert_id):
        if amount := policy.payable(owed):
            payout, is_new = sending.open_payout(
                session,
                payee.expert_id,
                amount.currency,
                amount_minor=amount.minor,
                state=PayoutState.READY,
                rhythm=Rhythm.ON_DEMAND,
                request_key=f"{key}-{amount.currency}",
                requested_at=at,
                attempt=0,
                looks=0,
            )
            if is_new:
                approvals.ask_if_over(session, payout, by=payee.expert_id, at=at)
                answers.defer_send(session, payout)
                made.append(payout)
    return made


def _check(session: Session, payee: Payee, amount: Money) -> None:
    owed = ledger.balance(session, ledger.owed(payee.expert_id, amount.currency))
    if amount > owed:
        raise MoreThanOwed(asked=formats.money(amount), owed=formats.money(owed))
    least = policy.least_payout(amount.currency)
    if amount < least or amount != policy.payable(amount):
        raise TooLittle(least=formats.money(least))
    if payee.state is not PayeeState.ACTIVE:
        raise DetailsNeeded
    if leaving.is_withheld(session, payee.expert_id):
        raise Withheld
