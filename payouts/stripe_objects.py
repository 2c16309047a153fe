"""What Stripe's objects mean in our words. Pure: plain dictionaries in, our own types out."""

from datetime import UTC, datetime
from typing import Any, TypeGuard

from core.money import Money
from core.ports import (
    BankTransfer,
    CardSetup,
    Checkout,
    PayeeStatus,
    RailEntry,
    RailNews,
    SavedCard,
)

Doc = dict[str, Any]
V2_STATES = {"active": "active", "pending": "pending", "restricted": "restricted"}
BANK_STATES = {"paid": "paid", "failed": "refused", "canceled": "refused"}
V1_STATES = {"active": "active", "pending": "pending"}


def is_doc(value: Any) -> TypeGuard[Doc]:
    """Whether Stripe sent the object itself and not only its id."""
    return isinstance(value, dict)


def checkout(doc: Doc) -> Checkout:
    """Read a checkout session with its payment expanded."""
    amount = Money(doc["amount_total"], doc["currency"])
    intent = doc.get("payment_intent")
    charge = intent.get("latest_charge") if is_doc(intent) else None
    line = charge.get("balance_transaction") if is_doc(charge) else None
    return Checkout(
        id=doc["id"],
        url=doc.get("url") or "",
        state=_checkout_state(doc, intent, line),
        amount=amount,
        charge_id=charge["id"] if is_doc(charge) else None,
        fee=_fee(line, amount.currency),
    )


def _checkout_state(doc: Doc, intent: Any, line: Any) -> Any:
    if doc["status"] != "complete":
        return doc["status"]  # open, expired
    if doc["payment_status"] != "unpaid":
        return "paid" if is_doc(line) else "processing"
    failed = is_doc(intent) and intent["status"] in ("requires_payment_method", "canceled")
    return "failed" if failed else "processing"


def card_setup(doc: Doc) -> CardSetup:
    """Read a checkout session that saves a card, with its setup intent expanded."""
    intent = doc.get("setup_intent")
    method = intent.get("payment_method") if is_doc(intent) else None
    customer = doc.get("customer")
    return CardSetup(
        id=doc["id"],
        url=doc.get("url") or "",
        state=doc["status"],
        customer_id=customer["id"] if is_doc(customer) else customer,
        card=saved_card(method) if is_doc(method) else None,
    )


def saved_card(doc: Doc) -> SavedCard:
    """Read a payment method."""
    card = doc.get("card") or {}
    expires = f"{card.get('exp_month', 0):02}/{card.get('exp_year', 0)}"
    return SavedCard(doc["id"], card.get("brand", ""), card.get("last4", ""), expires)


def saved_charge(doc: Doc) -> Checkout:
    """Read a payment intent by which a saved card was charged."""
    amount = Money(doc["amount"], doc["currency"])
    charge = doc.get("latest_charge")
    line = charge.get("balance_transaction") if is_doc(charge) else None
    return Checkout(
        id=doc["id"],
        url="",
        state=_charge_state(doc["status"], line),
        amount=amount,
        charge_id=charge["id"] if is_doc(charge) else None,
        fee=_fee(line, amount.currency),
        trouble=_trouble(doc.get("last_payment_error") or {}),
    )


def declined(error: Doc, amount: Money) -> Checkout:
    """Read the error that a saved card was declined with."""
    intent = error.get("payment_intent") or {}
    return Checkout(intent.get("id", ""), "", "failed", amount, trouble=_trouble(error))


def _charge_state(status: str, line: Any) -> Any:
    if status == "succeeded":
        return "paid" if is_doc(line) else "processing"
    return "processing" if status == "processing" else "failed"


def _trouble(error: Doc) -> str | None:
    """Return the narrower of the two codes: insufficient_funds says more than card_declined."""
    return error.get("decline_code") or error.get("code")


def _fee(line: Any, code: str) -> Money | None:
    # After a conversion the fee is in another currency, which only a person can book.
    if not is_doc(line) or line["currency"] != code:
        return None
    return Money(line["fee"], code)


def payee_v2(doc: Doc) -> PayeeStatus:
    """Read an account of Accounts v2."""
    recipient = (doc.get("configuration") or {}).get("recipient") or {}
    balance = (recipient.get("capabilities") or {}).get("stripe_balance") or {}
    status = (balance.get("stripe_transfers") or {}).get("status", "pending")
    entries = (doc.get("requirements") or {}).get("entries") or []
    missing = [
        entry["description"] for entry in entries if entry.get("awaiting_action_from") == "user"
    ]
    state: Any = V2_STATES.get(status, "restricted")
    if doc.get("closed"):
        state = "closed"
    elif state != "active" and any(_is_first(entry) for entry in entries):
        state = "started"
    return PayeeStatus(doc["id"], state, tuple(missing))


def payee_v1(doc: Doc) -> PayeeStatus:
    """Read an account of the first API."""
    status = (doc.get("capabilities") or {}).get("transfers", "pending")
    requirements = doc.get("requirements") or {}
    state: Any = V1_STATES.get(status, "restricted")
    if not doc.get("details_submitted"):
        state = "started"
    elif state == "active" and not doc.get("payouts_enabled"):
        state = "restricted"
    banks = (doc.get("external_accounts") or {}).get("data") or [{}]
    missing = tuple(requirements.get("currently_due") or [])
    return PayeeStatus(doc["id"], state, missing, banks[0].get("last4"))


def _is_first(entry: Doc) -> bool:
    """Whether the person has yet to give this for the first time."""
    return any(why.get("code") == "routine_onboarding" for why in entry["requested_reasons"])


def bank_transfer(payout: Doc, carried: list[Doc]) -> BankTransfer:
    """Read a payout to a bank and the balance transactions that it is made of."""
    sources = [line.get("source") for line in carried]
    transfers = [source.get("source_transfer") for source in sources if is_doc(source)]
    state: Any = BANK_STATES.get(payout["status"], "on_its_way")
    return BankTransfer(
        id=payout["id"],
        state=state,
        amount=Money(payout["amount"], payout["currency"]),
        made_at=datetime.fromtimestamp(payout["created"], UTC),
        transfer_ids=tuple(filter(None, transfers)),
    )


def entry(line: Doc) -> RailEntry:
    """Read a balance transaction."""
    source = line.get("source")
    marks = source.get("metadata") or {} if is_doc(source) else {}
    return RailEntry(
        id=line["id"],
        kind=line["type"],
        net=Money(line["net"], line["currency"]),
        source_id=source["id"] if is_doc(source) else source,
        reference=marks.get("reference"),
        at=datetime.fromtimestamp(line["created"], UTC),
    )


def news(doc: Doc) -> RailNews:
    """Read an event, a snapshot or a thin one."""
    if doc["object"] == "v2.core.event":
        about = doc.get("related_object") or {}
        at = datetime.fromisoformat(doc["created"])
        return RailNews(doc["id"], doc["type"], about.get("id", ""), about.get("id"), None, at)
    about = doc["data"]["object"]
    return RailNews(
        id=doc["id"],
        kind=doc["type"],
        object_id=about.get("id") or "",
        account_id=doc.get("account"),
        reference=(about.get("metadata") or {}).get("reference"),
        at=datetime.fromtimestamp(doc["created"], UTC),
    )
