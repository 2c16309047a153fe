"""What Stripe's objects mean in our words. Pure: plain dictionaries in, our own types out."""

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any, TypeGuard

from core.money import EXPONENTS, Money
from core.ports import (
    BankTransfer,
    CardSetup,
    Checkout,
    ForeignMoney,
    PayeeStatus,
    RailCharge,
    RailDispute,
    RailEntry,
    RailNews,
    RailRefund,
    RailReversal,
    SavedCard,
)

Doc = dict[str, Any]
V2_STATES = {"active": "active", "pending": "pending", "restricted": "restricted"}
BANK_STATES = {"paid": "paid", "failed": "refused", "canceled": "refused"}
LONGEST_ID = 500  # of a message: what it is kept by has to fit into an index
LONGEST_NAME = 5000
V1_STATES = {"active": "active", "pending": "pending"}
REFUND_STATES = {
    "pending": "pending",
    "requires_action": "needs_person",
    "succeeded": "succeeded",
    "failed": "failed",
    "canceled": "failed",
}


def is_doc(value: Any) -> TypeGuard[Doc]:
    """Whether Stripe sent the object itself and not only its id."""
    return isinstance(value, dict)


def checkout(doc: Doc) -> Checkout:
    """Read a checkout session with its payment expanded."""
    amount = _money(doc["amount_total"], doc["currency"])
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
        method=_method(charge),
        is_settled=_is_settled(line),
        settles_at=_settles_at(line),
        receipt_url=charge.get("receipt_url") if is_doc(charge) else None,
    )


def charge(doc: Doc) -> RailCharge:
    """Read a charge with its balance transaction expanded."""
    line = doc.get("balance_transaction")
    return RailCharge(
        id=doc["id"],
        amount=_money(doc["amount"], doc["currency"]),
        refunded=_money(doc["amount_refunded"], doc["currency"]),
        is_disputed=bool(doc["disputed"]),
        is_settled=is_doc(line) and _is_settled(line),
        settles_at=_settles_at(line),
        receipt_url=doc.get("receipt_url"),
        reference=(doc.get("metadata") or {}).get("reference"),
    )


def refund(doc: Doc) -> RailRefund:
    """Read a refund; a state that we do not know needs a person."""
    state: Any = REFUND_STATES.get(doc["status"], "needs_person")
    return RailRefund(
        id=doc["id"],
        state=state,
        amount=_money(doc["amount"], doc["currency"]),
        has_moved=doc.get("balance_transaction") is not None,
        trouble=doc.get("failure_reason") or doc.get("pending_reason"),
    )


def _method(found: Any) -> str | None:
    details = found.get("payment_method_details") if is_doc(found) else None
    return details.get("type") if is_doc(details) else None


def _is_settled(line: Any) -> bool:
    return not is_doc(line) or line.get("status", "available") == "available"


def _settles_at(line: Any) -> datetime | None:
    at = line.get("available_on") if is_doc(line) else None
    return datetime.fromtimestamp(at, UTC) if at else None


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
    amount = _money(doc["amount"], doc["currency"])
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
    asked = [entry for entry in entries if entry.get("awaiting_action_from") == "user"]
    now_due = [one for one in asked if _deadline(one) != "eventually_due"]
    state: Any = V2_STATES.get(status, "restricted")
    if doc.get("closed"):
        state = "closed"
    elif state != "active" and any(_is_first(entry) for entry in entries):
        state = "started"
    summary = ((doc.get("requirements") or {}).get("summary") or {}).get("minimum_deadline") or {}
    details = (balance.get("stripe_transfers") or {}).get("status_details") or []
    return PayeeStatus(
        doc["id"],
        state,
        missing=_described(now_due),
        overdue=_described(one for one in now_due if _deadline(one) == "past_due"),
        due_later=_described(one for one in asked if one not in now_due),
        due_at=datetime.fromisoformat(summary["time"]) if summary.get("time") else None,
        stopped_for=details[0]["code"] if state == "restricted" and details else None,
    )


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
    deadline = requirements.get("current_deadline")
    later = requirements.get("eventually_due") or []
    return PayeeStatus(
        doc["id"],
        state,
        missing,
        banks[0].get("last4"),
        overdue=tuple(requirements.get("past_due") or []),
        due_later=tuple(code for code in later if code not in missing),
        due_at=datetime.fromtimestamp(deadline, UTC) if deadline else None,
        stopped_for=requirements.get("disabled_reason") if state == "restricted" else None,
    )


