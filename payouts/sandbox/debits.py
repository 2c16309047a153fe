"""SEPA debits: money that a bank takes days to send, or does not send.

The one rule: a debit is decided once, by the clock, and its session is told.
"""

import re

from payouts.sandbox import cards, events, payments
from payouts.sandbox.errors import Refusal
from payouts.sandbox.store import Doc, Tx, new_id

METHOD = "sepa_debit"
# Stripe's test accounts, and whether the bank sends the money.
ACCOUNTS = {
    "DE89370400440532013000": True,
    "FR1420041010050500013M02606": True,
    "AT611904300234573201": True,
    "DE62370400440532013001": False,
    "FR8420041010050500013M02607": False,
    "AT861904300235473202": False,
}
NO_MONEY = "insufficient_funds"
REFUSED = "The customer's account has insufficient funds to cover this payment."


def number(text: str) -> str:
    """Return an account number without the spaces that people put in."""
    return re.sub(r"[\s-]", "", text).upper()


def methods(asked: list[str] | None, currency: str | None) -> list[str]:
    """Return what a session can be paid by: as asked for, or all that its currency allows."""
    if asked is None:
        return ["card", METHOD] if currency == "eur" else ["card"]
    if METHOD in asked and currency != "eur":
        raise Refusal(
            "The payment method type provided: sepa_debit is invalid: it takes payments in eur"
            " only.",
            param="payment_method_types",
        )
    if not asked or set(asked) - {"card", METHOD}:
        raise Refusal("Doyen's sandbox takes card and sepa_debit.", param="payment_method_types[0]")
    return asked


def start(tx: Tx, intent: Doc, iban: str, email: str | None) -> Doc:
    """Ask a bank for the money of an intent, and return the charge that waits for it."""
    if iban not in ACCOUNTS:
        raise Refusal("The IBAN is not one of the test accounts.", code="invalid_bank_account_iban")
    charge = payments.new_charge(intent, cards.Card(), iban, tx.now, email)
    charge.update(
        id=new_id("py_"),
        paid=False,
        status="pending",
        payment_method_details={"type": METHOD, METHOD: _details(iban)},
    )
    charge["_"]["debit"] = {"arrives": ACCOUNTS[iban], "due": tx.now + tx.settings.debit_seconds}
    tx.add(charge, kind="charge")
    intent.update(
        status="processing", latest_charge=charge["id"], payment_method=charge["payment_method"]
    )
    tx.save(intent)
    events.emit(tx, "charge.pending", charge)
    events.emit(tx, "payment_intent.processing", intent)
    return charge


def move_on(tx: Tx) -> None:
    """Let banks answer whose time has come."""
    for charge in tx.all("charge", account="", status="pending"):
        debit = charge["_"].get("debit")
        if debit and debit["due"] <= tx.now:
            _decide(tx, charge, arrives=debit["arrives"])


def _decide(tx: Tx, charge: Doc, *, arrives: bool) -> None:
    intent = tx.get("payment_intent", charge["payment_intent"])
    assert intent is not None  # an intent is never removed
    if arrives:
        charge.update(paid=True, status="succeeded")
        payments.paid(tx, intent, charge, waits=tx.settings.settlement_seconds, what="payment")
    else:
        _fail(tx, intent, charge)
    for session in tx.all("checkout.session", payment_intent=intent["id"]):
        if arrives:
            session["payment_status"] = "paid"
        tx.save(session)
        end = "succeeded" if arrives else "failed"
        events.emit(tx, f"checkout.session.async_payment_{end}", session)


def _fail(tx: Tx, intent: Doc, charge: Doc) -> None:
    charge.update(
        status="failed",
        captured=False,
        amount_captured=0,
        failure_code=NO_MONEY,
        failure_message=REFUSED,
        outcome={**charge["outcome"], "network_status": "declined_by_network"},
    )
    tx.save(charge)
    error = {
        "charge": charge["id"],
        "code": "payment_intent_payment_attempt_failed",
        "message": REFUSED,
        "type": "invalid_request_error",
    }
    intent.update(status="requires_payment_method", payment_method=None, last_payment_error=error)
    tx.save(intent)
    events.emit(tx, "charge.failed", charge)
    events.emit(tx, "payment_intent.payment_failed", intent)


def _details(iban: str) -> Doc:
    return {
        "bank_code": iban[4:12],
        "branch_code": None,
        "country": iban[:2],
        "fingerprint": new_id("")[:16],
        "last4": iban[-4:],
        "mandate": new_id("mandate_"),
    }
