"""What states, moves and reasons of money are called on pages, in whole words."""

from typing import Any

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l

from core import formats
from core.money import Money
from payouts import ledger
from payouts.models import Move, Payout, PayoutState
from payouts.refund_models import RefundPart, RefundState

# By the last part of a move's event and its own name within it.
MOVES = {
    "paid/amount": _l("Paid in"),
    "asked/amount": _l("Refund asked for"),
    "sent/amount": _l("Refunded"),
    "returned/amount": _l("Refund came back"),
    "reserved/pay": _l("Pay reserved"),
    "reserved/fee": _l("Fee reserved"),
    "released/pay": _l("Pay given back"),
    "released/fee": _l("Fee given back"),
    "earned/pay": _l("Work accepted: pay"),
    "earned/fee": _l("Work accepted: fee"),
    "earned/pay-back": _l("Accepted in part: rest of the pay"),
    "earned/fee-back": _l("Accepted in part: rest of the fee"),
}
PLACES = {
    "project_budget": _l("Budget"),
    "project_reserve": _l("Reserved"),
    "platform_fees": _l("Platform fee"),
    "clearing": _l("Your payment"),
    "pending": _l("Your payment"),
    "expert": _l("Expert"),
}
HELD = {
    "project_budget": _l("Project budgets"),
    "project_reserve": _l("Reserved pay"),
    "expert_owed": _l("Owed to experts"),
    "expert_in_flight": _l("On its way to experts"),
    "platform_fees": _l("Platform fees"),
    "platform_own": _l("The platform’s own money"),
    "losses": _l("Losses, borne by the platform"),
    "disputes": _l("Disputed payments, not settled yet"),
    "rail_fees": _l("Stripe’s fees, paid by the platform"),
}
FINDINGS = {
    "deposit": _l("A payment that Stripe has and our books do not have yet"),
    "payout": _l("A payout that Stripe has made and our books do not have yet"),
    "refund": _l("A refund that Stripe has made and our books do not have yet"),
    "foreign": _l("Something at Stripe that this instance did not cause"),
    "deposit_missing": _l("A payment in our books that Stripe does not have"),
    "payout_missing": _l("A payout in our books that Stripe does not have"),
    "rest": _l("A rest that nothing accounts for"),
}


def move(row: Move) -> str:
    """Say what a move was for."""
    event, _slash, name = row.reference.rpartition("/")
    found = MOVES.get(f"{event.rpartition(':')[2]}/{name}")
    return str(found) if found else row.narration


def amount(row: Move) -> Money:
    """What a move moved."""
    return ledger.amount(row)


def minor(value: int, currency: str) -> Money:
    """Return an amount that was kept as a bare number."""
    return Money(value, currency)


def cause(row: Move) -> str:
    """Say which deposit or assignment a move belongs to."""
    kind, _colon, number = row.cause.partition(":")
    if kind == "assignment":
        return str(_("Assignment %(number)s", number=number))
    if kind == "deposit":
        return str(_("Payment %(number)s", number=number))
    if kind == "refund":
        return str(_("Refund %(number)s", number=number))
    return row.cause


def place(kind: str) -> str:
    """Say where money was or went, as an owner sees it."""
    return str(PLACES[kind])


def next_step(row: Any) -> str:
    """Say what happens next with an amount on the earnings page."""
    when = formats.day(row.next_at) if row.next_at else ""
    if row.state == "submitted" and when:
        return str(_("Accepted by itself on %(day)s", day=when))
    if row.state == "paid" and when:
        return str(_("At your bank since %(day)s", day=when))
    return str(NEXT[row.state])


def waits_for(payout: Payout) -> str:
    """Say why an open payout has not left, and what happens next."""
    if payout.state is PayoutState.UNKNOWN:
        return str(
            _(
                "Stripe’s answer to our last question never came. It is being looked up, and "
                "nothing is sent again until we know. Nothing is lost."
            )
        )
    if payout.state is PayoutState.WAITING_FUNDS:
        return str(
            _(
                "The owners’ payments have not cleared at Stripe yet. Your payout leaves by "
                "itself as soon as they have, usually within two days."
            )
        )
    if payout.state is PayoutState.BLOCKED:
        return str(
            _(
                "Your account at Stripe cannot receive money yet. The amount stays owed to you "
                "and leaves on the day you complete your details."
            )
        )
    return str(_("It leaves within a few minutes, by itself."))


