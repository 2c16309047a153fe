"""Checkout sessions: a hosted page on which somebody pays once, or saves a card.

The one rule: a session is open, then complete or expired, and never anything else again.
"""

from typing import Any

from payouts.sandbox import customers, debits, events, lists, money, payments
from payouts.sandbox.calls import Call, Routes
from payouts.sandbox.errors import Declined, Refusal, missing
from payouts.sandbox.params import CREATED, EXPAND, MAP, PAGE, merged, words
from payouts.sandbox.settings import DAY
from payouts.sandbox.store import Doc, Tx, new_id
from payouts.sandbox.urls import web_address

routes = Routes()

LOCALES = {"auto", "en", "en-GB", "fr", "fr-CA"}
_PRICE = {
    "currency!": str,
    "unit_amount!": int,
    "product_data!": {"name!": str, "description": str, "metadata": MAP},
}
CREATE = {
    "mode!": {"payment", "setup", "subscription"},
    "success_url": str,
    "cancel_url": str,
    "line_items": [{"price_data": _PRICE, "price": str, "quantity": int}],
    "client_reference_id": str,
    "currency": str,
    "customer": str,
    "customer_email": str,
    "expires_at": int,
    "locale": str,
    "metadata": MAP,
    "payment_intent_data": {
        "description": str,
        "metadata": MAP,
        "receipt_email": str,
        "transfer_group": str,
        "statement_descriptor": str,
        "statement_descriptor_suffix": str,
    },
    "payment_method_types": [str],
    "setup_intent_data": {"description": str, "metadata": MAP},
    "submit_type": {"auto", "book", "donate", "pay", "subscribe"},
    "ui_mode": {"elements", "embedded_page", "hosted_page"},
    **EXPAND,
}


@routes.post("/v1/checkout/sessions", CREATE)
def create(call: Call) -> Doc:
    """Open a session and say where its page is."""
    tx, asked = call.tx, call.params
    _check(call)
    if asked["mode"] == "setup":
        return _create_setup(call)
    items = [_item(tx, each, number) for number, each in enumerate(asked["line_items"])]
    codes = {item["currency"] for item in items}
    if len(codes) > 1:
        raise Refusal("All line items must have the same currency.", param="line_items")
    total = sum(item["amount_total"] for item in items)
    code = codes.pop()
    money.chargeable(total, code, "line_items")
    id_ = new_id("cs_test_a1")
    session = _session(tx, id_, asked, total, code)
    session["url"] = f"{call.base_url}/pay/{id_}"
    session["_"] = {
        "line_items": lists.whole(f"/v1/checkout/sessions/{id_}/line_items", items),
        "intent": asked.get("payment_intent_data", {}),
        "receipts": f"{call.base_url}/receipt/",
    }
    return tx.add(session, kind="checkout.session")


def _create_setup(call: Call) -> Doc:
    """Open a session on which a card is saved and nothing is paid."""
    tx, asked = call.tx, call.params
    intent = customers.new_intent(tx, asked.get("customer"), asked.get("setup_intent_data", {}))
    code = money.currency(asked["currency"], "currency") if asked.get("currency") else None
    id_ = new_id("cs_test_c1")
    session = _session(tx, id_, asked, None, code)
    session.update(
        mode="setup",
        customer=asked.get("customer"),
        customer_creation=None,
        payment_method_collection="always",
        payment_status="no_payment_required",
        setup_intent=intent["id"],
        total_details=None,
        url=f"{call.base_url}/pay/{id_}",
    )
    session["_"] = {
        "line_items": lists.whole(f"/v1/checkout/sessions/{id_}/line_items", []),
        "intent": {},
    }
    return tx.add(session, kind="checkout.session")


def _check(call: Call) -> None:
    asked, now = call.params, call.tx.now
    if call.account:
        raise Refusal("Doyen's sandbox takes payments for the platform only.")
    if asked["mode"] == "subscription" or asked.get("ui_mode", "hosted_page") != "hosted_page":
        raise Refusal("Doyen's sandbox has hosted pages for payments only.", param="mode")
    _check_mode(call)
    if not asked.get("success_url"):
        raise Refusal(
            "Missing required param: success_url.", code="parameter_missing", param="success_url"
        )
    for name in ("success_url", "cancel_url"):
        if asked.get(name):
            web_address(asked[name], name)
    if not now + 30 * 60 - 60 <= asked.get("expires_at", now + DAY) <= now + DAY + 60:
        raise Refusal(
            "The `expires_at` timestamp must be between 30 minutes and 24 hours from Checkout"
            " Session creation.",
            param="expires_at",
        )
    if asked.get("locale", "auto") not in LOCALES:
        raise Refusal(f"Doyen's sandbox has pages in {', '.join(sorted(LOCALES))}.", param="locale")


