"""What states, moves and reasons of money are called on pages, in whole words."""

from typing import Any

from babel.dates import get_day_names
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l

from core import formats
from core.money import Money
from payouts import books_words, ledger
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
    "lost/budget": _l("Payment lost to the bank, from the budget"),
    "lost/loss": _l("Payment lost to the bank, borne by the platform"),
    "returned/budget": _l("Lost payment given back to the budget"),
    "returned/loss": _l("Lost payment given back to the platform"),
    "completed/pay": _l("Accepted in full after all: rest of the pay"),
    "completed/fee": _l("Accepted in full after all: rest of the fee"),
}
MOVES |= {
    "given/pay": _l("Bonus"),
    "given/fee": _l("Bonus: fee"),
}
PLACES = {
    "project_budget": _l("Budget"),
    "project_reserve": _l("Reserved"),
    "platform_fees": _l("Platform fee"),
    "clearing": _l("Your payment"),
    "disputes": _l("Your bank"),
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
FINDINGS = books_words.FINDINGS
HELD_UP_STATES = (PayoutState.READY, PayoutState.WAITING_FUNDS, PayoutState.BLOCKED)
# By the reason of a payout that has not left.
HELD_UP = {
    "books_differ": _l(
        "Our books and Stripe’s differ in this currency, and nothing leaves until we know why. The"
        " operators are looking into it. What is owed to you stays owed, and leaves by itself."
    ),
    "negative_balance": _l(
        "Your account at Stripe is below zero, so it would keep the money instead of sending it to"
        " your bank. The amount stays owed to you, and leaves once your account is at zero or"
        " above."
    ),
    "rail_away": _l("Stripe cannot be reached at the moment. We try again by ourselves."),
}


# Lines that were booked under the rail's own id, by what was written and the name within them.
RAIL_MOVES = {
    "payment disputed/amount": _l("Taken back by the bank"),
    "payment disputed/fee": _l("Stripe’s fee for the dispute"),
    "disputed payment given back/amount": _l("Given back by the bank"),
    "disputed payment given back/fee": _l("Stripe’s fee for the dispute, given back"),
    "payout taken back, owed again/amount": _l("Payout taken back, owed again"),
    "second payout taken back/amount": _l("Second payout taken back"),
}


def move(row: Move) -> str:
    """Say what a move was for."""
    event, _slash, name = row.reference.rpartition("/")
    if event.startswith("rail:"):
        return str(RAIL_MOVES.get(f"{row.narration}/{name}") or row.narration)
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
    if kind in EXTRA:
        return str(EXTRA_NUMBERED[kind] % {"number": number})
    if kind == "deposit":
        return str(_("Payment %(number)s", number=number))
    if kind == "dispute":
        return str(_("Dispute %(number)s", number=number))
    if kind == "refund":
        return str(_("Refund %(number)s", number=number))
    return row.cause


def of_amount(row: Any) -> str:
    """Say what an amount on the earnings page is for."""
    if row.what in EXTRA:
        return str(EXTRA[row.what])
    if row.what == "credit":
        return str(_("Credit"))
    return str(_("Assignment %(number)s", number=row.row_id) if row.what == "work" else _("Payout"))


EXTRA = {
    "bonus": _l("Bonus"),
    "review": _l("Review"),
    "qualification": _l("Qualification task"),
}
EXTRA_NUMBERED = {
    "bonus": _l("Bonus %(number)s"),
    "review": _l("Review %(number)s"),
    "qualification": _l("Qualification task %(number)s"),
}


def place(kind: str) -> str:
    """Say where money was or went, as an owner sees it."""
    return str(PLACES[kind])


def next_step(row: Any) -> str:
    """Say what happens next with an amount on the earnings page."""
    when = formats.day(row.next_at) if row.next_at else ""
    if row.what == "qualification" and row.state == "active":
        return str(_("Paid when you hand it in"))
    if row.state == "submitted" and when:
        return str(_("Accepted by itself on %(day)s", day=when))
    if row.state == "paid" and when:
        return str(_("At your bank since %(day)s", day=when))
    return str(NEXT[row.state])


def weekday(number: int) -> str:
    """Return the name of a weekday, counted from Monday, in the language of the page."""
    return str(get_day_names("wide", locale=formats.locale())[number])


def waits_for(payout: Payout) -> str:
    """Say why an open payout has not left, and what happens next."""
    if payout.reason in HELD_UP and payout.state in HELD_UP_STATES:
        return str(HELD_UP[payout.reason])
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
    if payout.reason == "needs_approval" and payout.state is PayoutState.READY:
        return str(
            _(
                "A second person looks at large amounts before they leave, usually within a day. "
                "Nothing is lost, and you need not do anything."
            )
        )
    if payout.reason == "withheld" and payout.state is PayoutState.BLOCKED:
        return str(_("Withheld; nothing is lost. The reasons stand in “Decisions about you”."))
    if payout.state is PayoutState.BLOCKED:
        return str(
            _(
                "Your account at Stripe cannot receive money yet. The amount stays owed to you "
                "and leaves on the day you complete your details."
            )
        )
    return str(_("It leaves within a few minutes, by itself."))


# What becomes of what is owed to somebody when payouts are made; `runs.Verdict` has the same keys.
VERDICTS = {
    "paid": _l("Is sent"),
    "approval": _l("Waits for a second person: over the limit"),
    "account": _l("Waits for the expert: their account cannot receive money yet"),
    "withheld": _l("Not paid: payouts are withheld by a decision"),
    "in_hand": _l("Not paid now: another payout of theirs is on its way"),
    "on_demand": _l("Not paid now: this expert asks for payouts"),
    "too_little": _l("Not paid now: below the least amount of a payout"),
    "this_week": _l("Not paid now: this week’s payout was made"),
    "drift": _l("Not paid now: ledger and Stripe differ in this currency"),
    "other_day": _l("Not paid now: paid on another weekday"),
}

# What is stuck, what it means, and what to do.
STUCK = {
    "unknown": (
        _l("Payout whose answer never came"),
        _l("Nothing is sent again until we know. It is looked up by itself, ever less often."),
    ),
    "failed": (
        _l("Payout that Stripe refused"),
        _l("The amount is owed as before, and the next run pays it. See why it was refused."),
    ),
    "bank_refused": (
        _l("Payout that the bank sent back"),
        _l("The money is in the expert’s account at Stripe. The expert has a letter."),
    ),
    "blocked": (
        _l("Payout that waits for the expert"),
        _l("The account at Stripe cannot receive money, or payouts are withheld. See the expert."),
    ),
    "waiting": (
        _l("Payout that has waited for long"),
        _l("Funds at Stripe do not suffice, or no worker runs. See what Stripe has available."),
    ),
    "approval": (
        _l("Payout that waits for a second person"),
        _l("It is over a limit. An operator who did not ask for it agrees or refuses."),
    ),
    "deposit": (
        _l("Payment that is not as asked"),
        _l("It is not in the budget. Compare it with Stripe’s dashboard."),
    ),
    "topup": (
        _l("Charge of a saved card without an answer"),
        _l("It is looked up each minute and never asked for twice. See whether Stripe is away."),
    ),
    "news": (
        _l("Message of Stripe that could not be looked into"),
        _l("See the error of its last try, mend the cause, and look into it again."),
    ),
    "job": (
        _l("Job that was given up"),
        _l("The worker’s log says why. What it should have done is taken up by the sweeps."),
    ),
}

# What became of a message of the rail: words and tone.
NEWS = {
    "waiting": (_l("Not looked into yet"), "wait"),
    "handled": (_l("Looked into"), "ok"),
    "ignored": (_l("Not for us, kept"), "off"),
    "failed": (_l("Failed, needs a person"), "stop"),
}
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
    "project_frozen": _l("A payment of the project is disputed: nothing leaves until it is over."),
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
