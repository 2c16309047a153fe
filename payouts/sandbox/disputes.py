"""Disputes: a bank takes a payment back, and perhaps gives it again.

The one rule: the platform loses amount and fee when a dispute opens, and has the amount back
only when it is won. That the fee stays lost is an assumption. An inquiry takes nothing until it
becomes a dispute.
"""

from payouts.sandbox import balance, captures, events, lists
from payouts.sandbox.calls import Call, Routes
from payouts.sandbox.errors import Refusal
from payouts.sandbox.params import CREATED, EXPAND, PAGE, words
from payouts.sandbox.settings import DAY
from payouts.sandbox.store import Doc, Tx, new_id

routes = Routes()

REASONS = words(
    "credit_not_processed duplicate fraudulent general incorrect_account_details"
    " product_not_received product_unacceptable subscription_canceled unrecognized"
)
_EVIDENCE = words(
    "access_activity_log billing_address cancellation_policy cancellation_policy_disclosure"
    " cancellation_rebuttal customer_communication customer_email_address customer_name"
    " customer_purchase_ip customer_signature duplicate_charge_documentation"
    " duplicate_charge_explanation duplicate_charge_id product_description receipt refund_policy"
    " refund_policy_disclosure refund_refusal_explanation service_date service_documentation"
    " shipping_address shipping_carrier shipping_date shipping_documentation"
    " shipping_tracking_number uncategorized_file uncategorized_text"
)


OPEN = ("needs_response", "under_review")
INQUIRY = ("warning_needs_response", "warning_under_review")


def open_(
    tx: Tx, charge: Doc, *, reason: str, amount: int | None = None, inquiry: bool = False
) -> Doc:
    """Let the cardholder's bank take a payment back, or only ask about it."""
    others = tx.all("dispute", charge=charge["id"])
    left = charge["amount"] - charge["amount_refunded"] - sum(one["amount"] for one in others)
    amount = left if amount is None else amount
    if not charge["paid"] or not 0 < amount <= left:
        raise Refusal("This charge cannot be disputed, or not by this amount.")
    if reason not in REASONS:
        raise Refusal(f"Invalid reason: must be one of {', '.join(REASONS)}", param="reason")
    captures.finish(tx, charge)
    dispute = _dispute(tx, charge, amount, reason)
    charge["disputed"] = True
    tx.save(charge)
    if inquiry:
        dispute["status"] = "warning_needs_response"
        tx.add(dispute, kind="dispute")
        events.emit(tx, "charge.dispute.created", dispute)
        return dispute
    _withdraw(tx, dispute)
    tx.add(dispute, kind="dispute")
    events.emit(tx, "charge.dispute.created", dispute)
    events.emit(tx, "charge.dispute.funds_withdrawn", dispute)
    return dispute


def _withdraw(tx: Tx, dispute: Doc) -> None:
    taken = balance.post(
        tx,
        "adjustment",
        -dispute["amount"],
        dispute["currency"],
        fee=tx.settings.dispute_fee,
        source=dispute["id"],
    )
    dispute["balance_transactions"] = [balance.shown_transaction(tx, taken)]


def escalate(tx: Tx, dispute: Doc) -> Doc:
    """Let an inquiry become a dispute, which takes the money."""
    if dispute["status"] not in INQUIRY:
        raise Refusal("This dispute is not an inquiry.")
    dispute["status"] = "needs_response"
    _withdraw(tx, dispute)
    tx.save(dispute)
    events.emit(tx, "charge.dispute.updated", dispute)
    events.emit(tx, "charge.dispute.funds_withdrawn", dispute)
    return dispute


def answer(tx: Tx, dispute: Doc) -> Doc:
    """Let the platform's evidence be with the bank, as if it was sent in the dashboard."""
    if dispute["status"] not in ("needs_response", "warning_needs_response"):
        raise Refusal("This dispute does not wait for evidence.")
    is_inquiry = dispute["status"] in INQUIRY
    dispute["status"] = "warning_under_review" if is_inquiry else "under_review"
    dispute["evidence_details"] |= {"has_evidence": True, "submission_count": 1}
    events.emit(tx, "charge.dispute.updated", tx.save(dispute))
    return dispute


def _dispute(tx: Tx, charge: Doc, amount: int, reason: str) -> Doc:
    return {
        "id": new_id("du_"),
        "object": "dispute",
        "amount": amount,
        "balance_transactions": [],
        "charge": charge["id"],
        "created": tx.now,
        "currency": charge["currency"],
        "enhanced_eligibility_types": [],
        "evidence": {**dict.fromkeys(_EVIDENCE), "enhanced_evidence": {}},
        "evidence_details": {
            "due_by": tx.now + 7 * DAY,
            "enhanced_eligibility": {},
            "has_evidence": False,
            "past_due": False,
            "submission_count": 0,
        },
        "is_charge_refundable": False,
        "livemode": False,
        "metadata": {},
        "payment_intent": charge["payment_intent"],
        "payment_method_details": {
            "type": "card",
            "card": {
                "brand": charge["payment_method_details"]["card"]["brand"],
                "case_type": "chargeback",
                "network_reason_code": "10.4",
            },
        },
        "reason": reason,
        "status": "needs_response",
    }


def close(tx: Tx, dispute: Doc, *, won: bool) -> Doc:
    """Let the bank decide."""
    if dispute["status"] in INQUIRY:
        dispute["status"] = "warning_closed"
        events.emit(tx, "charge.dispute.closed", tx.save(dispute))
        return dispute
    won_late = won and dispute["status"] == "lost"  # banks do change their mind
    if dispute["status"] not in OPEN and not won_late:
        raise Refusal("This dispute is already closed.")
    dispute["status"] = "won" if won else "lost"
    if won:
        back = balance.post(
            tx, "adjustment", dispute["amount"], dispute["currency"], source=dispute["id"]
        )
        dispute["balance_transactions"].append(balance.shown_transaction(tx, back))
    tx.save(dispute)
    if won:
        events.emit(tx, "charge.dispute.funds_reinstated", dispute)
    events.emit(tx, "charge.dispute.closed", dispute)
    return dispute


@routes.get("/v1/disputes/<id_>", EXPAND)
def retrieve(call: Call, id_: str) -> Doc:
    """Return one dispute."""
    return call.find("dispute", id_)


_LIST = {"created": CREATED, "charge": str, "payment_intent": str, **PAGE}


@routes.get("/v1/disputes", _LIST)
def listing(call: Call) -> Doc:
    """List the disputes."""
    where = {name: call.params.get(name) for name in ("charge", "payment_intent")}
    return lists.page(call, "dispute", where=where)


@routes.post("/v1/disputes/<id_>/close", EXPAND)
def accept(call: Call, id_: str) -> Doc:
    """Accept a dispute as lost."""
    return close(call.tx, call.find("dispute", id_), won=False)
