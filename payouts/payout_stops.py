"""Stops: while nobody knows why the books differ in a currency, no payout of it leaves.

A stop ends by itself once the books agree, or when one operator has explained the difference and
another, having read that, releases it. What was released stays explained; anything new stops anew.
"""

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy.dialects.postgresql import insert
from sqlmodel import Session, col, select

from accounts import operators
from core import audit, messages
from core.errors import Conflict, Invalid, NotAllowed, NotFound
from payouts import answers
from payouts.books_models import PayoutStop
from payouts.models import Payout, PayoutState, Reconciliation, ReconciliationState

WORDS_AT_LEAST = 20
TRY_AGAIN_AFTER = timedelta(minutes=15)
REASON = "books_differ"
Finding = dict[str, Any]
Key = tuple[Any, ...]


class ExplanationNeeded(Invalid):
    """Say in 20 characters at least what the difference is and how you know."""


class NotExplained(Conflict):
    """Nobody has explained this difference as it is now. Read the page again."""


class NeedsASecond(NotAllowed):
    """Whoever explained a difference does not release it: another operator does."""


class Ended(Conflict):
    """Payouts of this currency go out again already."""


def of(session: Session, currency: str) -> PayoutStop | None:
    """Return the stop of a currency that stands, if one does."""
    question = select(PayoutStop).where(
        PayoutStop.currency == currency, col(PayoutStop.ended_at).is_(None)
    )
    return session.exec(question).first()


def standing(session: Session) -> list[PayoutStop]:
    """Return the stops that stand."""
    question = select(PayoutStop).where(col(PayoutStop.ended_at).is_(None))
    return list(session.exec(question.order_by(col(PayoutStop.currency))))


def currencies(session: Session) -> set[str]:
    """Return the currencies that stand still."""
    return {stop.currency for stop in standing(session)}


def postpone(session: Session, payout: Payout, *, at: datetime) -> bool:
    """Let a payout wait when its currency stands still; return whether it does."""
    if of(session, payout.currency) is None:
        return False
    payout.reason, payout.try_at = REASON, at + TRY_AGAIN_AFTER
    return True


def mark_released(session: Session, currency: str, findings: Iterable[Finding]) -> None:
    """Mark the findings that were explained and released before."""
    question = select(PayoutStop).where(
        PayoutStop.currency == currency, col(PayoutStop.released_by).is_not(None)
    )
    released = {
        key(finding): stop.id for stop in session.exec(question) for finding in stop.findings
    }
    for finding in findings:
        if key(finding) in released:
            finding |= {"explained": True, "stop_id": released[key(finding)]}


def follow(session: Session, row: Reconciliation, *, at: datetime) -> None:
    """Begin, change or end the stop of a currency as its newest comparison says."""
    left = [finding for finding in row.findings if not finding["explained"]]
    stop = _locked(session, row.currency)
    if not left:
        if stop is not None:
            _end(session, stop, at)
            audit.record(session, "payout_stop.ended", by=None, subject=f"payout_stop:{stop.id}")
        return
    if stop is None:
        _begin(session, row, left, at)
    elif {key(one) for one in left} != {key(one) for one in stop.findings}:
        stop.findings, stop.unexplained_minor = left, _sum(left)
        # The words were about another difference.
        stop.explanation = stop.explained_by = stop.explained_at = None
        _tell(session, stop)


def explain(session: Session, stop_id: int, words: str, *, by: int, at: datetime) -> PayoutStop:
    """Say what a difference is; the last words count, and need another's release."""
    stop = _standing(session, stop_id)
    if len(words.strip()) < WORDS_AT_LEAST:
        raise ExplanationNeeded
    if (stop.explanation, stop.explained_by) == (words.strip(), by):
        return stop
    stop.explanation, stop.explained_by, stop.explained_at = words.strip(), by, at
    audit.record(session, "payout_stop.explained", by=by, subject=f"payout_stop:{stop.id}")
    return stop


def release(
    session: Session, stop_id: int, *, read_at: datetime | None, by: int, at: datetime
) -> PayoutStop:
    """Let payouts go out again; `read_at` is when the explanation was written that was read."""
    stop = _known(session, stop_id)
    if stop.released_by == by:
        return stop  # the second click
    if stop.ended_at is not None:
        raise Ended
    if stop.explained_by is None or stop.explained_at != read_at:
        raise NotExplained
    if stop.explained_by == by:
        raise NeedsASecond
    stop.released_by = by
    _end(session, stop, at)
    _explain_newest(session, stop)
    audit.record(session, "payout_stop.released", by=by, subject=f"payout_stop:{stop.id}")
    return stop


def key(finding: Finding) -> Key:
    """Return what makes a finding the same one tomorrow."""
    return tuple(finding.get(name) for name in ("what", "entry", "row_id", "minor"))


def _begin(session: Session, row: Reconciliation, left: list[Finding], at: datetime) -> None:
    made = session.execute(
        insert(PayoutStop)
        .values(currency=row.currency, unexplained_minor=_sum(left), findings=left, opened_at=at)
        .on_conflict_do_nothing()
        .returning(col(PayoutStop.id))
    ).first()
    if made is not None:
        stop = session.get_one(PayoutStop, made[0])
        audit.record(session, "payout_stop.begun", by=None, subject=f"payout_stop:{stop.id}")
        _tell(session, stop)


def _tell(session: Session, stop: PayoutStop) -> None:
    for operator in operators.besides(session):
        messages.write(session, to=operator, template="payouts/books_differ", stop=stop)


def _end(session: Session, stop: PayoutStop, at: datetime) -> None:
    stop.ended_at = at
    session.add(stop)
    session.flush()  # what is taken up must not find it
    waiting = session.exec(
        select(Payout)
        .where(
            Payout.currency == stop.currency,
            Payout.reason == REASON,
            col(Payout.state).in_((PayoutState.READY, PayoutState.WAITING_FUNDS)),
        )
        .with_for_update(skip_locked=True)
        .execution_options(populate_existing=True)
    ).all()
    for payout in waiting:
        payout.reason = payout.try_at = None
        answers.defer_send(session, payout)


def _explain_newest(session: Session, stop: PayoutStop) -> None:
    """Let the page say at once that the newest comparison is explained."""
    question = select(Reconciliation).where(Reconciliation.currency == stop.currency)
    newest = session.exec(question.order_by(col(Reconciliation.id).desc())).first()
    if newest is None:
        return
    findings = [dict(finding) for finding in newest.findings]
    mark_released(session, stop.currency, findings)
    newest.findings = findings
    if all(finding["explained"] for finding in findings):
        newest.state = ReconciliationState.EXPLAINED


def _known(session: Session, stop_id: int) -> PayoutStop:
    stop = session.get(PayoutStop, stop_id, with_for_update=True, populate_existing=True)
    if stop is None:
        raise NotFound
    return stop


def _standing(session: Session, stop_id: int) -> PayoutStop:
    stop = _known(session, stop_id)
    if stop.ended_at is not None:
        raise Ended
    return stop


def _locked(session: Session, currency: str) -> PayoutStop | None:
    question = select(PayoutStop).where(
        PayoutStop.currency == currency, col(PayoutStop.ended_at).is_(None)
    )
    return session.exec(
        question.with_for_update().execution_options(populate_existing=True)
    ).first()


def _sum(findings: Iterable[Finding]) -> int:
    return sum(int(finding["minor"]) for finding in findings)
