"""Outages: while the rail does not answer, one message says so, and all that waits goes on after.

A sweep asks the rail something small. Nothing is decided by it: each payout, deposit and message
finds out for itself, this only says what is going on and wakes what waits once it is over.
"""

from datetime import datetime, timedelta

from sqlalchemy import update
from sqlalchemy.dialects.postgresql import insert
from sqlmodel import Session, col, select

from accounts import operators
from core import audit, messages
from core.clock import now
from core.db import transaction
from core.ports import PayoutRefused, RailDown, ReconcilingRail
from payouts import answers
from payouts.models import Payout, PayoutState, RailEvent, RailEventState
from payouts.outage_models import RailOutage
from payouts.refund_models import RefundPart, RefundState

TELL_AFTER = timedelta(minutes=15)
AWAY = "rail_away"
STATUS_PAGE = "https://status.stripe.com"


def watch(rail: ReconcilingRail) -> str:
    """Find out whether the rail answers, and note it."""
    try:
        rail.balances()
    except PayoutRefused:
        pass  # a refusal is an answer
    except RailDown as trouble:
        with transaction() as session:
            return note_away(session, str(trouble), at=now())
    with transaction() as session:
        return note_there(session, at=now())


def current(session: Session) -> RailOutage | None:
    """Return the outage that lasts, if one does."""
    return session.exec(select(RailOutage).where(col(RailOutage.ended_at).is_(None))).first()


def since(session: Session, at: datetime) -> datetime:
    """Return since when the rail is known to be away; where nothing is known, since now."""
    row = current(session)
    return row.began_at if row is not None else at


def note_away(session: Session, trouble: str, *, at: datetime) -> str:
    """Note that the rail does not answer; when that has lasted, tell the operators once."""
    made = insert(RailOutage).values(began_at=at, trouble=trouble).on_conflict_do_nothing()
    session.execute(made)
    row = _locked(session)
    if row is None:
        return "away"
    if row.told_at is None and row.began_at <= at - TELL_AFTER:
        row.told_at = at
        audit.record(session, "rail.away", by=None, subject=f"rail:{row.id}")
        _write(session, row, "payouts/rail_away")
    return "away"


def note_there(session: Session, *, at: datetime) -> str:
    """Note that the rail answers; what has waited for it goes on at once."""
    row = _locked(session)
    if row is None:
        return "there"
    row.ended_at = at
    woken = _wake(session, at)
    if row.told_at is not None:
        audit.record(session, "rail.back", by=None, subject=f"rail:{row.id}")
        _write(session, row, "payouts/rail_back")
    return f"there again, {woken} payouts go on"


def _locked(session: Session) -> RailOutage | None:
    question = select(RailOutage).where(col(RailOutage.ended_at).is_(None)).with_for_update()
    return session.exec(question.execution_options(populate_existing=True)).first()


def _wake(session: Session, at: datetime) -> int:
    """Let what waits be due now: messages, refunds, payouts not put to the rail, lost answers."""
    waiting = col(RailEvent.state) == RailEventState.WAITING
    session.execute(update(RailEvent).where(waiting).values(try_at=at))
    unanswered = col(RefundPart.state).in_((RefundState.READY, RefundState.UNKNOWN))
    session.execute(update(RefundPart).where(unanswered).values(try_at=at))
    kept = (col(Payout.reason) == AWAY) & col(Payout.state).in_(
        (PayoutState.READY, PayoutState.WAITING_FUNDS)
    )
    lost = col(Payout.state) == PayoutState.UNKNOWN
    rows = session.exec(
        select(Payout)
        .where(kept | lost)
        .with_for_update(skip_locked=True)
        .execution_options(populate_existing=True)
    ).all()
    for payout in rows:
        payout.try_at = at
        if payout.state is not PayoutState.UNKNOWN:  # the sweep looks for those
            payout.reason = None
            answers.defer_send(session, payout)
    return len(rows)


def _write(session: Session, row: RailOutage, template: str) -> None:
    for operator in operators.besides(session):
        messages.write(session, to=operator, template=template, outage=row)
