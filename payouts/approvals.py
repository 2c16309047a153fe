"""Payouts over a limit: a second person agrees before they leave, or refuses with reasons.

The settings name the limits. The database keeps the one of a single payout beside its payouts,
so that it can refuse on its own; it is brought up to the settings whenever a payout is looked at.
"""

from datetime import datetime, timedelta

from sqlalchemy.dialects.postgresql import insert
from sqlmodel import Session, col, select

from accounts import operators
from accounts.models import User
from core import messages
from core.money import Money
from core.settings import current_settings
from payouts.models import OPEN_STATES, Payout
from payouts.run_models import ApprovalCause, PayoutApproval, PayoutLimit

TELL_EXPERT_AFTER = timedelta(days=1)


def most(session: Session, currency: str) -> Money | None:
    """Return up to which amount a payout leaves by itself; None is without limit."""
    minor = current_settings().payout_limits.get(currency)
    known = session.get(PayoutLimit, currency)
    if minor is None:
        if known is not None:
            session.delete(known)
            session.flush()  # the database judges by the row
        return None
    if known is None or known.most_minor != minor:
        values = {"currency": currency, "most_minor": minor}
        kept = insert(PayoutLimit).values(values)
        session.execute(kept.on_conflict_do_update(index_elements=["currency"], set_=values))
        if known is not None:
            session.expire(known)
    return Money(minor, currency)


def most_of_run(currency: str) -> Money | None:
    """Return up to which sum a run's payouts leave by themselves; None is without limit."""
    minor = current_settings().payout_run_limits.get(currency)
    return None if minor is None else Money(minor, currency)


def ask_if_over(
    session: Session, payout: Payout, *, by: int | None, run_id: int | None = None, at: datetime
) -> PayoutApproval | None:
    """Ask for a second person where a payout by itself is over the limit."""
    limit = most(session, payout.currency)
    if limit is None or payout.amount <= limit:
        return None
    return ask(session, payout, ApprovalCause.PAYOUT, limit, by=by, run_id=run_id, at=at)


def ask(
    session: Session,
    payout: Payout,
    cause: ApprovalCause,
    limit: Money,
    *,
    by: int | None,
    run_id: int | None = None,
    at: datetime,
) -> PayoutApproval | None:
    """Ask for a second person, once for a payout; the operators have a letter."""
    made = session.execute(
        insert(PayoutApproval)
        .values(
            payout_id=payout.id,
            run_id=run_id,
            cause=cause,
            amount_minor=payout.amount_minor,
            limit_minor=limit.minor,
            currency=payout.currency,
            asked_by=by,
            asked_at=at,
        )
        .on_conflict_do_nothing()
        .returning(col(PayoutApproval.id))
    ).first()
    if made is None:
        return live(session, payout.id or 0)
    if cause is ApprovalCause.PAYOUT:  # a run writes one letter about all of its own
        tell_operators(session, payout.amount, 1, barred={by, payout.expert_id})
    return session.get(PayoutApproval, made[0])


def tell_operators(session: Session, amount: Money, count: int, *, barred: set[int | None]) -> None:
    """Write to the operators who may answer that something waits for them."""
    for one in operators.besides(session, barred):
        messages.write(
            session, to=one, template="payouts/approval_needed", amount=amount, count=count
        )


def live(session: Session, payout_id: int) -> PayoutApproval | None:
    """Return what waits for an answer or was agreed to, of one payout."""
    return session.exec(
        select(PayoutApproval).where(
            PayoutApproval.payout_id == payout_id, col(PayoutApproval.approved).is_not(False)
        )
    ).first()


def is_lacking(session: Session, payout: Payout, *, at: datetime) -> bool:
    """Return whether a payout may not leave yet; asks for the second person where nobody did."""
    known = live(session, payout.id or 0)
    if known is None:
        refused = select(PayoutApproval).where(PayoutApproval.payout_id == payout.id)
        before = session.exec(refused.order_by(col(PayoutApproval.id).desc())).first()
        if before is not None:  # refused, and what withheld it was lifted since: asked anew
            known = ask(session, payout, before.cause, before.limit, by=None, at=at)
        else:
            known = ask_if_over(session, payout, by=payout.expert_id, at=at)
    return known is not None and not known.approved


def waiting_long(session: Session, at: datetime, limit: int = 200) -> list[PayoutApproval]:
    """Return what has waited for a day and whose expert was not told, locked."""
    question = (
        select(PayoutApproval)
        .join(Payout, col(Payout.id) == col(PayoutApproval.payout_id))
        .where(
            col(PayoutApproval.answered_at).is_(None),
            col(PayoutApproval.told_at).is_(None),
            PayoutApproval.asked_at < at - TELL_EXPERT_AFTER,
            col(Payout.state).in_(OPEN_STATES),
        )
        .order_by(col(PayoutApproval.id))
        .limit(limit)
        .with_for_update(of=PayoutApproval, skip_locked=True)
    )
    return list(session.exec(question))


def tell_experts(session: Session, at: datetime) -> int:
    """Write to experts whose payout has waited for a day; return to how many."""
    rows = waiting_long(session, at)
    for row in rows:
        row.told_at = at
        payout = session.get_one(Payout, row.payout_id)
        expert = session.get(User, payout.expert_id)
        if expert is not None:
            messages.write(session, to=expert, template="payouts/approval_waits", payout=payout)
        tell_operators(session, row.amount, 1, barred={row.asked_by, payout.expert_id})
    return len(rows)
