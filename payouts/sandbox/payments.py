"""Payment intents and charges: how money comes in.

The one rule: an intent is paid once, and `pay` alone pays it.
"""

from payouts.sandbox import captures, cards, disputes, events, lists, money
from payouts.sandbox.calls import Call, Routes
from payouts.sandbox.errors import Declined, Refusal, missing
from payouts.sandbox.params import CREATED, EXPAND, MAP, PAGE, merged
from payouts.sandbox.store import Doc, Tx, new_id

routes = Routes()

_METHODS = {"enabled!": bool, "allow_redirects": {"always", "never"}}
CREATE = {
    "amount!": int,
    "currency!": str,
    "automatic_payment_methods": _METHODS,
    "capture_method": {"automatic", "automatic_async"},
    "confirm": bool,
    "customer": str,
    "description": str,
    "metadata": MAP,
    "off_session": bool,
    "payment_method": str,
    "payment_method_types": [str],
    "receipt_email": str,
    "return_url": str,
    "statement_descriptor": str,
    "statement_descriptor_suffix": str,
    "transfer_group": str,
    **EXPAND,
}


@routes.post("/v1/payment_intents", CREATE)
def create(call: Call) -> Doc:
    """Open an intent, and pay it at once when asked to."""
    asked = call.params
    _only_the_platform(call)
    if asked.get("customer") and call.tx.get("customer", asked["customer"]) is None:
        raise missing("customer", asked["customer"], param="customer", status=400)
    intent = new_intent(call.tx, asked["amount"], money.currency(asked["currency"]), asked)
    if asked.get("confirm"):
        _confirm(call.tx, intent, asked)
    return intent


def _only_the_platform(call: Call) -> None:
    if call.account:
        raise Refusal("Doyen's sandbox takes payments for the platform only.")


def new_intent(tx: Tx, amount: int, currency: str, asked: Doc) -> Doc:
    """Open an intent."""
    money.chargeable(amount, currency)
    id_ = new_id("pi_")
    intent = {
        "id": id_,
        "object": "payment_intent",
        "amount": amount,
        "amount_capturable": 0,
        "amount_details": {"tip": {}},
        "amount_received": 0,
        "application": None,
        "application_fee_amount": None,
        "automatic_payment_methods": asked.get("automatic_payment_methods"),
        "canceled_at": None,
        "cancellation_reason": None,
        "capture_method": asked.get("capture_method", "automatic_async"),
        "client_secret": f"{id_}_secret_{new_id('')}",
        "confirmation_method": "automatic",
        "created": tx.now,
        "currency": currency,
        "customer": asked.get("customer"),
        "description": asked.get("description"),
        "last_payment_error": None,
        "latest_charge": None,
        "livemode": False,
        "metadata": merged({}, asked.get("metadata", {})),
        "next_action": None,
        "on_behalf_of": None,
        "payment_method": asked.get("payment_method"),
        "payment_method_options": {},
        "payment_method_types": asked.get("payment_method_types", ["card"]),
        "processing": None,
        "receipt_email": asked.get("receipt_email"),
        "review": None,
        "setup_future_usage": None,
        "shipping": None,
        "statement_descriptor": asked.get("statement_descriptor"),
        "statement_descriptor_suffix": asked.get("statement_descriptor_suffix"),
        "status": "requires_confirmation"
        if asked.get("payment_method")
        else "requires_payment_method",
        "transfer_data": None,
        "transfer_group": asked.get("transfer_group"),
    }
    tx.add(intent, kind="payment_intent")
    events.emit(tx, "payment_intent.created", intent)
    return intent


def _confirm(tx: Tx, intent: Doc, asked: Doc) -> None:
    method = asked.get("payment_method") or intent["payment_method"]
    if method is None:
        raise Refusal(
            "You cannot confirm this PaymentIntent because it's missing a payment method.",
            code="payment_intent_unexpected_state",
        )
    digits = cards.METHODS.get(method) or _saved(tx, method, intent["customer"])
    intent["payment_method"] = method
    pay(tx, intent, digits, off_session=asked.get("off_session", False))


