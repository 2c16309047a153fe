"""Payouts from a balance to a bank account.

The one rule: money leaves the balance when a payout is made, and comes back when it fails or is
canceled. A payout is pending for an hour, then in transit, and arrives after two days; with
instant settlement all of that happens at the next ticks of the clock.
"""

from payouts.sandbox import accounts, balance, events, lists, money
from payouts.sandbox.calls import Call, Routes
from payouts.sandbox.errors import Refusal
from payouts.sandbox.params import CREATED, EXPAND, MAP, PAGE, merged
from payouts.sandbox.settings import DAY
from payouts.sandbox.store import Doc, Tx, new_id

routes = Routes()

HOUR = 3600
_WAITS = {"daily": 1, "weekly": 7, "monthly": 30}
FAILURES = {
    "account_closed": "The bank account has been closed.",
    "could_not_process": "The bank could not process this payout.",
    "no_account": "The bank account details on file are probably incorrect.",
}
CREATE = {
    "amount!": int,
    "currency!": str,
    "description": str,
    "destination": str,
    "metadata": MAP,
    "method": {"instant", "standard"},
    "source_type": {"bank_account", "card", "fpx"},
    "statement_descriptor": str,
    **EXPAND,
}


@routes.post("/v1/payouts", CREATE)
def create(call: Call) -> Doc:
    """Send part of a balance to the bank."""
    tx, asked = call.tx, call.params
    currency = money.currency(asked["currency"])
    amount = money.at_least_one(asked["amount"])
    bank = _bank(tx, call.account, currency, asked.get("destination"))
    if asked.get("method") == "instant":
        raise Refusal("This account is not eligible for instant payouts.", param="method")
    if balance.available(tx, call.account, currency) < amount:
        raise Refusal(
            "You have insufficient funds in your Stripe account for this transfer. Your card"
            " balance is too low.",
            code="balance_insufficient",
        )
    return _send(tx, call.account, amount, currency, bank, asked)


def _bank(tx: Tx, account: str, currency: str, destination: str | None) -> str:
    """Return the bank account to pay; the platform has one in each currency."""
    if not account:
        return f"ba_platform_{currency}"
    found = accounts.find(tx, account)
    if not accounts.payouts_enabled(found):
        raise Refusal(
            "Cannot create payouts: this account has payouts disabled.", code="payouts_not_allowed"
        )
    bank = found["bank"]
    if bank["currency"] != currency or destination not in (None, bank["id"]):
        raise Refusal(f"Sorry, you don't have any external accounts in that currency ({currency}).")
    return str(bank["id"])


def _send(
    tx: Tx,
    account: str,
    amount: int,
    currency: str,
    bank: str,
    asked: Doc,
    *,
    automatic: bool = False,
) -> Doc:
    payout = {
        "id": new_id("po_"),
        "object": "payout",
        "amount": amount,
        "application_fee": None,
        "application_fee_amount": None,
        "arrival_date": tx.now + tx.settings.settlement_seconds,
        "automatic": automatic,
        "created": tx.now,
        "currency": currency,
        "description": asked.get("description"),
        "destination": bank,
        "failure_balance_transaction": None,
        "failure_code": None,
        "failure_message": None,
        "livemode": False,
        "metadata": merged({}, asked.get("metadata", {})),
        "method": "standard",
        "original_payout": None,
        "payout_method": None,
        "reconciliation_status": "in_progress" if automatic else "not_applicable",
        "reversed_by": None,
        "source_type": asked.get("source_type", "card"),
        "statement_descriptor": asked.get("statement_descriptor"),
        "status": "pending",
        "trace_id": None,
        "type": "bank_account",
    }
    moved = balance.post(tx, "payout", -amount, currency, source=payout["id"], account=account)
    payout["balance_transaction"] = moved["id"]
    tx.add(payout, kind="payout", account=account)
    events.emit(tx, "payout.created", payout, account=account)
    return payout


def move_on(tx: Tx) -> None:
    """Let payouts leave and arrive, and make the automatic ones that are due."""
    waits = 0 if tx.settings.instant_settlement else HOUR
    arriving = tx.all("payout", status="in_transit")
    for payout in tx.all("payout", status="pending"):
        if payout["created"] + waits <= tx.now:
            _become(tx, payout, "payout.updated", status="in_transit")
    for payout in arriving:
        if payout["arrival_date"] <= tx.now:
            _arrive(tx, payout)
    _pay_out_by_schedule(tx)


