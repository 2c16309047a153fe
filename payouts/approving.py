"""The second person's answer: a payout leaves, or is withheld by a decision with reasons."""

from datetime import datetime

from sqlmodel import Session, col, select

from accounts.models import User
from core import audit
from core.errors import Conflict, Invalid, NotAllowed, NotFound
from payouts import answers, holds
from payouts.models import Payout, PayoutState
from payouts.run_models import ApprovalCause, PayoutApproval

WORDS_AT_LEAST = 3


class WordsNeeded(Invalid):
    """Say in a few words what you have looked at."""


class SecondPersonNeeded(NotAllowed):
    """You asked for this payout yourself, or it pays you. Another operator has to answer."""


class AnsweredBefore(Conflict):
    """This was answered before, and differently. Load the page again to see the answer."""


def approve(session: Session, approval_id: int, words: str, *, by: User, at: datetime) -> Payout:
    """Let a payout leave; a second click changes nothing."""
    approval, payout = _locked(session, approval_id, by)
    if approval.answered_at is not None:
        return _again(approval, payout, said=True)
    if len(words.strip()) < WORDS_AT_LEAST:
        raise WordsNeeded
    approval.approved, approval.words = True, words.strip()
    _answered(session, approval, by, at)
    if payout.state is PayoutState.READY:
        payout.try_at, payout.reason = None, None
        answers.defer_send(session, payout)
    return payout


def approve_run(session: Session, run_id: int, words: str, *, by: User, at: datetime) -> int:
    """Let all payouts leave that wait because their run was over the limit; return how many."""
    question = select(PayoutApproval.id).where(
        PayoutApproval.run_id == run_id,
        PayoutApproval.cause == ApprovalCause.RUN,
        col(PayoutApproval.answered_at).is_(None),
    )
    waiting = session.exec(question.order_by(col(PayoutApproval.payout_id))).all()
    for approval_id in waiting:
        approve(session, approval_id or 0, words, by=by, at=at)
    return len(waiting)


def refuse(
    session: Session, approval_id: int, cause: holds.Cause, *, by: User, at: datetime
) -> Payout:
    """Withhold a payout by a decision with reasons, which the expert may contest."""
    approval, payout = _locked(session, approval_id, by)
    if approval.answered_at is not None:
        return _again(approval, payout, said=False)
    held = holds.withhold(session, payout.expert_id, cause, by=by, at=at)
    session.flush()  # the answer names the decision
    approval.approved, approval.words = False, cause.words.strip()
    approval.decision_id = held.decision_id
    _answered(session, approval, by, at)
    if payout.state is PayoutState.READY:
        payout.state, payout.try_at, payout.reason = PayoutState.BLOCKED, None, "withheld"
    return payout


def _locked(session: Session, approval_id: int, by: User) -> tuple[PayoutApproval, Payout]:
    known = session.get(PayoutApproval, approval_id)
    if known is None:
        raise NotFound
    payout = answers.of(session, known.payout_id, lock=True)  # the order in which sending locks
    approval = session.get_one(
        PayoutApproval, approval_id, with_for_update=True, populate_existing=True
    )
    if by.id in (approval.asked_by, payout.expert_id):
        raise SecondPersonNeeded
    return approval, payout


def _again(approval: PayoutApproval, payout: Payout, *, said: bool) -> Payout:
    if approval.approved is not said:
        raise AnsweredBefore
    return payout


def _answered(session: Session, approval: PayoutApproval, by: User, at: datetime) -> None:
    approval.answered_by, approval.answered_at = by.id, at
    act = "payout.approved" if approval.approved else "payout.refused"
    audit.record(session, act, by=by.id, subject=f"payout:{approval.payout_id}")
