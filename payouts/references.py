"""The names that deposits, payouts, refunds and top-ups bear at the rail, read into rows."""

from sqlmodel import Session

from payouts.models import Deposit, Payout, key_part
from payouts.refund_models import RefundPart
from payouts.topup_models import AutoTopUp

Row = Deposit | Payout | RefundPart | AutoTopUp


def row_of(session: Session, reference: str | None) -> Row | None:
    """Return the row that a reference names, or None when it is not one of this instance's.

    Of a payout or a refund, any attempt's reference names it.
    """
    row: Row | None = None
    match (reference or "").split("-"):
        case ["deposit", row_id, key] if row_id.isdecimal():
            row = session.get(Deposit, int(row_id))
        case ["payout", row_id, _, key] if row_id.isdecimal():
            row = session.get(Payout, int(row_id))
        case ["autotopup", row_id, key] if row_id.isdecimal():
            row = session.get(AutoTopUp, int(row_id))
        case ["refund", row_id, _, key] if row_id.isdecimal():
            row = session.get(RefundPart, int(row_id))
        case _:
            return None
    return row if row is not None and key_part(row.request_key) == key else None
