"""May a payout leave? Each check names one reason why not; more checks may be added here.

Asked in the transaction that claims a payout, with its row and its payee's row locked.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlmodel import Session, col, select

from payouts import approvals
from payouts.models import Payee, PayeeState, Payout, PayoutHold

LOOK_AGAIN = timedelta(hours=1)


@dataclass(frozen=True)
class Reason:
    """Why a payout does not leave now.

    With `again` it stays ready and is looked at then; without, it is blocked until its payee's
    state changes.
    """

    code: str
    again: timedelta | None = None


Check = Callable[[Session, Payout, Payee, datetime], Reason | None]


def reasons(session: Session, payout: Payout, payee: Payee, *, at: datetime) -> list[Reason]:
    """Return all that keeps a payout from leaving; nothing when it may."""
    found = (check(session, payout, payee, at) for check in CHECKS)
    return [reason for reason in found if reason is not None]


def is_withheld(session: Session, expert_id: int) -> bool:
    """Return whether a decision withholds an expert's payouts."""
    found = session.exec(
        select(PayoutHold.id).where(
            PayoutHold.expert_id == expert_id, col(PayoutHold.lifted_at).is_(None)
        )
    )
    return found.first() is not None


def _withheld(session: Session, payout: Payout, payee: Payee, at: datetime) -> Reason | None:
    return Reason("withheld") if is_withheld(session, payout.expert_id) else None


def _not_ready(session: Session, payout: Payout, payee: Payee, at: datetime) -> Reason | None:
    can = payee.state is PayeeState.ACTIVE and payee.stripe_account_id is not None
    return None if can else Reason("account")


def _not_approved(session: Session, payout: Payout, payee: Payee, at: datetime) -> Reason | None:
    lacks = approvals.is_lacking(session, payout, at=at)
    return Reason("needs_approval", again=LOOK_AGAIN) if lacks else None


CHECKS: list[Check] = [_withheld, _not_ready, _not_approved]
