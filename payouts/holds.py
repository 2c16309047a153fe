"""Withheld payouts: by a decision with reasons, until it is lifted; the money stays owed.

The payee's row is locked by whoever holds, lifts or sends, so that none of them meets another.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from sqlmodel import Session, col, select

from accounts import decision_letters, decisions
from accounts.decisions import About, Evidence, Reason, Taken
from accounts.models import Decision, DecisionKind, User
from core import audit, messages
from core.errors import Invalid, NotAllowed
from payouts import payees, sending
from payouts.models import PayoutHold

CONTEST_FOR = timedelta(days=30)
WORDS_AT_LEAST = 20
REASONS: dict[str, Any] = {
    "tax_details": _l("Tax details that the law asks for are missing after two reminders."),
    "stolen_account": _l("The account seems to be in the hands of somebody else."),
    "amount": _l("The amount is not explained by the work that it pays."),
    "legal_order": _l("A court or an authority has ordered it."),
}


class ReasonNeeded(Invalid):
    """Choose a reason, and say why and on what evidence, in 20 characters at least each."""


class OwnPayouts(NotAllowed):
    """Nobody decides on payouts of their own."""


@dataclass(frozen=True)
class Cause:
    """Why payouts are withheld."""

    code: str
    words: str
    evidence: str

    @property
    def is_whole(self) -> bool:
        """Whether no part is missing."""
        said = min(len(self.words.strip()), len(self.evidence.strip()))
        return self.code in REASONS and said >= WORDS_AT_LEAST


def of(session: Session, expert_id: int) -> PayoutHold | None:
    """Return what withholds an expert's payouts, if anything does."""
    return session.exec(
        select(PayoutHold).where(
            PayoutHold.expert_id == expert_id, col(PayoutHold.lifted_at).is_(None)
        )
    ).first()


def withhold(
    session: Session, expert_id: int, cause: Cause, *, by: User, at: datetime
) -> PayoutHold:
    """Withhold an expert's payouts; a second click returns the first hold."""
    if by.id == expert_id:
        raise OwnPayouts
    if not cause.is_whole:
        raise ReasonNeeded
    payees.locked(session, expert_id, at=at)
    known = of(session, expert_id)
    if known is not None:
        return known
    decision = _decide(session, expert_id, cause, by, at)
    held = PayoutHold(expert_id=expert_id, decision_id=decision.key, held_at=at)
    session.add(held)
    decision_letters.tell(session, decision)
    return held


def lift(session: Session, expert_id: int, *, by: User, at: datetime) -> None:
    """Send payouts again; what was waiting is taken up at once."""
    payee = payees.locked(session, expert_id, at=at)
    held = of(session, expert_id)
    if held is None:
        return
    if by.id == expert_id:
        raise OwnPayouts
    held.lifted_at, held.lifted_by = at, by.id
    session.add(held)
    session.flush()  # what is taken up must not find it
    sending.resume(session, payee)
    messages.write(session, to=session.get_one(User, expert_id), template="payouts/hold_lifted")
    audit.record(session, "payout.hold_lifted", by=by.id, subject=f"expert:{expert_id}")


def _decide(session: Session, expert_id: int, cause: Cause, by: User, at: datetime) -> Decision:
    language = by.locale or "en"
    return decisions.record(
        session,
        DecisionKind.PAYOUT_WITHHELD,
        About(
            person_id=expert_id,
            subject=f"expert:{expert_id}",
            title=decisions.said(lambda: _("Payouts")),
            path="/earnings",
        ),
        taken=Taken(by=by.id),
        reason=Reason(
            code=cause.code,
            words=decisions.said(lambda: f"{REASONS[cause.code]} {cause.words.strip()}"),
            evidence=[Evidence(words={language: cause.evidence.strip()}, at=at)],
            would_change=decisions.said(
                lambda: _("As soon as the cause is settled, all that is owed is sent.")
            ),
        ),
        at=at,
        contest_until=at + CONTEST_FOR,
    )
