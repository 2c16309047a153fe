"""What states, moves and reasons of money are called on pages, in whole words."""

from typing import Any

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l

from core import formats
from core.money import Money
from payouts import ledger
from payouts.models import Move, Payout, PayoutState

# By the last part of a move's event and its own name within it.
MOVES = {
    "paid/amount": _l("Paid in"),
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
