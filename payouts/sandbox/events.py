"""Events: what happened, as it looked then, and to whom it must be delivered.

The one rule: an event and its deliveries are written in the transaction that they tell of.
"""

from collections.abc import Iterator

from payouts.sandbox import lists
from payouts.sandbox.calls import Call, Routes
from payouts.sandbox.errors import Refusal
from payouts.sandbox.params import CREATED, EXPAND, PAGE, words
from payouts.sandbox.settings import API_VERSION, DAY
from payouts.sandbox.store import Doc, Tx, new_id, public

routes = Routes()

NAMES = frozenset(
    words("""
    account.application.authorized account.application.deauthorized
    account.external_account.created account.external_account.deleted
    account.external_account.updated account.updated balance.available balance_settings.updated
    capability.updated charge.captured charge.dispute.closed charge.dispute.created
    charge.dispute.funds_reinstated charge.dispute.funds_withdrawn charge.dispute.updated
    charge.expired charge.failed charge.pending charge.refund.updated charge.refunded
    charge.succeeded charge.updated checkout.session.async_payment_failed
    checkout.session.async_payment_succeeded checkout.session.completed checkout.session.expired
    customer.created payment_method.attached payment_method.detached
    setup_intent.created setup_intent.setup_failed setup_intent.succeeded
    payment_intent.canceled payment_intent.created payment_intent.payment_failed
    payment_intent.processing payment_intent.requires_action payment_intent.succeeded
    payout.canceled payout.created payout.failed payout.paid payout.reconciliation_completed
    payout.updated person.created person.updated refund.created refund.failed refund.updated
    topup.canceled topup.created topup.failed topup.reversed topup.succeeded
    transfer.created transfer.reversed transfer.updated
    """)
)


def emit(tx: Tx, name: str, about: Doc, *, account: str = "", before: Doc | None = None) -> Doc:
    """Keep an event and the deliveries that it needs; `before` holds what changed."""
    data: Doc = {"object": public(about)}
    if before is not None:
        data["previous_attributes"] = before
    event: Doc = {
        "id": new_id("evt_"),
        "object": "event",
        "api_version": API_VERSION,
        "created": tx.now,
        "data": data,
        "livemode": False,
        "request": tx.request,
        "type": name,
    }
    if account:
        event["account"] = account
    tx.add(event, kind="event", account=account)
    for endpoint in _listeners(tx, name, connected=bool(account)):
        enqueue(tx, event["id"], endpoint["id"])
    return event


def enqueue(tx: Tx, event_id: str, endpoint_id: str) -> None:
    """Owe one endpoint one delivery, from now on unless a test delays it."""
    delay = int(tx.fact("webhook_switches", {}).get("delay", 0))
    tx.sql.execute(
        "insert into delivery (event_id, endpoint_id, due_at) values (?, ?, ?)",
        (event_id, endpoint_id, tx.now + delay if delay else 0),
    )


def _listeners(tx: Tx, name: str, *, connected: bool) -> Iterator[Doc]:
    for endpoint in tx.all("webhook_endpoint"):
        wants = endpoint["enabled_events"]
        if (
            endpoint["status"] == "enabled"
            and endpoint["_"]["connect"] == connected
            and ("*" in wants or name in wants)
        ):
            yield endpoint


def shown(tx: Tx, event: Doc) -> Doc:
    """Return the event with the number of deliveries that are still owed."""
    row = tx.sql.execute(
        "select count(*) from delivery where event_id = ? and state = 'pending'", (event["id"],)
    ).fetchone()
    return {**event, "pending_webhooks": row[0]}


LIST = {
    "created": CREATED,
    "type": str,
    "types": [str],
    "delivery_success": bool,
    **PAGE,
}
_OWED = "select 1 from delivery where delivery.event_id = object.id and delivery.state != 'sent'"


@routes.get("/v1/events", LIST)
def listing(call: Call) -> Doc:
    """List what happened in the last thirty days."""
    asked = call.params
    if asked.get("type") and asked.get("types"):
        raise Refusal("You may only specify one of these parameters: type, types.", param="types")
    parts, values = ["created > ?"], [call.tx.now - 30 * DAY]
    names = asked.get("types") or ([asked["type"]] if asked.get("type") else [])
    if len(names) > 20:
        raise Refusal("You may only specify up to 20 types.", param="types")
    if names:
        name = "json_extract(body, '$.type')"
        wild = [each for each in names if each.endswith("*")]
        either = [f"{name} = ?"] * (len(names) - len(wild)) + [f"{name} glob ?"] * len(wild)
        parts.append(f"({' or '.join(either)})")
        values += [each for each in names if each not in wild] + wild
    if "delivery_success" in asked:
        parts.append(f"{'not ' if asked['delivery_success'] else ''}exists ({_OWED})")
    return lists.page(
        call,
        "event",
        extra=(" and ".join(parts), values),
        show=lambda event: shown(call.tx, event),
    )


@routes.get("/v1/events/<id_>", EXPAND)
def retrieve(call: Call, id_: str) -> Doc:
    """Return one event."""
    return shown(call.tx, call.find("event", id_))
