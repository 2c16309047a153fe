"""Customers and the cards that they have saved, so that these can be charged while nobody is there.

The one rule: a card is saved once, on a page, for one customer; when it is detached it is never
charged again.
"""

from payouts.sandbox import cards, events
from payouts.sandbox.calls import Call, Routes
from payouts.sandbox.errors import Declined, Refusal, missing
from payouts.sandbox.params import EXPAND, MAP, merged
from payouts.sandbox.store import Doc, Tx, new_id

routes = Routes()

CREATE = {"description": str, "email": str, "metadata": MAP, "name": str, "phone": str, **EXPAND}


@routes.post("/v1/customers", CREATE)
def create(call: Call) -> Doc:
    """Open a customer."""
    if call.account:
        raise Refusal("Doyen's sandbox has customers of the platform only.")
    asked = call.params
    said = {name: asked.get(name) for name in ("description", "email", "name", "phone")}
    customer: Doc = {
        "id": new_id("cus_"),
        "object": "customer",
        "address": None,
        "balance": 0,
        "created": call.tx.now,
        "currency": None,
        "default_source": None,
        "delinquent": False,
        "discount": None,
        "invoice_prefix": new_id("")[:8].upper(),
        "invoice_settings": {
            "custom_fields": None,
            "default_payment_method": None,
            "footer": None,
            "rendering_options": None,
        },
        "livemode": False,
        "metadata": merged({}, asked.get("metadata", {})),
        "preferred_locales": [],
        "shipping": None,
        "tax_exempt": "none",
        "test_clock": None,
        **said,
    }
    call.tx.add(customer, kind="customer")
    events.emit(call.tx, "customer.created", customer)
    return customer


@routes.get("/v1/customers/<id_>", EXPAND)
def retrieve(call: Call, id_: str) -> Doc:
    """Return one customer."""
    return call.find("customer", id_)


@routes.get("/v1/payment_methods/<id_>", EXPAND)
def retrieve_method(call: Call, id_: str) -> Doc:
    """Return one saved card."""
    return call.find("payment_method", id_)


@routes.post("/v1/payment_methods/<id_>/attach", {"customer": str, **EXPAND})
def attach(call: Call, id_: str) -> Doc:
    """Save one of Stripe's test cards for a customer without the page, as a person would."""
    whose = call.params.get("customer", "")
    customer = call.tx.get("customer", whose, account=call.account)
    if customer is None:
        raise missing("customer", whose, param="customer", status=400)
    if id_ not in cards.METHODS:
        raise Refusal("Doyen's sandbox saves its test cards only, such as pm_card_visa.")
    digits = cards.METHODS[id_]
    card = cards.find(digits)
    if card.refused:
        raise cards.declined(card)
    method = _method(call.tx, customer["id"], card, digits, None)
    events.emit(call.tx, "payment_method.attached", method)
    return method


@routes.post("/v1/payment_methods/<id_>/detach", EXPAND)
def detach(call: Call, id_: str) -> Doc:
    """Take a card away from its customer, for ever."""
    method = call.find("payment_method", id_)
    if method["customer"] is None:
        raise Refusal(
            "The payment method you provided is not attached to a customer so detachment is"
            " impossible."
        )
    method["customer"] = None
    call.tx.save(method)
    events.emit(call.tx, "payment_method.detached", method)
    return method


@routes.get("/v1/setup_intents/<id_>", {"client_secret": str, **EXPAND})
def retrieve_intent(call: Call, id_: str) -> Doc:
    """Return what became of the saving of a card."""
    return call.find("setup_intent", id_)


def new_intent(tx: Tx, customer: str | None, asked: Doc) -> Doc:
    """Open the saving of a card."""
    id_ = new_id("seti_")
    intent = {
        "id": id_,
        "object": "setup_intent",
        "application": None,
        "automatic_payment_methods": None,
        "cancellation_reason": None,
        "client_secret": f"{id_}_secret_{new_id('')}",
        "created": tx.now,
        "customer": customer,
        "description": asked.get("description"),
        "flow_directions": None,
        "last_setup_error": None,
        "latest_attempt": None,
        "livemode": False,
        "mandate": None,
        "metadata": merged({}, asked.get("metadata", {})),
        "next_action": None,
        "on_behalf_of": None,
        "payment_method": None,
        "payment_method_options": {"card": {"request_three_d_secure": "automatic"}},
        "payment_method_types": ["card"],
        "single_use_mandate": None,
        "status": "requires_payment_method",
        "usage": "off_session",
    }
    tx.add(intent, kind="setup_intent")
    events.emit(tx, "setup_intent.created", intent)
    return intent


def save_card(tx: Tx, intent: Doc, digits: str, email: str | None) -> Declined | None:
    """Save a card for a customer; return the refusal when the bank does not let it be saved."""
    card = cards.find(digits)
    if card.refused:
        refusal = cards.declined(card)
        intent["last_setup_error"] = refusal.body("")["error"]
        tx.save(intent)
        events.emit(tx, "setup_intent.setup_failed", intent)
        return refusal
    method = _method(tx, intent["customer"], card, digits, email)
    intent.update(status="succeeded", payment_method=method["id"], last_setup_error=None)
    tx.save(intent)
    events.emit(tx, "payment_method.attached", method)
    events.emit(tx, "setup_intent.succeeded", intent)
    return None


def _method(tx: Tx, customer: str | None, card: cards.Card, digits: str, email: str | None) -> Doc:
    about = {"address": None, "email": email, "name": None, "phone": None, "tax_id": None}
    method = {
        "id": new_id("pm_"),
        "object": "payment_method",
        "allow_redisplay": "limited",
        "billing_details": about,
        "card": {
            "brand": card.brand,
            "checks": {
                "address_line1_check": None,
                "address_postal_code_check": None,
                "cvc_check": "pass",
            },
            "country": "FR",
            "display_brand": card.brand,
            "exp_month": 12,
            "exp_year": 1970 + tx.now // 31_556_952 + 3,
            "fingerprint": None,
            "funding": "credit",
            "generated_from": None,
            "last4": digits[-4:],
            "networks": {"available": [card.brand], "preferred": None},
            "three_d_secure_usage": {"supported": True},
            "wallet": None,
        },
        "created": tx.now,
        "customer": customer,
        "livemode": False,
        "metadata": {},
        "type": "card",
        "_": {"digits": digits},
    }
    return tx.add(method, kind="payment_method")
