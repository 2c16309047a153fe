"""Captures: the balance line of a card payment, which Stripe writes a moment after it was paid.

The one rule: nothing is done with a payment before its line is there. What cannot wait, such as
a refund, writes it. How long a moment is, is a setting; none is the usual one here.
"""

from payouts.sandbox import balance, events
from payouts.sandbox.store import Doc, Tx

_WAITING = "captures_waiting"  # the charges without a line, so that no tick looks through all


def take(tx: Tx, charge: Doc, *, waits: int, what: str) -> None:
    """Write the line of a charge, now or after a moment; its funds can be used later still."""
    moment = tx.settings.capture_seconds if what == "charge" else 0
    charge["_"]["capture"] = {"what": what, "waits": waits, "due": tx.now + moment}
    if moment:
        tx.remember(_WAITING, [*tx.fact(_WAITING, []), charge["id"]])
    else:
        _write(tx, charge)


def finish(tx: Tx, charge: Doc) -> Doc:
    """Write the line of a charge that something is about to happen to, and tell of it."""
    if "capture" in charge["_"]:
        _write(tx, charge)
        tx.save(charge)
        events.emit(tx, "charge.updated", charge, before={"balance_transaction": None})
        tx.remember(_WAITING, [each for each in tx.fact(_WAITING, []) if each != charge["id"]])
    return charge


def move_on(tx: Tx) -> None:
    """Write the lines that are due."""
    for id_ in tx.fact(_WAITING, []):
        charge = tx.get("charge", id_)
        if charge and charge["_"]["capture"]["due"] <= tx.now:
            finish(tx, charge)


def _write(tx: Tx, charge: Doc) -> None:
    asked = charge["_"].pop("capture")
    moved = balance.post(
        tx,
        asked["what"],
        charge["amount"],
        charge["currency"],
        fee=tx.settings.fee(charge["amount"]),
        source=charge["id"],
        available_on=tx.now + asked["waits"],
    )
    charge["balance_transaction"] = moved["id"]
