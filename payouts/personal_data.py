"""What the tables of money hold of people, and what must be paid before an erasure."""

from collections.abc import Iterable

from flask import url_for
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from sqlmodel import Session, col, select

from core import formats
from core.personal_data import Blank, Blocker, Delete, Keep, Rule, Table, nobody
from payouts import earnings, tax
from payouts.models import Payout, PayoutState

TAX = _l(
    "Accounts must add up, and tax law asks for them for years. Amounts, dates and references stay"
    " under the random key, without your name and address."
)
TAX_DETAILS = _l(
    "Tax law asks for them: who was paid has to be reported, and the records kept for years. They"
    " are encrypted and go by themselves after the period that the page on privacy names."
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
        "billing_details",
        _l("Billing details that you wrote for your organisation"),
        acts=("changed_by",),
        words=("legal_name", "address", "country", "vat_number"),
    ),
    nobody("invoice", _l("Invoices of organisations"), "currency", "parties", "figures"),
    Table(
        "bonus_giving",
        _l("Bonuses that you gave by rule for your organisation"),
        acts=("given_by",),
        codes=("rule", "currency", "words", "request_key"),
    ),
    Table(
        "auto_topup",
        _l("Automatic top-ups that you agreed to for your organisation"),
        acts=("agreed_by", "ended_by"),
        codes=(
            "currency",
            "words",
            "request_key",
            "stripe_setup_id",
            "stripe_customer_id",
            "stripe_card_id",
            "card_brand",
            "card_last4",
            "card_expires",
        ),
        hidden=("stripe_setup_url",),
    ),
    Table(
        "payee",
        _l("How you are paid"),
        whose=MINE,
        words=("country", "missing", "overdue", "due_later", "bank_last4"),
        codes=("stripe_account_id", "request_key", "stopped_for"),
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
    nobody(
        "rail_entry",
        _l("Lines of Stripe’s own books, which name amounts and rows, no people"),
        "id",
        "kind",
        "currency",
        "source_id",
        "parent_id",
        "reference",
        "state",
        "subject",
    ),
    Table(
        "pay_floor",
        _l("Floors of pay that you wrote as an operator"),
        acts=("written_by",),
        codes=("country", "currency", "before_currency", "words", "request_key"),
    ),
    Table(
        "payout_stop",
        _l("Differences to Stripe’s books that you explained or released"),
        acts=("explained_by", "released_by"),
        codes=("currency", "findings", "explanation"),
    ),
    nobody(
        "dispute",
        _l("Payments that a bank asked back, by the numbers of payments and projects"),
        "stripe_dispute_id",
        "stripe_charge_id",
        "currency",
        "reason",
        "state",
    ),
    Table(
        "reversal",
        _l("Payouts to you that were taken back, and why"),
        whose="payout_id IN (SELECT id FROM payout WHERE expert_id = :person)",
        acts=("proposed_by", "agreed_by"),
        words=("words", "evidence"),
        codes=(
            "stripe_transfer_id",
            "currency",
            "state",
            "cause",
            "request_key",
            "stripe_reversal_id",
            "stripe_entry_id",
            "trouble",
        ),
        actor_words=("words", "evidence"),
        subject="reversal",
        erase=Blank(
            {"words": "NULL", "evidence": "NULL"},
            _l("Amounts, dates and references stay, since accounts must add up; the words go."),
        ),
    ),
    Table(
        "extra_pay",
        _l("Bonuses to you, and pay for reviews and qualification tasks"),
        whose=MINE,
        acts=("given_by",),
        words=("words",),
        own_words=("words",),
        codes=("currency", "reference"),
        subject="bonus",
        erase=Blank(
            {"words": "CASE WHEN words = '' THEN '' ELSE 'erased with the account' END"}, TAX
        ),
    ),
    nobody("ledger_check", _l("Checks of the whole ledger"), "problems"),
    nobody("rail_outage", _l("Times in which Stripe did not answer"), "trouble"),
    Table(
        "payout_hold",
        _l("Payouts to you that were held back"),
        whose=MINE,
        acts=("lifted_by",),
        erase=Keep(_l("Dates only; the words stood in the decision.")),
    ),
    Table(
        "tax_profile",
        _l("Your tax details, in every version"),
        whose=MINE,
        words=("sealed", "residences"),
        opened={"sealed": tax.readable},
        erase=Keep(TAX_DETAILS),
    ),
    Table(
        "tax_request",
        _l("When you were asked for tax details, and reminded"),
        whose=MINE,
        codes=("currency", "outcome"),
        erase=Keep(_l("Dates only, which show that law was followed.")),
    ),
    Table(
        "payout_run",
        _l("Payout runs that you began"),
        acts=("begun_by",),
        codes=("request_key", "totals"),
    ),
    Table(
        "payout_in_run",
        _l("In which runs your payouts were made"),
        whose="payout_id IN (SELECT id FROM payout WHERE expert_id = :person)",
        erase=Keep(TAX),
    ),
    Table(
        "rail_event_try",
        _l("Each look into news from Stripe about your payouts"),
        whose="event_id IN (SELECT id FROM rail_event WHERE stripe_account_id IN (SELECT"
        " stripe_account_id FROM payee WHERE payee.expert_id = :person UNION SELECT"
        " stripe_account_id FROM payout WHERE payout.expert_id = :person))",
        codes=("event_id", "outcome"),
        erase=Keep(TAX),
    ),
    Table(
        "seen_need",
        _l("Stuck things about money that you marked as seen"),
        acts=("seen_by",),
        codes=("subject",),
    ),
    nobody("payout_limit", _l("Limits above which a second person agrees to a payout"), "currency"),
    Table(
        "payout_approval",
        _l("Payouts to you that a second person had to agree to"),
        whose="payout_id IN (SELECT id FROM payout WHERE expert_id = :person)",
        acts=("asked_by", "answered_by"),
        words=("words",),
        own_words=("words",),
        actor_words=("words",),
        codes=("currency",),
        erase=Keep(TAX),
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


# Whoever was credited or paid something since then may still be reported on.
OLD_TAX_DETAILS = """FROM tax_profile WHERE saved_at < :before AND NOT EXISTS (
    SELECT 1 FROM ledger_move m JOIN ledger_account a ON a.id IN (m.credit_account_id,
    m.debit_account_id) WHERE a.owner_id = tax_profile.expert_id
    AND a.kind IN ('expert_owed', 'expert_in_flight') AND m.happened_at >= :before)"""
RETENTION = (
    Rule(
        "tax_details",
        _l("Tax details, after the last amount of a person"),
        OLD_TAX_DETAILS,
        f"DELETE {OLD_TAX_DETAILS}",
    ),
)
BLOCKERS = (blockers,)
