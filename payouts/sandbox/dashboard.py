"""A look at the other side: what Stripe would know. It only reads."""

from typing import Any

from flask import Blueprint, Response

from payouts.sandbox import accounts, balance, control
from payouts.sandbox.page import Page
from payouts.sandbox.settings import DAY
from payouts.sandbox.store import Doc, Store, Tx

SHOWN = 20


def blueprint(store: Store) -> Blueprint:
    """Return the dashboard."""
    bp = Blueprint("dashboard", __name__)

    @bp.get("/")
    def show() -> Response:
        """Show balance, accounts, payments, transfers and events."""
        with store.reading() as tx:
            names = ("account", "charge", "transfer", "refund", "dispute", "event")
            newest = {kind: _newest(tx, kind) for kind in names}
            return Page().answer(
                "dashboard",
                balance=balance.shown(tx, ""),
                moves=[each for each in control.books(tx)["moves"] if not each["account"]],
                accounts=[_account(tx, doc) for doc in newest["account"]["docs"]],
                charges=[
                    (doc, _fee(tx, doc), _charge_state(doc)) for doc in newest["charge"]["docs"]
                ],
                events=[(doc, *_deliveries(tx, doc["id"])) for doc in newest["event"]["docs"]],
                newest=newest,
                shown=SHOWN,
                days_ahead=tx.fact("clock_ahead", 0) // DAY,
            )

    return bp


def _newest(tx: Tx, kind: str) -> dict[str, Any]:
    whose = "" if kind == "event" else "and account = ''"
    docs = tx.bodies(f"where kind = ? {whose} order by seq desc limit {SHOWN}", [kind])
    total = tx.sql.execute(
        f"select count(*) from object where kind = ? {whose}",  # noqa: S608 (words of ours)
        (kind,),
    ).fetchone()[0]
    return {"docs": docs, "total": total}


def _account(tx: Tx, doc: Doc) -> Doc:
    codes = balance.currencies(tx, doc["id"])
    held = {
        code: balance.available(tx, doc["id"], code) + balance.pending(tx, doc["id"], code)
        for code in codes
    }
    return {**doc, "capability": accounts.capability(doc), "held": held}


def _fee(tx: Tx, charge: Doc) -> int:
    moved = tx.get("balance_transaction", charge["balance_transaction"])
    return int(moved["fee"]) if moved else 0


def _charge_state(charge: Doc) -> str:
    if charge["disputed"]:
        return "disputed"
    if charge["refunded"]:
        return "refunded"
    return "partly refunded" if charge["amount_refunded"] else str(charge["status"])


def _deliveries(tx: Tx, event_id: str) -> tuple[int, int]:
    row = tx.sql.execute(
        "select count(*) filter (where state = 'sent'), count(*) from delivery where event_id = ?",
        (event_id,),
    ).fetchone()
    return row[0], row[1]
