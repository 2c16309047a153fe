"""What only tests and the demo may ask: move the clock, disturb the network, decide as a bank.

The one rule: everything is under `/_sandbox/`, where Stripe has nothing. Bodies are JSON, which
no page of another site can send unasked.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from flask import Blueprint, Response, jsonify, request

from payouts.sandbox import (
    accounts,
    balance,
    checkout,
    clock,
    debits,
    delivery,
    disputes,
    events,
    payouts,
    refunds,
)
from payouts.sandbox.api import Desk
from payouts.sandbox.delivery import Courier
from payouts.sandbox.errors import Refusal, missing
from payouts.sandbox.faults import KINDS, Fault
from payouts.sandbox.params import MAP, read
from payouts.sandbox.settings import API_VERSION, DAY
from payouts.sandbox.store import Doc, Tx, public

Act = Callable[..., Any]
# Lines of a balance that nobody asks for through the API.
LINES = {
    "adjustment",
    "connect_collection_transfer",
    "contribution",
    "payment_network_reserve_hold",
    "payment_network_reserve_release",
    "reserve_hold",
    "reserve_release",
    "reserve_transaction",
    "reserved_funds",
    "stripe_fee",
    "stripe_fx_fee",
    "tax_fee",
    "topup_reversal",
}


@dataclass(frozen=True)
class Controls:
    """What the control endpoints turn."""

    desk: Desk
    courier: Courier


def blueprint(controls: Controls) -> Blueprint:
    """Return the control endpoints."""
    bp = Blueprint("control", __name__, url_prefix="/_sandbox")
    for rule, act in _READING.items():
        bp.add_url_rule(rule, endpoint=act.__name__, view_func=_reader(controls, act))
    for rule, act in _WRITING.items():
        view = _writer(controls, act)
        bp.add_url_rule(rule, endpoint=act.__name__, view_func=view, methods=["POST"])
    for rule, act in _OUTSIDE.items():
        view = _outside(controls, act)
        bp.add_url_rule(rule, endpoint=act.__name__, view_func=view, methods=["POST"])
    bp.register_error_handler(Refusal, _refused)
    return bp


def _reader(controls: Controls, act: Act) -> Callable[..., Response]:
    def view(**ids: str) -> Response:
        with controls.desk.store.reading() as tx:
            return jsonify(public(act(tx, **ids)))

    return view


def _writer(controls: Controls, act: Act) -> Callable[..., Response]:
    def view(**ids: str) -> Response:
        with controls.desk.store.writing() as tx:
            return jsonify(public(act(tx, _body(), **ids)))

    return view


def _outside(controls: Controls, act: Act) -> Callable[..., Response]:
    def view() -> Response:
        return jsonify(act(controls, _body()))

    return view


def _body() -> Doc:
    found = request.get_json()  # refuses any other content type with 415
    if not isinstance(found, dict):
        raise Refusal("The body must be a JSON object.")
    return found


def _refused(refusal: Refusal) -> tuple[Response, int]:
    return jsonify(public(refusal.body(""))), refusal.status


# ---- reading ---------------------------------------------------------------------------------


def health(tx: Tx) -> Doc:
    """Say that the sandbox works, and what waits."""
    owed = tx.sql.execute("select count(*) from delivery where state = 'pending'").fetchone()[0]
    given_up, attempts = tx.sql.execute(
        "select count(*) filter (where state = 'given_up'), sum(attempts) from delivery"
    ).fetchone()
    return {
        "status": "ok",
        "api_version": API_VERSION,
        "now": tx.now,
        "clock_ahead": tx.fact("clock_ahead", 0),
        "pending_webhooks": owed,
        "given_up_webhooks": given_up,
        "attempts": attempts or 0,
        "webhooks": delivery.switches(tx),
        "instant_settlement": tx.settings.instant_settlement,
    }


def books(tx: Tx) -> Doc:
    """Sum what moved, by account, currency and kind of move."""
    rows = tx.sql.execute(
        "select money.account, currency, json_extract(body, '$.type') as type,"
        " count(*) as count, sum(json_extract(body, '$.amount')) as amount,"
        " sum(json_extract(body, '$.fee')) as fee, sum(net) as net"
        " from money join object using (id) group by 1, 2, 3 order by 1, 2, 3"
    )
    names = tx.sql.execute("select distinct account from money").fetchall()
    return {
        "moves": [dict(row) for row in rows],
        "balances": {row["account"]: balance.shown(tx, row["account"]) for row in names},
    }


_READING = {"/health": health, "/books": books}


# ---- writing ---------------------------------------------------------------------------------


def advance(tx: Tx, body: Doc) -> Doc:
    """Move the clock forward."""
    asked = read({"seconds": int, "days": int}, body)
    seconds = asked.get("seconds", 0) + asked.get("days", 0) * DAY
    if seconds < 0:
        raise Refusal("The clock moves forward only.", param="seconds")
    clock.advance(tx, seconds)
    return {"now": tx.now, "clock_ahead": tx.fact("clock_ahead", 0)}


def tick(tx: Tx, _: Doc) -> Doc:
    """Let happen what is due now, without waiting for the thread."""
    clock.tick(tx)
    return {"now": tx.now}


def switch(tx: Tx, body: Doc) -> Doc:
    """Pause, delay, double, turn round, drop or swallow the deliveries."""
    asked = read({name: type(usual) for name, usual in delivery.SWITCHES.items()}, body)
    if asked.get("delay", 0) < 0:
        raise Refusal("A delivery cannot be early.", param="delay")
    tx.remember("webhook_switches", {**tx.fact("webhook_switches", {}), **asked})
    return delivery.switches(tx)


def resend(tx: Tx, body: Doc) -> Doc:
    """Owe an event once more to every endpoint that was owed it."""
    event_id = read({"event!": str}, body)["event"]
    rows = tx.sql.execute(
        "select distinct endpoint_id from delivery where event_id = ?", (event_id,)
    ).fetchall()
    for row in rows:
        events.enqueue(tx, event_id, row["endpoint_id"])
    return {"event": event_id, "deliveries": len(rows)}


def onboard(tx: Tx, body: Doc, id_: str) -> Doc:
    """Complete an account's onboarding without the page."""
    asked = read({"legal_name": str, "iban": str}, body)
    account = accounts.find(tx, id_)
    default = "000123456789" if account["country"] in ("US", "CA") else "DE89370400440532013000"
    number = accounts.bank_number(asked.get("iban", default), account["country"])
    if number is None:
        raise Refusal("This is not a bank number.", param="iban")
    name = asked.get("legal_name", "Jenny Rosen")
    return accounts.shown(accounts.onboard(tx, account, legal_name=name, number=number))


