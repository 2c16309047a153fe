"""The platform's own acts at the rail, which nobody asks us about: our books follow them.

Payouts to the platform's bank, top-ups and what the rail bills apart are known there first; each
is booked under the id of the rail's own line.
"""

from typing import NamedTuple

from sqlmodel import Session

from payouts import ledger, rail_lines
from payouts.books_models import KeptEntry
from payouts.models import AccountKind


class Act(NamedTuple):
    """Whose money a kind of line moves, and what it is called."""

    account: AccountKind
    narration: str


OWN, FEES, LOST = AccountKind.PLATFORM_OWN, AccountKind.RAIL_FEES, AccountKind.LOSSES
ACTS = {
    "payout": Act(OWN, "sent to the platform's bank"),
    "payout_failure": Act(OWN, "sent back by the platform's bank"),
    "payout_cancel": Act(OWN, "transfer to the platform's bank canceled"),
    "topup": Act(OWN, "topped up by the platform"),
    "topup_reversal": Act(OWN, "top-up taken back"),
    "stripe_fee": Act(FEES, "billed by the rail"),
    "stripe_fx_fee": Act(FEES, "billed by the rail for a conversion"),
    "tax_fee": Act(FEES, "tax billed by the rail"),
    "fee_credit_funding": Act(FEES, "credited by the rail"),
    "contribution": Act(FEES, "contribution by the rail's programme"),
    "connect_collection_transfer": Act(LOST, "account of an expert filled up from ours"),
}
# The rail keeps these back for a while; they stay ours, so no account changes.
RESERVED = frozenset(
    {"reserve_transaction", "reserved_funds", "reserve_hold", "reserve_release"}
    | {"payment_network_reserve_hold", "payment_network_reserve_release"}
    | {"payout_minimum_balance_hold", "payout_minimum_balance_release"}
)


def book(session: Session, entry: KeptEntry) -> bool:
    """Book a line that is the platform's own act; False when it is not one, or booked before."""
    act = ACTS.get(entry.kind)
    if act is None:
        return False
    purse = ledger.Purse(act.account, 0, entry.currency)
    line, cause = rail_lines.kept_line(entry), f"rail_entry:{entry.id}"
    return rail_lines.book(session, line, purse, narration=act.narration, cause=cause)