def _saved(tx: Tx, method: str, customer: str | None) -> str:
    """Return the number of a saved card, which only its customer may be charged by."""
    found = tx.get("payment_method", method)
    if found is None:
        raise Refusal(
            f"No such PaymentMethod: '{method}'", code="resource_missing", param="payment_method"
        )
    if found["customer"] is None:
        raise Refusal(
            "The provided PaymentMethod was previously used with a PaymentIntent without Customer"
            " attachment, or was detached from a Customer. It may not be used again."
        )
    if found["customer"] != customer:
        raise Refusal(
            f"The provided PaymentMethod ({method}) belongs to another Customer.",
            param="payment_method",
        )
    return str(found["_"]["digits"])


def pay(
    tx: Tx, intent: Doc, digits: str, *, email: str | None = None, off_session: bool = False
) -> Doc:
    """Charge a card for an intent and return the charge; a refusal leaves a failed one behind."""
    if intent["status"] not in ("requires_payment_method", "requires_confirmation"):
        raise Refusal(
            f"You cannot confirm this PaymentIntent because it has a status of {intent['status']}.",
            code="payment_intent_unexpected_state",
        )
    card = cards.off_session(cards.find(digits)) if off_session else cards.find(digits)
    charge = new_charge(intent, card, digits, tx.now, email)
    tx.add(charge, kind="charge")
    intent["latest_charge"] = charge["id"]
    intent["payment_method"] = intent["payment_method"] or charge["payment_method"]
    if card.refused:
        raise _refused(tx, intent, charge, card)
    paid(tx, intent, charge, waits=0 if card.at_once else tx.settings.settlement_seconds)
    if card.disputed:
        disputes.open_(tx, charge, reason="fraudulent")
    return charge


def paid(tx: Tx, intent: Doc, charge: Doc, *, waits: int, what: str = "charge") -> None:
    """Take the money of a charge in; it can be used after a while."""
    captures.take(tx, charge, waits=waits, what=what)
    intent.update(status="succeeded", amount_received=charge["amount"], last_payment_error=None)
    tx.save(charge)
    tx.save(intent)
    events.emit(tx, "charge.succeeded", charge)
    events.emit(tx, "payment_intent.succeeded", intent)


def _refused(tx: Tx, intent: Doc, charge: Doc, card: cards.Card) -> Declined:
    refusal = cards.declined(card, charge=charge["id"])
    intent["status"] = "requires_payment_method"
    intent["payment_method"] = None
    intent["last_payment_error"] = refusal.body("")["error"]
    tx.save(intent)
    events.emit(tx, "charge.failed", charge)
    events.emit(tx, "payment_intent.payment_failed", intent)
    refusal.more["payment_intent"] = intent
    return refusal


def new_charge(intent: Doc, card: cards.Card, digits: str, now: int, email: str | None) -> Doc:
    """Return a charge of an intent, not kept yet."""
    works = not card.refused
    message = None if works else cards.declined(card).message
    id_ = new_id("ch_")
    return {
        "id": id_,
        "object": "charge",
        "amount": intent["amount"],
        "amount_captured": intent["amount"] if works else 0,
        "amount_refunded": 0,
        "application": None,
        "application_fee": None,
        "application_fee_amount": None,
        "balance_transaction": None,
        "billing_details": {
            "address": None,
            "email": email,
            "name": None,
            "phone": None,
            "tax_id": None,
        },
        "calculated_statement_descriptor": "DOYEN",
        "captured": works,
        "created": now,
        "currency": intent["currency"],
        "customer": intent["customer"],
        "description": intent["description"],
        "disputed": False,
        "failure_balance_transaction": None,
        "failure_code": card.refused,
        "failure_message": message,
        "fraud_details": {},
        "livemode": False,
        "metadata": intent["metadata"],
        "on_behalf_of": None,
        "outcome": _outcome(card),
        "paid": works,
        "payment_intent": intent["id"],
        "payment_method": intent["payment_method"] or new_id("pm_"),
        "payment_method_details": {"type": "card", "card": _details(card, digits, now)},
        "receipt_email": intent["receipt_email"],
        "receipt_number": None,
        "receipt_url": None,
        "refunded": False,
        "review": None,
        "shipping": None,
        "source_transfer": None,
        "statement_descriptor": intent["statement_descriptor"],
        "statement_descriptor_suffix": intent["statement_descriptor_suffix"],
        "status": "succeeded" if works else "failed",
        "transfer_data": None,
        "transfer_group": intent["transfer_group"] if works else None,
        "_": {"refund_fails": card.refund_fails, "refund_waits": card.refund_waits},
    }