def restrict(tx: Tx, body: Doc, id_: str) -> Doc:
    """Restrict an account for one of Stripe's reasons, or lift it with `null`."""
    reason = body.get("reason", "requirements.past_due")
    if reason is not None and reason not in accounts.RESTRICTIONS:
        raise Refusal(f"The reasons are {', '.join(accounts.RESTRICTIONS)}.", param="reason")
    account = accounts.find(tx, id_)
    return accounts.shown(accounts.change(tx, account, restricted=reason))


def deauthorize(tx: Tx, _: Doc, id_: str) -> Doc:
    """Let the account holder leave the platform."""
    account = accounts.find(tx, id_)
    accounts.change(tx, account, restricted="other", requested={})
    about = {"id": "ca_sandbox", "object": "application", "name": "Doyen"}
    events.emit(tx, "account.application.deauthorized", about, account=id_)
    return accounts.shown(account)


def pay(tx: Tx, body: Doc, id_: str) -> Doc:
    """Pay a checkout session without the page."""
    session = _found(tx, "checkout.session", id_)
    asked = read({"card": str, "iban": str}, body)
    if "iban" in asked:
        checkout.pay_by_debit(tx, session, debits.number(asked["iban"]), None)
        return {**session, "declined": None}
    refusal = checkout.pay(tx, session, asked.get("card", "4242424242424242"), None)
    return {**session, "declined": refusal.message if refusal else None}


def dispute(tx: Tx, body: Doc, id_: str) -> Doc:
    """Let a cardholder dispute a charge."""
    asked = read({"amount": int, "reason": str, "inquiry": bool}, body)
    charge = _found(tx, "charge", id_)
    reason = asked.get("reason", "fraudulent")
    return disputes.open_(
        tx,
        charge,
        reason=reason,
        amount=asked.get("amount"),
        inquiry=asked.get("inquiry", False),
    )


