"""Webhook endpoints: made through the API, or given on the command line.

The one rule: a configured endpoint keeps its id from start to start, so that what was owed to
it is delivered even when its address has changed in between.
"""

import secrets

from payouts.sandbox import events, lists
from payouts.sandbox.calls import Call, Routes
from payouts.sandbox.errors import Refusal
from payouts.sandbox.params import EXPAND, MAP, PAGE, merged
from payouts.sandbox.settings import API_VERSION, Webhook
from payouts.sandbox.store import Doc, Tx, new_id
from payouts.sandbox.urls import web_address

routes = Routes()


def configure(tx: Tx) -> None:
    """Make the endpoints in the settings the ones that exist, beside those made by the API."""
    wanted = {
        f"we_{kind}_{number}": (webhook, kind == "connect")
        for kind, webhooks in (
            ("platform", tx.settings.platform_webhooks),
            ("connect", tx.settings.connect_webhooks),
        )
        for number, webhook in enumerate(webhooks, start=1)
    }
    for endpoint in tx.all("webhook_endpoint"):
        if endpoint["_"]["configured"] and endpoint["id"] not in wanted:
            _forget(tx, endpoint["id"])
    for id_, (webhook, connect) in wanted.items():
        _configure(tx, id_, webhook, connect=connect)


def _configure(tx: Tx, id_: str, webhook: Webhook, *, connect: bool) -> None:
    found = tx.get("webhook_endpoint", id_)
    hidden = {"secret": webhook.secret, "connect": connect, "configured": True}
    if found:
        tx.save({**found, "url": webhook.url, "_": hidden})
    else:
        tx.add(_endpoint(tx, id_, webhook.url, ["*"], hidden), kind="webhook_endpoint")
    tx.sql.execute(
        "update delivery set due_at = 0 where endpoint_id = ? and state = 'pending'", (id_,)
    )


def _endpoint(tx: Tx, id_: str, url: str, names: list[str], hidden: Doc) -> Doc:
    return {
        "id": id_,
        "object": "webhook_endpoint",
        "api_version": API_VERSION,
        "application": None,
        "created": tx.now,
        "description": None,
        "enabled_events": names,
        "livemode": False,
        "metadata": {},
        "status": "enabled",
        "url": url,
        "_": hidden,
    }


def _forget(tx: Tx, id_: str) -> None:
    tx.remove(id_)
    tx.sql.execute("delete from delivery where endpoint_id = ? and state = 'pending'", (id_,))


CREATE = {
    "url!": str,
    "enabled_events!": [str],
    "api_version": str,
    "connect": bool,
    "description": str,
    "metadata": MAP,
    **EXPAND,
}


@routes.post("/v1/webhook_endpoints", CREATE)
def create(call: Call) -> Doc:
    """Make an endpoint; its secret is in this answer and never again."""
    asked = call.params
    if asked.get("api_version", API_VERSION) != API_VERSION:
        raise Refusal(f"Doyen's sandbox speaks {API_VERSION} only.", param="api_version")
    secret = f"whsec_{secrets.token_hex(24)}"
    hidden = {"secret": secret, "connect": asked.get("connect", False), "configured": False}
    doc = _endpoint(call.tx, new_id("we_"), web_address(asked["url"], "url"), [], hidden)
    _change(doc, asked)
    call.tx.add(doc, kind="webhook_endpoint")
    return {**doc, "secret": secret}


def _change(doc: Doc, asked: Doc) -> None:
    unknown = set(asked.get("enabled_events", [])) - events.NAMES - {"*"}
    if unknown:
        raise Refusal(f"Invalid enabled_events: {', '.join(unknown)}", param="enabled_events")
    for name in ("enabled_events", "url"):
        doc[name] = asked.get(name, doc[name])
    doc["description"] = asked.get("description", doc["description"]) or None
    doc["metadata"] = merged(doc["metadata"], asked.get("metadata", {}))
    if "disabled" in asked:
        doc["status"] = "disabled" if asked["disabled"] else "enabled"


UPDATE = {
    "url": str,
    "enabled_events": [str],
    "disabled": bool,
    "description": str,
    "metadata": MAP,
    **EXPAND,
}


@routes.post("/v1/webhook_endpoints/<id_>", UPDATE)
def update(call: Call, id_: str) -> Doc:
    """Change an endpoint."""
    doc = call.find("webhook_endpoint", id_)
    if "url" in call.params:
        web_address(call.params["url"], "url")
    _change(doc, call.params)
    return call.tx.save(doc)


@routes.get("/v1/webhook_endpoints/<id_>", EXPAND)
def retrieve(call: Call, id_: str) -> Doc:
    """Return one endpoint."""
    return call.find("webhook_endpoint", id_)


@routes.get("/v1/webhook_endpoints", PAGE)
def listing(call: Call) -> Doc:
    """List the endpoints."""
    return lists.page(call, "webhook_endpoint")


@routes.delete("/v1/webhook_endpoints/<id_>")
def delete(call: Call, id_: str) -> Doc:
    """Remove an endpoint and what is still owed to it."""
    call.find("webhook_endpoint", id_)
    _forget(call.tx, id_)
    return {"id": id_, "object": "webhook_endpoint", "deleted": True}
