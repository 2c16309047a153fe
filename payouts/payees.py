"""Payees: experts as people who are paid, their account at the rail, and how often.

The rail asks for identity and bank details on its own pages; we only learn whether an account
can receive money and what it lacks.
"""

from datetime import datetime, timedelta
from uuid import uuid4

from sqlalchemy.dialects.postgresql import insert
from sqlmodel import Session, col, or_, select

from accounts.models import User
from core import audit
from core.clock import now
from core.db import transaction
from core.errors import NotFound
from core.ports import PayeeNotReady, PayeeRail, PayeeStatus
from payouts import policy
from payouts.models import Payee, PayeeState, Payout, Rhythm

REREAD_UNREADY = timedelta(minutes=10)
REREAD_READY = timedelta(days=1)

# Where Stripe lets platforms of these places pay people of any of them by themselves
# (docs.stripe.com/connect/cross-border-payouts).
COUNTRIES = frozenset(
    {"AT", "BE", "BG", "CA", "CH", "CY", "CZ", "DE", "DK", "EE", "ES", "FI", "FR", "GB", "GR", "HR"}
    | {"HU", "IE", "IS", "IT", "LI", "LT", "LU", "LV", "MT", "NL", "NO", "PL", "PT", "RO", "SE"}
    | {"SI", "SK", "US"}
)


def known(session: Session, expert_id: int) -> Payee:
    """Return an expert as a payee; one who was never asked is shown with the defaults."""
    found = session.get(Payee, expert_id)
    return found or Payee(
        expert_id=expert_id, request_key="", opened_at=now(), rhythm=Rhythm.WEEKLY, missing=[]
    )


def locked(session: Session, expert_id: int, *, at: datetime) -> Payee:
    """Return the payee's row, made if need be, and held until the end of the transaction."""
    row = Payee(expert_id=expert_id, request_key=uuid4().hex, opened_at=at, missing=[])
    session.execute(insert(Payee).values(row.model_dump()).on_conflict_do_nothing())
    found = session.get(Payee, expert_id, with_for_update=True, populate_existing=True)
    if found is None:
        raise NotFound
    return found


def choose_rhythm(
    session: Session,
    expert_id: int,
    rhythm: Rhythm,
    *,
    at: datetime,
    payday: int | None = None,
) -> Payee:
    """Pay an expert every week, on a weekday of theirs, or only when they ask."""
    payee = locked(session, expert_id, at=at)
    payday = payee.payday if payday is None else payday
    if (payee.rhythm, payee.payday) != (rhythm, payday):
        payee.rhythm, payee.payday = rhythm, payday
        audit.record(
            session,
            "payee.rhythm",
            by=expert_id,
            subject=f"payee:{expert_id}",
            details={"rhythm": rhythm, "payday": payday},
        )
    return payee


def next_payday(session: Session, payee: Payee, *, at: datetime) -> datetime:
    """When a payee is paid next: not in a week in which they were, whatever day they chose then."""
    coming = policy.next_payday(at, payee.payday)
    paid = select(Payout.id).where(
        Payout.expert_id == payee.expert_id, Payout.week == policy.week_of(coming)
    )
    if session.exec(paid.limit(1)).first() is not None:
        return policy.next_payday(coming, payee.payday)
    return coming


def onboarding_url(
    expert_id: int, rail: PayeeRail, *, country: str, refresh_url: str, return_url: str
) -> str:
    """Open the expert's account at the rail, once, and return a fresh page for their details."""
    with transaction() as session:
        payee = locked(session, expert_id, at=now())
        user = session.get(User, expert_id)
    if user is None:
        raise NotFound
    account_id = payee.stripe_account_id
    if account_id is None:
        account_id = rail.open_payee(reference=payee.reference, email=user.email, country=country)
        with transaction() as session:
            account_id = _opened(session, expert_id, account_id, country)
    return rail.onboarding_url(account_id, refresh_url=refresh_url, return_url=return_url)


def reread(expert_id: int, rail: PayeeRail) -> Payee:
    """Read the expert's account at the rail again and record how far it is."""
    with transaction() as session:
        payee = known(session, expert_id)
    if payee.stripe_account_id is None:
        return payee
    try:
        status = rail.payee(payee.stripe_account_id)
    except PayeeNotReady:  # the account was closed, or has shut us out
        status = PayeeStatus(payee.stripe_account_id, "closed")
    with transaction() as session:
        return record(session, expert_id, status, at=now())


def record(session: Session, expert_id: int, status: PayeeStatus, *, at: datetime) -> Payee:
    """Record what the rail says of an account."""
    payee = locked(session, expert_id, at=at)
    if payee.stripe_account_id != status.account_id:
        return payee  # an account that is not theirs any more
    before = payee.state
    payee.state = PayeeState(status.state)
    payee.missing, payee.overdue = list(status.missing), list(status.overdue)
    payee.due_later, payee.due_at = list(status.due_later), status.due_at
    payee.stopped_for = status.stopped_for
    payee.bank_last4 = status.bank_last4 or payee.bank_last4
    payee.read_at = at
    if before is not payee.state:
        audit.record(
            session,
            f"payee.{payee.state}",
            by=None,
            subject=f"payee:{expert_id}",
            details={"before": before},
        )
    return payee


def close(session: Session, account_id: str, *, at: datetime) -> Payee | None:
    """Note that a payee has cut their account off from us."""
    payee = by_account(session, account_id)
    if payee is None:
        return None
    return record(session, payee.expert_id, PayeeStatus(account_id, "closed"), at=at)


def by_account(session: Session, account_id: str) -> Payee | None:
    """Return whose account at the rail this is, if it is one of ours."""
    return session.exec(select(Payee).where(Payee.stripe_account_id == account_id)).first()


def to_reread(session: Session, at: datetime, limit: int = 100) -> list[int]:
    """Return payees whose account was not read for a while: soon if unready, daily if ready."""
    read_at = col(Payee.read_at)
    question = (
        select(Payee.expert_id)
        .where(
            col(Payee.stripe_account_id).is_not(None),
            Payee.state != PayeeState.CLOSED,
            or_(
                read_at.is_(None),
                read_at < at - REREAD_READY,
                (col(Payee.state) != PayeeState.ACTIVE) & (read_at < at - REREAD_UNREADY),
            ),
        )
        .order_by(read_at.nulls_first())
        .limit(limit)
    )
    return list(session.exec(question))


def _opened(session: Session, expert_id: int, account_id: str, country: str) -> str:
    payee = locked(session, expert_id, at=now())
    if payee.stripe_account_id is None:
        payee.stripe_account_id = account_id
        payee.country = country
        payee.state = PayeeState.STARTED
        audit.record(session, "payee.opened", by=expert_id, subject=f"payee:{expert_id}")
    return payee.stripe_account_id or account_id