def escalate_dispute(tx: Tx, _: Doc, id_: str) -> Doc:
    """Let an inquiry become a dispute."""
    return disputes.escalate(tx, _found(tx, "dispute", id_))


def answer_dispute(tx: Tx, _: Doc, id_: str) -> Doc:
    """Let evidence be sent, as a person does in the dashboard."""
    return disputes.answer(tx, _found(tx, "dispute", id_))


def add_line(tx: Tx, body: Doc) -> Doc:
    """Change a balance by a line of any kind: what Stripe bills, keeps back or collects."""
    asked = read(
        {"type!": LINES, "amount!": int, "currency": str, "account": str, "fee": int}, body
    )
    account = asked.get("account", "")
    if account:
        accounts.find(tx, account)
    return balance.post(
        tx,
        asked["type"],
        asked["amount"],
        asked.get("currency", tx.settings.currency),
        source=None,
        account=account,
        fee=asked.get("fee", 0),
    )


def close_dispute(tx: Tx, body: Doc, id_: str) -> Doc:
    """Let the bank decide a dispute."""
    asked = read({"outcome!": {"won", "lost"}}, body)
    return disputes.close(tx, _found(tx, "dispute", id_), won=asked["outcome"] == "won")


def fail_payout(tx: Tx, body: Doc, id_: str) -> Doc:
    """Let the bank send a payout back, even after it was shown as paid."""
    asked = read({"code": str}, body)
    return payouts.fail(tx, _found(tx, "payout", id_), asked.get("code", "account_closed"))


def fail_refund(tx: Tx, body: Doc, id_: str) -> Doc:
    """Let the bank send a refund back, even after it had succeeded."""
    asked = read({"reason": str}, body)
    reason = asked.get("reason", "expired_or_canceled_card")
    return refunds.fail(tx, _found(tx, "refund", id_), reason)


def emit(tx: Tx, body: Doc) -> Doc:
    """Say an event about an object as it is now, though nothing happened to it."""
    asked = read({"type!": events.NAMES, "object!": str, "before": MAP}, body)
    kind = tx.kind_of(asked["object"])
    about = tx.get(kind, asked["object"]) if kind else None
    if about is None:
        raise missing("object", asked["object"], param="object")
    account = asked["object"] if kind == "account" else tx.owner_of(asked["object"])
    shown = accounts.shown(about) if kind == "account" else about
    return events.emit(tx, asked["type"], shown, account=account, before=asked.get("before"))


def _found(tx: Tx, kind: str, id_: str) -> Doc:
    found = tx.get(kind, id_)
    if found is None:
        raise missing(kind, id_)
    return found


_WRITING: dict[str, Act] = {
    "/clock/advance": advance,
    "/clock/tick": tick,
    "/webhooks/switch": switch,
    "/webhooks/resend": resend,
    "/accounts/<id_>/onboard": onboard,
    "/accounts/<id_>/restrict": restrict,
    "/accounts/<id_>/deauthorize": deauthorize,
    "/checkout/<id_>/pay": pay,
    "/charges/<id_>/dispute": dispute,
    "/disputes/<id_>/close": close_dispute,
    "/disputes/<id_>/escalate": escalate_dispute,
    "/disputes/<id_>/answer": answer_dispute,
    "/lines": add_line,
    "/payouts/<id_>/fail": fail_payout,
    "/refunds/<id_>/fail": fail_refund,
    "/events/emit": emit,
}


# ---- outside a transaction ---------------------------------------------------------------------


def deliver(controls: Controls, _: Doc) -> Doc:
    """Send every delivery that is owed, now; return what came of each."""
    return {"sent": controls.courier.deliver()}


def fault(controls: Controls, body: Doc) -> Doc:
    """Let a trouble wait for the requests that it names."""
    seconds = float(body.pop("seconds", 1.0))
    asked = read({"kind!": set(KINDS), "method": str, "path": str, "times": int}, body)
    controls.desk.faults.add(Fault(**asked, seconds=seconds))
    return asked


def heal(controls: Controls, _: Doc) -> Doc:
    """Forget the troubles that wait."""
    controls.desk.faults.clear()
    return {}


_OUTSIDE: dict[str, Act] = {
    "/webhooks/deliver": deliver,
    "/faults": fault,
    "/faults/clear": heal,
}