def _described(entries: Iterable[Doc]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(entry["description"] for entry in entries))


def _deadline(entry: Doc) -> str:
    return str((entry.get("minimum_deadline") or {}).get("status", "currently_due"))


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
        amount=_money(payout["amount"], payout["currency"]),
        made_at=datetime.fromtimestamp(payout["created"], UTC),
        transfer_ids=tuple(filter(None, transfers)),
        trouble=payout.get("failure_code"),
    )


def entry(line: Doc) -> RailEntry:
    """Read a balance transaction."""
    source = line.get("source")
    marks = source.get("metadata") or {} if is_doc(source) else {}
    return RailEntry(
        id=line["id"],
        kind=line["type"],
        net=_money(line["net"], line["currency"]),
        source_id=source["id"] if is_doc(source) else source,
        reference=marks.get("reference"),
        at=datetime.fromtimestamp(line["created"], UTC),
        fee=Money(line.get("fee", 0), line["currency"]),
        parent_id=source.get("transfer") if is_doc(source) else None,
    )


def dispute(doc: Doc) -> RailDispute:
    """Read a dispute with its charge expanded."""
    charge = doc["charge"]
    marks = charge.get("metadata") or {} if is_doc(charge) else {}
    details = doc["evidence_details"]
    due = details.get("due_by")
    return RailDispute(
        id=doc["id"],
        charge_id=charge["id"] if is_doc(charge) else charge,
        reference=marks.get("reference"),
        amount=_money(doc["amount"], doc["currency"]),
        reason=doc["reason"],
        state=doc["status"],
        has_evidence=bool(details.get("has_evidence")),
        due_at=datetime.fromtimestamp(due, UTC) if due else None,
        opened_at=datetime.fromtimestamp(doc["created"], UTC),
        entries=tuple(entry(line) for line in doc["balance_transactions"]),
    )


def reversal(doc: Doc) -> RailReversal:
    """Read the reversal of a transfer."""
    line = doc["balance_transaction"]
    return RailReversal(
        id=doc["id"],
        entry_id=line["id"] if is_doc(line) else line or "",
        amount=_money(doc["amount"], doc["currency"]),
        reference=(doc.get("metadata") or {}).get("reference"),
        at=datetime.fromtimestamp(doc["created"], UTC),
    )


def _money(minor: int, code: str) -> Money:
    """Return an amount, or raise `ForeignMoney` where its currency is not handled here."""
    if code not in EXPONENTS:
        raise ForeignMoney(code)
    return Money(minor, code)


def balance_in(doc: Doc, currency: str) -> Money:
    """Read what a balance holds in a currency, settled or not."""
    lines = [*doc["available"], *doc["pending"]]
    return Money(sum(line["amount"] for line in lines if line["currency"] == currency), currency)


def news(doc: Doc, *, is_live: bool = False) -> RailNews:
    """Read an event, a snapshot or a thin one; `ValueError` when it is none."""
    try:
        return _news(doc, is_other_mode=doc.get("livemode", is_live) is not is_live)
    except (AttributeError, KeyError, OSError, OverflowError, TypeError) as problem:
        raise ValueError(f"no event: {type(problem).__name__}") from problem


def _news(doc: Doc, *, is_other_mode: bool) -> RailNews:
    if doc["object"] == "v2.core.event":
        about = doc.get("related_object") or {}
        name = _name(about.get("id") or "")
        return RailNews(
            id=_name(doc["id"], LONGEST_ID),
            kind=_name(doc["type"]),
            object_id=name,
            account_id=name or None,
            reference=None,
            at=datetime.fromisoformat(doc["created"]),
            is_other_mode=is_other_mode,
        )
    about = doc["data"]["object"]
    reference = (about.get("metadata") or {}).get("reference")
    return RailNews(
        id=_name(doc["id"], LONGEST_ID),
        kind=_name(doc["type"]),
        object_id=_name(about.get("id") or ""),
        account_id=_name(doc["account"]) if doc.get("account") else None,
        reference=_name(reference) if reference else None,
        at=datetime.fromtimestamp(doc["created"], UTC),
        is_other_mode=is_other_mode,
    )


def _name(given: Any, longest: int = LONGEST_NAME) -> str:
    """Return a name as Stripe makes them, of our object or of one of its own."""
    if not isinstance(given, str) or len(given) > longest or not given.isprintable():
        raise ValueError("not a name")
    return given
