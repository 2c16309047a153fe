"""Refunds of payments. The one rule: a charge never gives back more than it took.

A refund that the available balance does not cover waits, as Stripe's do, until it is covered.
The fee of the payment is not given back.
"""

from payouts.sandbox import balance, captures, events, lists, money
from payouts.sandbox.calls import Call, Routes
from payouts.sandbox.errors import Refusal, missing
from payouts.sandbox.params import CREATED, EXPAND, MAP, PAGE, merged
from payouts.sandbox.settings import DAY
from payouts.sandbox.store import Doc, Tx, new_id

routes = Routes()

CREATE = {
    "amount": int,
    "charge": str,
    "payment_intent": str,
    "metadata": MAP,
    "reason": {"duplicate", "fraudulent", "requested_by_customer"},
    **EXPAND,
}


@routes.post("/v1/refunds", CREATE)
def create(call: Call) -> Doc:
    """Give money back to the card that paid."""
    tx, asked = call.tx, call.params
    charge = _charge(call)
    amount = _refundable(charge, asked.get("amount"))
    refund = _refund(tx, charge, amount, asked)
    charge["amount_refunded"] += amount
    charge["refunded"] = charge["amount_refunded"] == charge["amount"]
    tx.save(charge)
    tx.add(refund, kind="refund")
    if not _send(tx, refund):
        refund.update(status="pending", pending_reason="insufficient_funds")
        tx.save(refund)
    elif refund["_"]["waits"]:
        refund.update(status="pending", pending_reason="processing")
        tx.save(refund)
    events.emit(tx, "refund.created", refund)
    events.emit(tx, "charge.refunded", charge)
    return refund


def _charge(call: Call) -> Doc:
    asked = call.params
    if call.account:
        raise Refusal("Doyen's sandbox refunds the platform's charges only.")
    if bool(asked.get("charge")) == bool(asked.get("payment_intent")):
        raise Refusal("One of the following params should be provided: payment_intent, charge.")
    id_ = asked.get("charge")
    if not id_:
        intent = call.tx.get("payment_intent", asked["payment_intent"], account=call.account)
        if intent is None:
            raise missing("payment_intent", asked["payment_intent"], param="payment_intent")
        id_ = intent["latest_charge"]
    charge = call.tx.get("charge", id_, account=call.account)
    if charge is None or not charge["paid"]:
        raise missing("charge", id_ or "", param="charge")
    return captures.finish(call.tx, charge)


def _refundable(charge: Doc, amount: int | None) -> int:
    left = charge["amount"] - charge["amount_refunded"]
    if charge["disputed"]:
        raise Refusal(
            f"Charge {charge['id']} has been charged back; cannot issue a refund.",
            code="charge_disputed",
        )
    if left == 0:
        raise Refusal(
            f"Charge {charge['id']} has already been refunded.", code="charge_already_refunded"
        )
    amount = money.at_least_one(left if amount is None else amount)
    if amount > left:
        currency = charge["currency"]
        raise Refusal(
            f"Refund amount ({money.written(amount, currency)}) is greater than unrefunded amount"
            f" on charge ({money.written(left, currency)})",
            param="amount",
        )
    return amount


def _refund(tx: Tx, charge: Doc, amount: int, asked: Doc) -> Doc:
    return {
        "id": new_id("re_"),
        "object": "refund",
        "amount": amount,
        "balance_transaction": None,
        "charge": charge["id"],
        "created": tx.now,
        "currency": charge["currency"],
        **_destination(charge),
        "metadata": merged({}, asked.get("metadata", {})),
        "payment_intent": charge["payment_intent"],
        "reason": asked.get("reason"),
        "receipt_number": None,
        "source_transfer_reversal": None,
        "status": "succeeded",
        "transfer_reversal": None,
        "_": {"fails": charge["_"]["refund_fails"], "waits": charge["_"].get("refund_waits")},
    }


def _destination(charge: Doc) -> Doc:
    is_card = charge["payment_method_details"]["type"] == "card"
    return {"destination_details": {"type": "card", "card": {"type": "refund"}}} if is_card else {}


def _send(tx: Tx, refund: Doc) -> bool:
    """Take the money from the balance, and say whether it was there.

    The refund of a payment that is still pending comes out of those pending funds.
    """
    charge = tx.get("charge", refund["charge"])
    paid = charge and tx.get("balance_transaction", charge["balance_transaction"])
    at = paid["available_on"] if paid else tx.now
    amount, currency = refund["amount"], refund["currency"]
    if at <= tx.now and balance.available(tx, "", currency) < amount:
        return False
    moved = balance.post(tx, "refund", -amount, currency, source=refund["id"], available_on=at)
    refund["balance_transaction"] = moved["id"]
    tx.save(refund)
    return True


def move_on(tx: Tx) -> None:
    """Send the refunds that waited for funds; fail those that cannot arrive, after a day."""
    for refund in tx.all("refund", account="", status="pending"):
        if refund["balance_transaction"]:
            is_there = refund["created"] <= tx.now - DAY
        else:
            is_there = _send(tx, refund)
        if is_there:
            refund["status"] = "succeeded"
            del refund["pending_reason"]
            tx.save(refund)
            _tell(tx, refund, "refund.updated")
    for refund in tx.all("refund", account="", **{"_.fails": True}, status="succeeded"):
        if refund["created"] <= tx.now - DAY:
            fail(tx, refund)


def fail(tx: Tx, refund: Doc, reason: str = "expired_or_canceled_card") -> Doc:
    """Let the bank send a refund back, even after it had succeeded."""
    if refund["status"] == "failed":
        return refund
    refund.update(status="failed", failure_reason=reason)
    refund.pop("pending_reason", None)
    if refund["balance_transaction"]:
        back = balance.post(
            tx, "refund_failure", refund["amount"], refund["currency"], source=refund["id"]
        )
        refund["failure_balance_transaction"] = back["id"]
    tx.save(refund)
    charge = tx.get("charge", refund["charge"])
    assert charge is not None  # a charge is never removed
    charge["amount_refunded"] -= refund["amount"]
    charge["refunded"] = False
    tx.save(charge)
    _tell(tx, refund, "refund.failed")
    return refund


def _tell(tx: Tx, refund: Doc, name: str) -> None:
    events.emit(tx, name, refund)
    events.emit(tx, "charge.refund.updated", refund)


@routes.post("/v1/refunds/<id_>", {"metadata": MAP, **EXPAND})
def update(call: Call, id_: str) -> Doc:
    """Change what is written on a refund."""
    refund = call.find("refund", id_)
    refund["metadata"] = merged(refund["metadata"], call.params.get("metadata", {}))
    events.emit(call.tx, "refund.updated", call.tx.save(refund))
    return refund


@routes.get("/v1/refunds/<id_>", EXPAND)
def retrieve(call: Call, id_: str) -> Doc:
    """Return one refund."""
    return call.find("refund", id_)


_LIST = {"created": CREATED, "charge": str, "payment_intent": str, **PAGE}


@routes.get("/v1/refunds", _LIST)
def listing(call: Call) -> Doc:
    """List the refunds."""
    where = {name: call.params.get(name) for name in ("charge", "payment_intent")}
    return lists.page(call, "refund", where=where)