def _outcome(card: cards.Card) -> Doc:
    works = not card.refused
    return {
        "advice_code": None,
        "network_advice_code": None,
        "network_decline_code": None,
        "network_status": "approved_by_network" if works else "declined_by_network",
        "reason": card.decline_code or card.refused,
        "risk_level": "normal",
        "risk_score": 20,
        "seller_message": "Payment complete." if works else "The bank declined the payment.",
        "type": "authorized" if works else "issuer_declined",
    }


def _details(card: cards.Card, digits: str, now: int) -> Doc:
    return {
        "brand": card.brand,
        "country": "FR",
        "exp_month": 12,
        "exp_year": 1970 + now // 31_556_952 + 3,
        "fingerprint": None,
        "funding": "credit",
        "last4": digits[-4:],
        "network": card.brand,
        "three_d_secure": None,
        "wallet": None,
    }


_CONFIRM = {"payment_method": str, "return_url": str, "receipt_email": str, **EXPAND}


@routes.post("/v1/payment_intents/<id_>/confirm", _CONFIRM)
def confirm(call: Call, id_: str) -> Doc:
    """Pay an intent."""
    intent = call.find("payment_intent", id_)
    _confirm(call.tx, intent, call.params)
    return intent


_REASONS = {"abandoned", "duplicate", "fraudulent", "requested_by_customer"}


@routes.post("/v1/payment_intents/<id_>/cancel", {"cancellation_reason": _REASONS, **EXPAND})
def cancel(call: Call, id_: str) -> Doc:
    """Give up an intent that has not been paid."""
    intent = call.find("payment_intent", id_)
    if intent["status"] in ("succeeded", "canceled"):
        raise Refusal(
            f"You cannot cancel this PaymentIntent because it has a status of {intent['status']}.",
            code="payment_intent_unexpected_state",
        )
    intent.update(
        status="canceled",
        canceled_at=call.tx.now,
        cancellation_reason=call.params.get("cancellation_reason"),
    )
    call.tx.save(intent)
    events.emit(call.tx, "payment_intent.canceled", intent)
    return intent


@routes.get("/v1/payment_intents/<id_>", {"client_secret": str, **EXPAND})
def retrieve(call: Call, id_: str) -> Doc:
    """Return one intent."""
    return call.find("payment_intent", id_)


@routes.get("/v1/payment_intents", {"created": CREATED, "customer": str, **PAGE})
def listing(call: Call) -> Doc:
    """List the intents."""
    return lists.page(call, "payment_intent", where={"customer": call.params.get("customer")})


@routes.get("/v1/charges/<id_>", EXPAND)
def retrieve_charge(call: Call, id_: str) -> Doc:
    """Return one charge."""
    return call.find("charge", id_)


_CHARGES = {"created": CREATED, "payment_intent": str, "transfer_group": str, **PAGE}


@routes.get("/v1/charges", _CHARGES)
def list_charges(call: Call) -> Doc:
    """List the charges."""
    where = {name: call.params.get(name) for name in ("payment_intent", "transfer_group")}
    return lists.page(call, "charge", where=where)