def _arrive(tx: Tx, payout: Doc) -> None:
    bank = tx.get("bank_account", payout["destination"])
    code = bank and bank["_"]["outcome"]
    if code:
        fail(tx, payout, code)
    else:
        _become(tx, payout, "payout.paid", status="paid")


def fail(tx: Tx, payout: Doc, code: str) -> Doc:
    """Let the bank send a payout back; that can happen after it was shown as paid."""
    if payout["status"] not in ("pending", "in_transit", "paid"):
        raise Refusal(f"A payout that is {payout['status']} cannot fail.")
    back = _give_back(tx, payout, "payout_failure")
    accounts.bank_failed(tx, payout["destination"])
    return _become(
        tx,
        payout,
        "payout.failed",
        status="failed",
        failure_code=code,
        failure_message=FAILURES.get(code, "The bank sent this payout back."),
        failure_balance_transaction=back["id"],
    )


def _give_back(tx: Tx, payout: Doc, what: str) -> Doc:
    return balance.post(
        tx,
        what,
        payout["amount"],
        payout["currency"],
        source=payout["id"],
        account=tx.owner_of(payout["id"]),
    )


def _become(tx: Tx, payout: Doc, event: str, **new: object) -> Doc:
    before = {name: payout[name] for name in new}
    payout.update(new)
    tx.save(payout)
    events.emit(tx, event, payout, account=tx.owner_of(payout["id"]), before=before)
    return payout


def _pay_out_by_schedule(tx: Tx) -> None:
    """Pay out what has waited for its schedule: a day, a week or thirty days after it came."""
    if tx.now - tx.fact("schedules_seen_at", 0) < HOUR:
        return
    tx.remember("schedules_seen_at", tx.now)
    for row in tx.sql.execute("select distinct account, currency from money where account != ''"):
        account, currency = accounts.find(tx, row["account"]), row["currency"]
        days = _WAITS.get(account["schedule"]["interval"])
        if days and accounts.payouts_enabled(account) and account["bank"]["currency"] == currency:
            _pay_out(tx, account, currency, tx.now - days * DAY)


def _pay_out(tx: Tx, account: Doc, currency: str, until: int) -> None:
    """Pay out what has been available since then, less all that went out; note what it was."""
    rows = tx.sql.execute(
        "select id, net from money where account = ? and currency = ?"
        " and (available_on <= ? or (net < 0 and available_on <= ?))"
        " and id not in (select id from carried)",
        (account["id"], currency, until, tx.now),
    ).fetchall()
    amount = sum(row["net"] for row in rows)
    if amount <= 0:
        return
    bank = account["bank"]["id"]
    payout = _send(tx, account["id"], amount, currency, bank, {}, automatic=True)
    moves = [row["id"] for row in rows] + [payout["balance_transaction"]]
    tx.sql.executemany(
        "insert into carried values (?, ?)", [(move, payout["id"]) for move in moves]
    )


@routes.post("/v1/payouts/<id_>/cancel", EXPAND)
def cancel(call: Call, id_: str) -> Doc:
    """Take back a payout that has not left yet."""
    payout = call.find("payout", id_)
    if payout["status"] != "pending":
        raise Refusal(f"Payouts with status {payout['status']} cannot be canceled.")
    back = _give_back(call.tx, payout, "payout_cancel")
    return _become(
        call.tx,
        payout,
        "payout.canceled",
        status="canceled",
        failure_balance_transaction=back["id"],
    )


@routes.get("/v1/payouts/<id_>", EXPAND)
def retrieve(call: Call, id_: str) -> Doc:
    """Return one payout."""
    return call.find("payout", id_)


_LIST = {
    "arrival_date": CREATED,
    "created": CREATED,
    "destination": str,
    "status": str,
    **PAGE,
}


@routes.get("/v1/payouts", _LIST)
def listing(call: Call) -> Doc:
    """List the payouts."""
    where = {name: call.params.get(name) for name in ("destination", "status")}
    return lists.page(call, "payout", where=where)
