"""Transfers from the platform to connected accounts, and their reversals.

The one rule: both sides move by the same amount in one transaction, or neither moves.
"""

from payouts.sandbox import accounts, balance, captures, events, lists, money
from payouts.sandbox.calls import Call, Routes
from payouts.sandbox.errors import Refusal
from payouts.sandbox.params import CREATED, EXPAND, MAP, PAGE, merged
from payouts.sandbox.store import Doc, Tx, new_id

routes = Routes()

CREATE = {
    "amount!": int,
    "currency!": str,
    "destination!": str,
    "description": str,
    "metadata": MAP,
    "source_transaction": str,
    "source_type": {"bank_account", "card", "fpx"},
    "transfer_group": str,
    **EXPAND,
}


@routes.post("/v1/transfers", CREATE)
def create(call: Call) -> Doc:
    """Move money to a connected account."""
    tx, asked = call.tx, call.params
    if call.account:
        raise Refusal("Only the platform can create transfers.")
    currency = money.currency(asked["currency"])
    amount = money.at_least_one(asked["amount"])
    destination = _destination(tx, asked["destination"])
    charge = _source(tx, asked, amount, currency)
    if charge is None and balance.available(tx, "", currency) < amount:
        raise Refusal(
            "You have insufficient available funds in your Stripe account. Try adding funds"
            " directly to your available balance by creating Charges using the 4000000000000077"
            " test card.",
            code="balance_insufficient",
        )
    transfer = _transfer(tx, asked, amount, currency, charge)
    _move(tx, transfer, destination["id"], charge)
    events.emit(tx, "transfer.created", transfer)
    return transfer


def _destination(tx: Tx, id_: str) -> Doc:
    account = tx.get("account", id_)
    if account is None:
        raise Refusal(f"No such destination: '{id_}'", code="resource_missing", param="destination")
    if accounts.capability(account) != "active":
        raise Refusal(
            "Your destination account needs to have at least one of the following capabilities"
            " enabled: transfers, crypto_transfers, legacy_payments",
            code="insufficient_capabilities_for_transfer",
        )
    return account


def _source(tx: Tx, asked: Doc, amount: int, currency: str) -> Doc | None:
    """Return the charge that a transfer draws on; their sum may not exceed what is left of it."""
    id_ = asked.get("source_transaction")
    if not id_:
        return None
    charge = tx.get("charge", id_, account="")
    param = "source_transaction"
    if charge is None:
        raise Refusal(f"No such charge: '{id_}'", code="resource_missing", param=param)
    if not charge["paid"]:
        raise Refusal("Source transactions must be successful charges.", param=param)
    if charge["currency"] != currency:
        raise Refusal(
            "The currency of source_transaction's balance transaction"
            f" ({charge['currency']}) must be the same as the transfer currency ({currency})",
            param=param,
        )
    drawn = sum(each["amount"] for each in tx.all("transfer", source_transaction=id_))
    if amount > charge["amount"] - charge["amount_refunded"] - drawn:
        raise Refusal(
            "Transfers using this transaction as a source must not exceed the source amount of"
            f" {money.written(charge['amount'], currency)}. (There are already transfers or"
            f" refunds of {money.written(drawn + charge['amount_refunded'], currency)}.)",
            param=param,
        )
    return captures.finish(tx, charge)


def _transfer(tx: Tx, asked: Doc, amount: int, currency: str, charge: Doc | None) -> Doc:
    id_ = new_id("tr_")
    group = asked.get("transfer_group")
    if charge and not group:
        group = charge["transfer_group"] or f"group_{charge['payment_intent']}"
    return {
        "id": id_,
        "object": "transfer",
        "amount": amount,
        "amount_reversed": 0,
        "created": tx.now,
        "currency": currency,
        "description": asked.get("description"),
        "destination": asked["destination"],
        "livemode": False,
        "metadata": merged({}, asked.get("metadata", {})),
        "reversals": lists.whole(f"/v1/transfers/{id_}/reversals", []),
        "reversed": False,
        "source_transaction": charge["id"] if charge else None,
        "source_type": asked.get("source_type", "card"),
        "transfer_group": group,
    }


def _move(tx: Tx, transfer: Doc, account: str, charge: Doc | None) -> None:
    """Take the amount from the platform and give it to the account, when the charge settles."""
    amount, currency = transfer["amount"], transfer["currency"]
    settled = charge and tx.get("balance_transaction", charge["balance_transaction"])
    at = settled["available_on"] if settled else tx.now
    payment = _payment(tx, transfer)
    out = balance.post(tx, "transfer", -amount, currency, source=transfer["id"], available_on=at)
    into = balance.post(
        tx,
        "payment",
        amount,
        currency,
        source=payment["id"],
        account=account,
        available_on=at,
    )
    payment["balance_transaction"] = into["id"]
    transfer["balance_transaction"] = out["id"]
    transfer["destination_payment"] = payment["id"]
    tx.add(payment, kind="charge", account=account)
    tx.add(transfer, kind="transfer")


def _payment(tx: Tx, transfer: Doc) -> Doc:
    """Return what the connected account sees of a transfer."""
    return {
        "id": new_id("py_"),
        "object": "charge",
        "amount": transfer["amount"],
        "amount_captured": transfer["amount"],
        "amount_refunded": 0,
        "billing_details": dict.fromkeys(["address", "email", "name", "phone", "tax_id"]),
        "captured": True,
        "created": tx.now,
        "currency": transfer["currency"],
        "description": transfer["description"],
        "disputed": False,
        "livemode": False,
        "metadata": {},
        "paid": True,
        "payment_intent": None,
        "payment_method": None,
        "payment_method_details": {"type": "stripe_account", "stripe_account": {}},
        "refunded": False,
        "source_transfer": transfer["id"],
        "status": "succeeded",
        "transfer_group": transfer["transfer_group"],
    }


