"""What withholding payouts did, undone when the decision is changed."""

from datetime import datetime

from sqlmodel import Session

from accounts.models import Decision, DecisionKind, User
from accounts.repairs import Force, Look
from payouts import holds, reversals


def send_again(session: Session, decision: Decision, by: User, at: datetime) -> None:
    """Undo what a decision withheld: a hold, unless a later one stands, or a payout taken back."""
    reversals.make_good(session, decision, by, at)
    held = holds.of(session, decision.person_id)
    if held is not None and held.decision_id == decision.id:
        holds.lift(session, decision.person_id, by=by, at=at)


def withholds(session: Session, decision: Decision) -> bool:
    """Return whether a decision still withholds payouts."""
    held = holds.of(session, decision.person_id)
    is_held = held is not None and held.decision_id == decision.id
    return is_held or reversals.is_in_force(session, decision)


REPAIRS = {DecisionKind.PAYOUT_WITHHELD: send_again}
LOOKS: dict[DecisionKind, Look] = {}
IN_FORCE: dict[DecisionKind, Force] = {DecisionKind.PAYOUT_WITHHELD: withholds}
