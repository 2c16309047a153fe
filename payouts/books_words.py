"""What lines of Stripe's books, disputes and reversals are called on pages, in whole words."""

from datetime import datetime
from typing import Any

from flask import url_for
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l

from core.states import Shown
from payouts.dispute_models import ReversalCause

KINDS: dict[str, Any] = {
    "charge": _l("Payment of an owner"),
    "payment": _l("Payment of an owner"),
    "refund": _l("Refund"),
    "payment_refund": _l("Refund"),
    "refund_failure": _l("Refund that did not arrive"),
    "payment_failure_refund": _l("Payment that failed later"),
    "transfer": _l("Transfer to an expert"),
    "transfer_refund": _l("Transfer taken back"),
    "adjustment": _l("Dispute, or another correction"),
    "stripe_fee": _l("Fee billed apart"),
    "stripe_fx_fee": _l("Fee for a conversion"),
    "tax_fee": _l("Tax on fees"),
    "payout": _l("Sent to the platform’s bank"),
    "payout_failure": _l("Sent back by the platform’s bank"),
    "payout_cancel": _l("Transfer to the platform’s bank canceled"),
    "topup": _l("Top-up by the platform"),
    "topup_reversal": _l("Top-up taken back"),
    "connect_collection_transfer": _l("An expert’s account filled up from ours"),
    "reserve_transaction": _l("Kept back by Stripe"),
    "reserved_funds": _l("Kept back by Stripe"),
    "reserve_hold": _l("Kept back by Stripe"),
    "reserve_release": _l("Given free by Stripe"),
}
LINE_STATES: dict[str, Shown] = {
    "booked": Shown(_l("In our books"), "check-circle", "ok"),
    "waiting": Shown(_l("On its way to our books"), "hourglass-split", "info"),
    "reserved": Shown(_l("Kept back, still ours"), "lock", "info"),
    "differs": Shown(_l("Another amount in our books"), "exclamation-octagon", "stop"),
    "foreign": Shown(_l("Not in our books"), "question-circle", "stop"),
}
FINDINGS: dict[str, Any] = {
    "deposit": _l("A payment that Stripe has and our books do not have yet"),
    "payout": _l("A payout that Stripe has made and our books do not have yet"),
    "reversal": _l("A transfer that was taken back at Stripe by hand"),
    "refund": _l("A refund that Stripe has made and our books do not have yet"),
    "foreign": _l("Something at Stripe that this instance did not cause"),
    "reserved": _l("Money that Stripe keeps back for a while"),
    "differs": _l("An amount that differs between Stripe and our books"),
    "deposit_missing": _l("A payment in our books that Stripe does not have"),
    "payout_missing": _l("A payout in our books that Stripe does not have"),
    "refund_missing": _l("A refund in our books that Stripe does not have"),
    "line_missing": _l("A line in our books that Stripe does not have"),
    "rest": _l("A rest that nothing accounts for"),
}
DISPUTE_STATES: dict[str, Shown] = {
    "warning_needs_response": Shown(_l("The bank asks"), "question-circle", "wait"),
    "warning_under_review": Shown(_l("The bank reads our answer"), "eye", "info"),
    "warning_closed": Shown(_l("Only a question, closed"), "dash-circle", "off"),
    "needs_response": Shown(_l("Evidence needed"), "exclamation-octagon", "stop"),
    "under_review": Shown(_l("The bank reads our evidence"), "eye", "info"),
    "won": Shown(_l("Won"), "check-circle", "ok"),
    "lost": Shown(_l("Lost"), "x-octagon", "stop"),
    "prevented": Shown(_l("Settled before it began"), "dash-circle", "off"),
}
# docs.stripe.com/disputes/categories
DISPUTE_REASONS: dict[str, Any] = {
    "bank_cannot_process": _l("The bank cannot process the payment"),
    "check_returned": _l("The cheque was returned"),
    "credit_not_processed": _l("A refund was promised and did not come"),
    "customer_initiated": _l("The payer asked the bank for the money"),
    "debit_not_authorized": _l("The payer did not allow the debit"),
    "duplicate": _l("Paid twice"),
    "fraudulent": _l("The payer says they did not pay this"),
    "general": _l("Another reason"),
    "incorrect_account_details": _l("The account details are not right"),
    "insufficient_funds": _l("The payer’s account had too little money"),
    "noncompliant": _l("Against the rules of the card network"),
    "product_not_received": _l("The service was not received"),
    "product_unacceptable": _l("The service was not as promised"),
    "subscription_canceled": _l("A subscription went on after its end"),
    "unrecognized": _l("The payer does not recognise the payment"),
}
REVERSAL_STATES: dict[str, Shown] = {
    "proposed": Shown(_l("Waits for a second person"), "person-exclamation", "wait"),
    "withdrawn": Shown(_l("Proposal withdrawn"), "arrow-return-left", "off"),
    "asking": Shown(_l("Stripe is being asked"), "send", "info"),
    "done": Shown(_l("Money taken back"), "check-circle", "ok"),
    "refused": Shown(_l("Refused by Stripe"), "x-octagon", "stop"),
    "found": Shown(_l("Made at Stripe by hand"), "question-circle", "stop"),
}
GOES_TO: dict[str, Any] = {
    ReversalCause.NOT_REACHED: _l("It is owed to the expert again."),
    ReversalCause.SENT_TWICE: _l("It makes good the platform’s loss."),
}
REFUSALS: dict[str, Any] = {
    "balance_insufficient": _l(
        "The expert’s account at Stripe does not hold enough: the money has gone on to the bank."
    ),
}


def kind(code: str) -> str:
    """Say what a line is."""
    return str(KINDS.get(code) or code.replace("_", " "))


def reason(code: str) -> str:
    """Say why a bank asks a payment back."""
    return str(DISPUTE_REASONS.get(code) or code.replace("_", " "))


def refusal(code: str | None) -> str:
    """Say why Stripe has refused to take a transfer back."""
    found = REFUSALS.get(code or "")
    return str(found or _("Stripe’s reason: %(code)s.", code=code or "–"))


def subject(name: str | None) -> str:
    """Say which row of ours a line belongs to."""
    word, _colon, number = (name or "").partition(":")
    said = {
        "deposit": _("Payment %(number)s", number=number),
        "payout": _("Payout %(number)s", number=number),
        "dispute": _("Dispute %(number)s", number=number),
        "reversal": _("Payout taken back, number %(number)s", number=number),
        "refund": _("Refund %(number)s", number=number),
        "rail_entry": _("The platform’s own act"),
    }
    return str(said.get(word) or name or "–")


def subject_url(name: str | None) -> str | None:
    """Return the operator's page of a row, where there is one."""
    word, _colon, number = (name or "").partition(":")
    if not number.isdecimal():
        return None
    if word == "dispute":
        return url_for("payouts.dispute", dispute_id=int(number))
    if word == "payout":
        return url_for("payouts.take_back", payout_id=int(number))
    if word == "reversal":
        return url_for("payouts.reversals_list")
    return None


def stamp(at: datetime | None) -> str:
    """Return a time as a form carries it."""
    return at.isoformat() if at else ""