def _check_mode(call: Call) -> None:
    asked = call.params
    if asked.get("customer") and call.tx.get("customer", asked["customer"]) is None:
        raise missing("customer", asked["customer"], param="customer", status=400)
    if asked["mode"] == "setup":
        if asked.get("line_items"):
            raise Refusal("You can not pass `line_items` in `setup` mode.", param="line_items")
        if not asked.get("currency") and not asked.get("payment_method_types"):
            raise Refusal(
                "Missing required param: currency.", code="parameter_missing", param="currency"
            )
    elif not asked.get("line_items"):
        raise Refusal(
            "Missing required param: line_items.", code="parameter_missing", param="line_items"
        )


def _item(tx: Tx, asked: Doc, number: int) -> Doc:
    at = f"line_items[{number}]"
    if "price_data" not in asked:
        param = "price" if "price" in asked else "price_data"
        raise Refusal("Doyen's sandbox needs `price_data`.", param=f"{at}[{param}]")
    price, quantity = asked["price_data"], asked.get("quantity", 1)
    money.at_least_one(quantity, f"{at}[quantity]")
    amount = money.at_least_one(price["unit_amount"], f"{at}[price_data][unit_amount]")
    code = money.currency(price["currency"], f"{at}[price_data][currency]")
    return {
        "id": new_id("li_"),
        "object": "item",
        "amount_discount": 0,
        "amount_subtotal": amount * quantity,
        "amount_tax": 0,
        "amount_total": amount * quantity,
        "currency": code,
        "description": price["product_data"]["name"],
        "price": _price(tx, amount, code),
        "quantity": quantity,
        "_": {"more": price["product_data"].get("description", "")},
    }


def _price(tx: Tx, amount: int, code: str) -> Doc:
    return {
        "id": new_id("price_"),
        "object": "price",
        "active": False,
        "billing_scheme": "per_unit",
        "created": tx.now,
        "currency": code,
        "custom_unit_amount": None,
        "livemode": False,
        "lookup_key": None,
        "metadata": {},
        "nickname": None,
        "product": new_id("prod_"),
        "recurring": None,
        "tax_behavior": "unspecified",
        "tiers_mode": None,
        "transform_quantity": None,
        "type": "one_time",
        "unit_amount": amount,
        "unit_amount_decimal": str(amount),
    }


def _session(tx: Tx, id_: str, asked: Doc, total: int | None, code: str | None) -> Doc:
    empty: dict[str, Any] = dict.fromkeys(
        words(
            "after_expiration allow_promotion_codes billing_address_collection"
            " collected_information consent consent_collection currency_conversion customer"
            " customer_account customer_details client_secret invoice origin_context"
            " payment_intent payment_link recovered_from setup_intent"
            " shipping_address_collection shipping_cost subscription wallet_options"
        )
    )
    return {
        **empty,
        "id": id_,
        "object": "checkout.session",
        "adaptive_pricing": {"enabled": False},
        "amount_subtotal": total,
        "amount_total": total,
        "automatic_tax": {"enabled": False, "liability": None, "provider": None, "status": None},
        "cancel_url": asked.get("cancel_url"),
        "client_reference_id": asked.get("client_reference_id"),
        "created": tx.now,
        "currency": code,
        "custom_fields": [],
        "custom_text": dict.fromkeys(
            ["after_submit", "shipping_address", "submit", "terms_of_service_acceptance"]
        ),
        "customer_creation": "if_required",
        "customer_email": asked.get("customer_email"),
        "discounts": [],
        "expires_at": asked.get("expires_at", tx.now + DAY),
        "invoice_creation": None,
        "livemode": False,
        "locale": asked.get("locale"),
        "metadata": merged({}, asked.get("metadata", {})),
        "mode": "payment",
        "payment_method_collection": "if_required",
        "payment_method_configuration_details": None,
        "payment_method_options": {},
        "payment_method_types": debits.methods(asked.get("payment_method_types"), code),
        "payment_status": "unpaid",
        "permissions": None,
        "phone_number_collection": {"enabled": False},
        "redirect_on_completion": "always",
        "saved_payment_method_options": None,
        "shipping_options": [],
        "status": "open",
        "submit_type": asked.get("submit_type"),
        "success_url": asked["success_url"],
        "total_details": {"amount_discount": 0, "amount_shipping": 0, "amount_tax": 0},
        "ui_mode": "hosted_page",
        "url": None,
    }


