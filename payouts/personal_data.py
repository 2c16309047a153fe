"""What the tables of money hold of people, and what must be paid before an erasure."""

from collections.abc import Iterable

from flask import url_for
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from sqlmodel import Session, col, select

from core import formats
from core.personal_data import Blocker, Delete, Keep, Table, nobody
from payouts import earnings
from payouts.models import Payout, PayoutState

TAX = _l(
    "Accounts must add up, and tax law asks for them for years. Amounts, dates and references stay"
    " under the random key, without your name and address."
)
MINE = "expert_id = :person"
OF_ME = (
    "(SELECT id FROM ledger_account WHERE owner_id = :person"
    " AND kind IN ('expert_owed', 'expert_in_flight'))"
)
UNFINISHED = (
    PayoutState.READY,
    PayoutState.WAITING_FUNDS,
    PayoutState.BLOCKED,
    PayoutState.SENDING,
    PayoutState.UNKNOWN,
    PayoutState.SENT,
)

TABLES = (
    Table(
        "ledger_account",
        _l("Your accounts in the ledger"),
        whose="owner_id = :person AND kind IN ('expert_owed', 'expert_in_flight')",
        codes=("currency",),
        erase=Keep(TAX),
    ),
    Table(
        "ledger_move",
        _l("Every move of money to you and from you"),
        whose=f"debit_account_id IN {OF_ME} OR credit_account_id IN {OF_ME}",
        codes=("reference", "event", "currency", "narration", "cause"),
        erase=Keep(TAX),
    ),
    nobody("project_budget", _l("Budgets of projects"), "title", "currency"),
    Table(
        "reservation",
        _l("Pay that was set aside for you"),
        whose=MINE,
        codes=("currency",),
        erase=Keep(TAX),
    ),
    Table(
        "deposit",
        _l("Payments into budgets that you began for your organisation"),
        acts=("opened_by",),
        codes=(
            "currency",
            "request_key",
            "stripe_checkout_id",
            "stripe_charge_id",
            "trouble",
            "method",
        ),
        hidden=("stripe_checkout_url",),
    ),
    nobody(
        "charge",
        _l("What Stripe charged for payments into budgets, and when it settled"),
        "currency",
        "method",
        "receipt_url",
        "stripe_charge_id",
    ),
    Table(
        "refund",
        _l("Refunds from budgets that you asked for your organisation"),
        acts=("asked_by",),
        codes=("currency", "request_key"),
    ),
    nobody(
        "refund_part",
        _l("To which payments refunds went"),
        "currency",
        "request_key",
        "trouble",
        "stripe_refund_id",
    ),
    Table(
        "payout_part",
        _l("From which payments of owners payouts to you were drawn"),
        whose="payout_id IN (SELECT id FROM payout WHERE expert_id = :person)",
        codes=("currency",),
        erase=Keep(TAX),
    ),
    Table(
        "payee",
        _l("How you are paid"),
        whose=MINE,
        words=("country", "missing", "bank_last4"),
        codes=("stripe_account_id", "request_key"),
        erase=Delete(
            why=_l("Stripe keeps what you gave it as its own law asks; ask Stripe for its erasure.")
        ),
    ),
    Table(
        "payout",
        _l("Payouts to you, and their statements"),
        whose=MINE,
        codes=(
            "currency",
            "request_key",
            "reason",
            "stripe_account_id",
            "stripe_transfer_id",
            "stripe_bank_transfer_id",
        ),
        subject="payout",
        erase=Keep(TAX),
    ),
    Table(
        "rail_event",
        _l("News from Stripe about your payouts"),
        whose="stripe_account_id IN (SELECT stripe_account_id FROM payee"
        " WHERE payee.expert_id = :person UNION SELECT stripe_account_id FROM payout"
        " WHERE payout.expert_id = :person)",
        codes=("id", "kind", "stripe_account_id", "object_id", "reference", "outcome"),
        erase=Keep(TAX),
    ),
    nobody(
        "reconciliation",
        _l("Comparisons of the ledger with Stripe, in sums"),
        "currency",
        "findings",
    ),
    Table(
        "payout_hold",
        _l("Payouts to you that were held back"),
        whose=MINE,
        acts=("lifted_by",),
        erase=Keep(_l("Dates only; the words stood in the decision.")),
    ),
)


def blockers(session: Session, person: int) -> Iterable[Blocker]:
    """Say what is owed to somebody or still on its way."""
    for amount in earnings.owed(session, person):
        yield Blocker(
            _(
                "%(amount)s is owed to you. Take it out first; with your account gone it could not"
                " be sent.",
                amount=formats.money(amount),
            ),
            url_for("payouts.earnings_page"),
            _("Open your earnings"),
        )
    query = select(Payout).where(Payout.expert_id == person, col(Payout.state).in_(UNFINISHED))
    for payout in session.exec(query):
        yield Blocker(
            _("%(amount)s is on its way to you.", amount=formats.money(payout.amount))
            + " "
            + _("Wait until it has arrived."),
            url_for("payouts.earnings_page"),
            _("Open your earnings"),
        )


BLOCKERS = (blockers,)