_UPDATE = {"description": str, "metadata": MAP, **EXPAND}


@routes.post("/v1/transfers/<id_>", _UPDATE)
def update(call: Call, id_: str) -> Doc:
    """Change what is written on a transfer."""
    transfer = call.find("transfer", id_)
    transfer["description"] = call.params.get("description", transfer["description"])
    transfer["metadata"] = merged(transfer["metadata"], call.params.get("metadata", {}))
    events.emit(call.tx, "transfer.updated", call.tx.save(transfer))
    return transfer


@routes.get("/v1/transfers/<id_>", EXPAND)
def retrieve(call: Call, id_: str) -> Doc:
    """Return one transfer."""
    return call.find("transfer", id_)


_LIST = {"created": CREATED, "destination": str, "transfer_group": str, **PAGE}


@routes.get("/v1/transfers", _LIST)
def listing(call: Call) -> Doc:
    """List the transfers."""
    where = {name: call.params.get(name) for name in ("destination", "transfer_group")}
    return lists.page(call, "transfer", where=where)


_REVERSE = {
    "amount": int,
    "description": str,
    "metadata": MAP,
    "refund_application_fee": bool,
    **EXPAND,
}


@routes.post("/v1/transfers/<id_>/reversals", _REVERSE)
def reverse(call: Call, id_: str) -> Doc:
    """Take back all or part of a transfer."""
    tx = call.tx
    transfer = call.find("transfer", id_)
    amount = _reversible(tx, transfer, call.params.get("amount"))
    reversal = _take_back(tx, transfer, amount, merged({}, call.params.get("metadata", {})))
    transfer["amount_reversed"] += amount
    transfer["reversed"] = transfer["amount_reversed"] == transfer["amount"]
    shown = [reversal, *transfer["reversals"]["data"]]
    transfer["reversals"].update(data=shown[:10], has_more=len(shown) > 10)
    tx.save(transfer)
    events.emit(tx, "transfer.reversed", transfer)
    return reversal


def _reversible(tx: Tx, transfer: Doc, amount: int | None) -> int:
    currency = transfer["currency"]
    left = transfer["amount"] - transfer["amount_reversed"]
    amount = money.at_least_one(left if amount is None else amount)
    if amount > left:
        raise Refusal(
            f"Reversal amount ({money.written(amount, currency)}) is greater than unreversed"
            f" amount on transfer ({money.written(left, currency)})",
            param="amount",
        )
    covered = balance.available(tx, transfer["destination"], currency)
    if not transfer["source_transaction"] and covered < amount:
        raise Refusal(
            f"The connected account has {money.written(covered, currency)} available, which does"
            f" not cover a reversal of {money.written(amount, currency)}.",
            code="balance_insufficient",
        )
    return amount


def _take_back(tx: Tx, transfer: Doc, amount: int, metadata: Doc) -> Doc:
    account, currency = transfer["destination"], transfer["currency"]
    moved = tx.get("balance_transaction", transfer["balance_transaction"])
    at = moved["available_on"] if moved else tx.now
    id_, refund = new_id("trr_"), _refund(tx, transfer, amount)
    back = balance.post(tx, "transfer_refund", amount, currency, source=id_, available_on=at)
    out = balance.post(
        tx,
        "payment_refund",
        -amount,
        currency,
        source=refund["id"],
        account=account,
        available_on=at,
    )
    refund["balance_transaction"] = out["id"]
    tx.add(refund, kind="refund", account=account)
    reversal = {
        "id": id_,
        "object": "transfer_reversal",
        "amount": amount,
        "balance_transaction": back["id"],
        "created": tx.now,
        "currency": currency,
        "destination_payment_refund": refund["id"],
        "metadata": metadata,
        "source_refund": None,
        "transfer": transfer["id"],
    }
    return tx.add(reversal, kind="transfer_reversal")


def _refund(tx: Tx, transfer: Doc, amount: int) -> Doc:
    """Return what the connected account sees of a reversal, and note it on its payment."""
    payment = tx.get("charge", transfer["destination_payment"])
    assert payment is not None  # made with the transfer, never removed
    payment["amount_refunded"] += amount
    payment["refunded"] = payment["amount_refunded"] == payment["amount"]
    tx.save(payment)
    return {
        "id": new_id("pyr_"),
        "object": "refund",
        "amount": amount,
        "charge": payment["id"],
        "created": tx.now,
        "currency": transfer["currency"],
        "metadata": {},
        "payment_intent": None,
        "reason": None,
        "receipt_number": None,
        "source_transfer_reversal": None,
        "status": "succeeded",
        "transfer_reversal": None,
    }


@routes.get("/v1/transfers/<id_>/reversals", PAGE)
def list_reversals(call: Call, id_: str) -> Doc:
    """List the reversals of a transfer."""
    call.find("transfer", id_)
    return lists.page(call, "transfer_reversal", where={"transfer": id_})


@routes.get("/v1/transfers/<id_>/reversals/<reversal_id>", EXPAND)
def retrieve_reversal(call: Call, id_: str, reversal_id: str) -> Doc:
    """Return one reversal."""
    call.find("transfer", id_)
    return call.find("transfer_reversal", reversal_id)