# How long money takes to arrive, by how it is paid.
TAKES = {
    "card": _l("A card takes minutes."),
    "sepa_debit": _l("A SEPA debit takes about five working days, at most fourteen."),
    "bacs_debit": _l("A Bacs debit takes about four working days, at most seven."),
    "us_bank_account": _l("A bank debit takes about four working days."),
    "customer_balance": _l("A bank transfer takes until you have sent it, and a working day more."),
}


def takes(method: str | None) -> str:
    """Say how long a payment takes to arrive."""
    other = _("It can take some days for transfers and minutes for cards.")
    return str(TAKES.get(method or "", other))


# Why a part of a refund did not go back, and what to do, by Stripe's codes.
REFUND_TROUBLES = {
    "charge_disputed": _l("The payment is disputed: the bank decides about it first."),
    "charge_already_refunded": _l("The payment was given back before, in Stripe’s dashboard."),
    "expired_or_canceled_card": _l(
        "The card has expired or was cancelled. Write to the operator, who pays to another account."
    ),
    "lost_or_stolen_card": _l(
        "The card is lost or stolen. Write to the operator, who pays to another account."
    ),
    "insufficient_funds": _l("Waits until Stripe holds enough that has settled."),
    "balance_insufficient": _l("Waits until Stripe holds enough that has settled."),
    "processing": _l("The bank is at work on it."),
    "charge_for_pending_refund_disputed": _l("The payment was disputed meanwhile."),
    "merchant_request": _l("Taken back in Stripe’s dashboard."),
    "not_as_asked": _l("Stripe shows another amount than was asked. The operator looks at it."),
}


def refund_trouble(part: RefundPart) -> str | None:
    """Say what holds a part of a refund up or made it fail, if anything did."""
    if part.state in (RefundState.SUCCEEDED, RefundState.SENDING) or not part.trouble:
        return None
    other = _("The bank did not take it back. Write to the operator if you need help.")
    return str(REFUND_TROUBLES.get(part.trouble, other))


NEXT = {
    "active": _l("Paid once the work is accepted"),
    "submitted": _l("In review"),
    "accepted": _l("Credited to you"),
    "partly_accepted": _l("Credited to you in part"),
    "rejected": _l("Not accepted: the reasons are with the task"),
    "returned": _l("Given back to the project"),
    "ready": _l("Leaves within a few minutes"),
    "sending": _l("Stripe is being asked"),
    "sent": _l("At your bank in two to three working days"),
    "paid": _l("At your bank"),
    "unknown": _l("Not sent again until we know"),
    "waiting_funds": _l("Leaves as soon as owners’ payments have cleared"),
    "blocked": _l("Leaves once your details are complete"),
    "bank_refused": _l("Check your bank details"),
    "failed": _l("Owed to you as before"),
}


# What Stripe calls its requirements begins with these (docs.stripe.com/api/accounts/object).
DETAILS = {
    "external_account": _l("your bank account"),
    "tos_acceptance": _l("your agreement to Stripe’s terms"),
    "individual.first_name": _l("your name"),
    "individual.last_name": _l("your name"),
    "individual.dob": _l("your date of birth"),
    "individual.address": _l("your address"),
    "individual.email": _l("your e-mail address and telephone number"),
    "individual.phone": _l("your e-mail address and telephone number"),
    "individual.id_number": _l("your tax or identity number"),
    "individual.ssn_last_4": _l("your tax or identity number"),
    "individual.verification": _l("a document that shows who you are"),
    "business_profile": _l("what you do"),
    "business_type": _l("what you do"),
}


def details(missing: list[str]) -> list[str]:
    """Say what Stripe still asks for, each thing once."""
    other = _("other details, which Stripe’s page names")
    found = (
        next((words for start, words in DETAILS.items() if key.startswith(start)), other)
        for key in missing
    )
    return list(dict.fromkeys(map(str, found)))
