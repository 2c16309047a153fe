"""Money: balance transactions, and balances as their sums.

The one rule: `post` alone moves money, and a balance is never stored.
"""

from payouts.sandbox import events, lists
from payouts.sandbox.calls import Call, Routes
from payouts.sandbox.errors import Refusal, missing
from payouts.sandbox.params import CREATED, EXPAND, PAGE
from payouts.sandbox.store import Doc, Tx, new_id

routes = Routes()

_CATEGORIES = {
    "adjustment": "dispute",
    "payment": "charge",
    "payment_refund": "refund",
    "transfer_refund": "transfer_reversal",
    "payout_failure": "payout_reversal",
    "payout_cancel": "payout_reversal",
    "stripe_fee": "fee",
    "stripe_fx_fee": "fee",
    "tax_fee": "tax",
}


def post(
    tx: Tx,
    what: str,
    amount: int,
    currency: str,
    *,
    source: str | None,
    account: str = "",
    fee: int = 0,
    available_on: int | None = None,
) -> Doc:
    """Move money into an account (a negative amount takes it out) and return the transaction."""
    available_on = tx.now if available_on is None else max(available_on, tx.now)
    doc = {
        "id": new_id("txn_"),
        "object": "balance_transaction",
        "amount": amount,
        "available_on": available_on,
        "balance_type": "payments",
        "created": tx.now,
        "currency": currency,
        "description": None,
        "exchange_rate": None,
        "fee": fee,
        "fee_details": _fee_details(fee, currency, what),
        "net": amount - fee,
        "reporting_category": _CATEGORIES.get(what, what),
        "source": source,
        "type": what,
    }
    tx.add(doc, kind="balance_transaction", account=account)
    tx.sql.execute(
        "insert into money values (?, ?, ?, ?, ?)",
        (doc["id"], account, currency, amount - fee, available_on),
    )
    return doc


def _fee_details(fee: int, currency: str, what: str) -> list[Doc]:
    if not fee:
        return []
    words = "Dispute fee" if what == "adjustment" else "Stripe processing fees"
    return [
        {
            "amount": fee,
            "application": None,
            "currency": currency,
            "description": words,
            "type": "stripe_fee",
        }
    ]


def available(tx: Tx, account: str, currency: str) -> int:
    """Return what the account may spend in this currency now."""
    return _sum(tx, account, currency, "<=")


def pending(tx: Tx, account: str, currency: str) -> int:
    """Return what the account may spend in this currency later."""
    return _sum(tx, account, currency, ">")


def _sum(tx: Tx, account: str, currency: str, sign: str) -> int:
    row = tx.sql.execute(
        "select coalesce(sum(net), 0) from money"  # noqa: S608 (sign is one of two of ours)
        f" where account = ? and currency = ? and available_on {sign} ?",
        (account, currency, tx.now),
    ).fetchone()
    return int(row[0])


def currencies(tx: Tx, account: str) -> list[str]:
    """Return the currencies that the account holds or has held, its own one at least."""
    rows = tx.sql.execute("select distinct currency from money where account = ?", (account,))
    found = {row["currency"] for row in rows}
    if account == "" or not found:
        found.add(_own_currency(tx, account))
    return sorted(found)


def _own_currency(tx: Tx, account: str) -> str:
    doc = tx.get("account", account) if account else None
    return str(doc["currency"]) if doc else tx.settings.currency


def shown(tx: Tx, account: str) -> Doc:
    """Return the balance as the API answers it."""

    def lines(amount_of: dict[str, int]) -> list[Doc]:
        return [
            {"amount": amount, "currency": code, "source_types": {"card": amount}}
            for code, amount in amount_of.items()
        ]

    codes = currencies(tx, account)
    return {
        "object": "balance",
        "available": lines({code: available(tx, account, code) for code in codes}),
        "livemode": False,
        "pending": lines({code: pending(tx, account, code) for code in codes}),
    }


def shown_transaction(tx: Tx, doc: Doc) -> Doc:
    """Return a transaction with its state at this moment."""
    return {**doc, "status": "available" if doc["available_on"] <= tx.now else "pending"}


def settle(tx: Tx) -> None:
    """Say `balance.available` for accounts whose pending funds have become available."""
    since = tx.fact("settled_until", 0)
    rows = tx.sql.execute(
        "select distinct money.account from money join object using (id)"
        " where available_on > ? and available_on <= ? and available_on > object.created",
        (since, tx.now),
    ).fetchall()
    for row in rows:
        events.emit(tx, "balance.available", shown(tx, row["account"]), account=row["account"])
    if rows or tx.now > since + 3600:  # not each time: the clock asks once a second
        tx.remember("settled_until", tx.now)


@routes.get("/v1/balance", EXPAND)
def retrieve(call: Call) -> Doc:
    """Return the balance of the platform or of a connected account."""
    return shown(call.tx, call.account)


LIST = {"created": CREATED, "currency": str, "payout": str, "source": str, "type": str, **PAGE}


@routes.get("/v1/balance_transactions", LIST)
def listing(call: Call) -> Doc:
    """List what moved."""
    asked = call.params
    return lists.page(
        call,
        "balance_transaction",
        where={name: asked.get(name) for name in ("currency", "source", "type")},
        extra=_carried(call, asked["payout"]) if asked.get("payout") else ("", []),
        show=lambda doc: shown_transaction(call.tx, doc),
    )


def _carried(call: Call, payout_id: str) -> tuple[str, list[str]]:
    """Return the condition for what an automatic payout took to the bank, itself among it."""
    payout = call.tx.get("payout", payout_id, account=call.account)
    if payout is None:
        raise missing("payout", payout_id, param="payout", status=400)
    if not payout["automatic"]:
        raise Refusal(
            "Balance transaction history can only be filtered on automatic transfers, not manual.",
            param="payout",
        )
    return "id in (select id from carried where payout_id = ?)", [payout_id]


@routes.get("/v1/balance_transactions/<id_>", EXPAND)
def retrieve_transaction(call: Call, id_: str) -> Doc:
    """Return one move."""
    return shown_transaction(call.tx, call.find("balance_transaction", id_))
