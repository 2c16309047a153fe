"""The names that our deposits, payouts and refunds bear at the rail, read back into rows."""

from sqlmodel import Session

from payouts.models import Deposit, Payout, key_part
from payouts.refund_models import RefundPart


def row_of(session: Session, reference: str | None) -> Deposit | Payout | RefundPart | None:
    """Return the row that a reference names, or None when it is not one of this instance's.

    Of a payout or a refund, any attempt's reference names it.
    """
    row: Deposit | Payout | RefundPart | None = None
    match (reference or "").split("-"):
        case ["deposit", row_id, key] if row_id.isdecimal():
            row = session.get(Deposit, int(row_id))
        case ["payout", row_id, _, key] if row_id.isdecimal():
            row = session.get(Payout, int(row_id))
        case ["refund", row_id, _, key] if row_id.isdecimal():
            row = session.get(RefundPart, int(row_id))
        case _:
            return None
    return row if row is not None and key_part(row.request_key) == key else None