def pay(tx: Tx, session: Doc, digits: str, email: str | None) -> Declined | None:
    """Charge a card for an open session; return the refusal when the card says no."""
    if session["status"] != "open":
        raise Refusal("This Checkout Session is no longer open.")
    if session["mode"] == "setup":
        saving = tx.get("setup_intent", session["setup_intent"])
        assert saving is not None  # an intent is never removed
        refusal = customers.save_card(tx, saving, digits, email)
        if refusal is None:
            _complete(tx, session, email)
        return refusal
    intent = _intent(tx, session)
    try:
        charge = payments.pay(tx, intent, digits, email=email)
    except Declined as refusal:
        tx.save(session)
        return refusal
    _give_receipt(tx, session, charge)
    _complete(tx, session, email)
    return None


def pay_by_debit(tx: Tx, session: Doc, iban: str, email: str | None) -> None:
    """Ask a bank for the money of an open session; whether it comes is known days later."""
    if session["status"] != "open":
        raise Refusal("This Checkout Session is no longer open.")
    if debits.METHOD not in session["payment_method_types"]:
        raise Refusal("This Checkout Session is not paid by debit.")
    charge = debits.start(tx, _intent(tx, session), iban, email)
    _give_receipt(tx, session, charge)
    _complete(tx, session, email)


def _intent(tx: Tx, session: Doc) -> Doc:
    intent = tx.get("payment_intent", session["payment_intent"])
    if intent is None:
        asked = {
            **session["_"]["intent"],
            "payment_method_types": session["payment_method_types"],
        }
        intent = payments.new_intent(tx, session["amount_total"], session["currency"], asked)
        session["payment_intent"] = intent["id"]
    return intent


def _give_receipt(tx: Tx, session: Doc, charge: Doc) -> None:
    charge["receipt_url"] = session["_"]["receipts"] + charge["id"]
    tx.save(charge)


def _complete(tx: Tx, session: Doc, email: str | None) -> None:
    intent = (
        tx.get("payment_intent", session["payment_intent"]) if session["payment_intent"] else None
    )
    status = "no_payment_required"
    if intent is not None:
        status = "paid" if intent["status"] == "succeeded" else "unpaid"
    details = dict.fromkeys(
        ["address", "business_name", "individual_name", "name", "phone", "tax_ids"]
    )
    session.update(
        status="complete",
        payment_status=status,
        url=None,
        customer_details={**details, "email": email, "tax_exempt": "none"},
    )
    tx.save(session)
    events.emit(tx, "checkout.session.completed", session)


def expire(tx: Tx, session: Doc) -> Doc:
    """Close a session that has not been paid."""
    session.update(status="expired", url=None)
    tx.save(session)
    events.emit(tx, "checkout.session.expired", session)
    return session


def expire_due(tx: Tx) -> None:
    """Close the sessions whose time is over."""
    for session in tx.all("checkout.session", status="open"):
        if session["expires_at"] <= tx.now:
            expire(tx, session)


@routes.post("/v1/checkout/sessions/<id_>/expire", EXPAND)
def expire_now(call: Call, id_: str) -> Doc:
    """Close a session before its time."""
    session = call.find("checkout.session", id_)
    if session["status"] != "open":
        raise Refusal(
            'Only Checkout Sessions with a status in ["open"] can be expired. This Checkout'
            f" Session has a status of `{session['status']}`."
        )
    return expire(call.tx, session)


@routes.get("/v1/checkout/sessions/<id_>", EXPAND)
def retrieve(call: Call, id_: str) -> Doc:
    """Return one session."""
    return call.find("checkout.session", id_)


@routes.get("/v1/checkout/sessions/<id_>/line_items", PAGE)
def line_items(call: Call, id_: str) -> Doc:
    """Return what is bought, all on one page."""
    found: Doc = call.find("checkout.session", id_)["_"]["line_items"]
    return found


_LIST = {
    "created": CREATED,
    "payment_intent": str,
    "status": {"complete", "expired", "open"},
    **PAGE,
}


@routes.get("/v1/checkout/sessions", _LIST)
def listing(call: Call) -> Doc:
    """List the sessions."""
    where = {name: call.params.get(name) for name in ("payment_intent", "status")}
    return lists.page(call, "checkout.session", where=where)
