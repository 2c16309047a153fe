"""Top-ups: the platform's own money added to its balance."""

from payouts.sandbox import balance, events, lists, money
from payouts.sandbox.calls import Call, Routes
from payouts.sandbox.errors import Refusal
from payouts.sandbox.params import CREATED, EXPAND, MAP, PAGE, merged
from payouts.sandbox.store import Doc, Tx, new_id

routes = Routes()

CREATE = {
    "amount!": int,
    "currency!": str,
    "description": str,
    "metadata": MAP,
    "source": str,
    "statement_descriptor": str,
    "transfer_group": str,
    **EXPAND,
}


@routes.post("/v1/topups", CREATE)
def create(call: Call) -> Doc:
    """Add money; it is there at once, or after the settlement time."""
    tx, asked = call.tx, call.params
    if call.account:
        raise Refusal("Doyen's sandbox tops up the platform only.")
    currency = money.currency(asked["currency"])
    topup: Doc = {
        "id": new_id("tu_"),
        "object": "topup",
        "amount": money.at_least_one(asked["amount"]),
        "balance_transaction": None,
        "created": tx.now,
        "currency": currency,
        "description": asked.get("description"),
        "expected_availability_date": tx.now + tx.settings.settlement_seconds,
        "failure_code": None,
        "failure_message": None,
        "livemode": False,
        "metadata": merged({}, asked.get("metadata", {})),
        "source": None,
        "statement_descriptor": asked.get("statement_descriptor"),
        "status": "pending",
        "transfer_group": asked.get("transfer_group"),
    }
    tx.add(topup, kind="topup")
    events.emit(tx, "topup.created", topup)
    move_on(tx)
    return tx.get("topup", topup["id"]) or topup


def move_on(tx: Tx) -> None:
    """Book the top-ups that have arrived."""
    for topup in tx.all("topup", status="pending"):
        if topup["expected_availability_date"] <= tx.now:
            moved = balance.post(
                tx, "topup", topup["amount"], topup["currency"], source=topup["id"]
            )
            topup.update(status="succeeded", balance_transaction=moved["id"])
            tx.save(topup)
            events.emit(tx, "topup.succeeded", topup)


@routes.get("/v1/topups/<id_>", EXPAND)
def retrieve(call: Call, id_: str) -> Doc:
    """Return one top-up."""
    return call.find("topup", id_)


_LIST = {
    "created": CREATED,
    "status": {"canceled", "failed", "pending", "succeeded"},
    **PAGE,
}


@routes.get("/v1/topups", _LIST)
def listing(call: Call) -> Doc:
    """List the top-ups."""
    return lists.page(call, "topup", where={"status": call.params.get("status")})
