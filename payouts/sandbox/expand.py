"""Puts objects in the place of their ids where a request asks for it."""

from collections.abc import Callable
from typing import Any

from payouts.sandbox import accounts, balance
from payouts.sandbox.errors import Refusal
from payouts.sandbox.store import Doc, Tx

# What may be expanded, by the kind of object that holds the id.
EXPANDABLE: dict[str, dict[str, tuple[str, ...]]] = {
    "balance_transaction": {
        "source": (
            "charge",
            "refund",
            "transfer",
            "transfer_reversal",
            "payout",
            "topup",
            "dispute",
        )
    },
    "charge": {
        "balance_transaction": ("balance_transaction",),
        "failure_balance_transaction": ("balance_transaction",),
        "payment_intent": ("payment_intent",),
        "source_transfer": ("transfer",),
    },
    "checkout.session": {
        "customer": ("customer",),
        "payment_intent": ("payment_intent",),
        "setup_intent": ("setup_intent",),
        "line_items": (),
    },
    "dispute": {"charge": ("charge",), "payment_intent": ("payment_intent",)},
    "payment_intent": {
        "customer": ("customer",),
        "latest_charge": ("charge",),
        "payment_method": ("payment_method",),
    },
    "payout": {
        "balance_transaction": ("balance_transaction",),
        "failure_balance_transaction": ("balance_transaction",),
        "destination": ("bank_account",),
    },
    "refund": {
        "balance_transaction": ("balance_transaction",),
        "charge": ("charge",),
        "failure_balance_transaction": ("balance_transaction",),
        "payment_intent": ("payment_intent",),
    },
    "setup_intent": {"customer": ("customer",), "payment_method": ("payment_method",)},
    "topup": {"balance_transaction": ("balance_transaction",)},
    "transfer": {
        "balance_transaction": ("balance_transaction",),
        "destination": ("account",),
        "destination_payment": ("charge",),
        "source_transaction": ("charge",),
    },
    "transfer_reversal": {
        "balance_transaction": ("balance_transaction",),
        "destination_payment_refund": ("refund",),
        "transfer": ("transfer",),
    },
}

_SHOWN: dict[str, Callable[[Tx, Doc], Doc]] = {
    "account": lambda _, doc: accounts.shown(doc),
    "balance_transaction": balance.shown_transaction,
}


def expanded(tx: Tx, doc: Doc, paths: list[str]) -> Doc:
    """Return the answer with each path expanded; a path that leads nowhere is refused."""
    for path in paths:
        steps = path.split(".")
        if len(steps) > 4:
            raise Refusal("You cannot expand more than 4 levels of a property.", param="expand")
        doc = _walk(tx, doc, steps, path)
    return doc


def _walk(tx: Tx, doc: Doc, steps: list[str], path: str) -> Doc:
    if not steps:
        return doc
    step, *rest = steps
    if doc.get("object") == "list" and step == "data":
        return {**doc, "data": [_walk(tx, each, rest, path) for each in doc["data"]]}
    kinds = EXPANDABLE.get(str(doc.get("object")), {}).get(step)
    if kinds is None:
        raise Refusal(f"This property cannot be expanded ({path}).", param="expand")
    value = doc.get(step)
    found = _find(tx, value, kinds) if isinstance(value, str) else value
    if isinstance(found, dict):
        found = _walk(tx, found, rest, path)
    elif step == "line_items":  # not an id: a part that is only shown when asked for
        found = doc["_"]["line_items"]
    return {**doc, step: found}


def _find(tx: Tx, id_: str, kinds: tuple[str, ...]) -> Any:
    kind = tx.kind_of(id_)
    found = tx.get(kind, id_) if kind in kinds else None
    if kind is None or found is None:
        return id_
    return _SHOWN[kind](tx, found) if kind in _SHOWN else found
