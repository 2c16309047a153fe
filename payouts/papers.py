"""Papers of money as PDF: invoices as they were issued, and receipts of payments.

Labels are in the language of whoever downloads; numbers and names are those that were stored.
"""

from datetime import datetime
from typing import Any

from flask_babel import gettext as _

from core import documents, formats
from core.money import Money
from core.settings import current_settings
from experts import places
from payouts.invoice_models import BillingDetails, Invoice
from payouts.models import Deposit, ProjectBudget


def invoice(row: Invoice) -> bytes:
    """Typeset an invoice as it was issued."""
    said, figures = row.parties, row.figures

    def money(name: str) -> str:
        return formats.money(Money(figures[name], row.currency))

    values = {
        "title": _("Invoice %(number)s", number=row.name),
        "issuer": said["issuer"]["name"],
        "foot": _("Invoice %(number)s", number=row.name),
        "parties": [
            {"head": _("From"), "lines": _lines(said["issuer"])},
            {"head": _("To"), "lines": _lines(said["buyer"])},
        ],
        "facts": [
            [_("Number"), row.name],
            [_("Issued"), formats.day_long(row.issued_at)],
            [_("Month"), month_name(row)],
            [_("Currency"), row.currency.upper()],
        ],
        "heads": [_("Project"), _("Accepted works"), _("Experts’ pay"), _("Platform fee")],
        "lines": [
            [
                one["title"],
                formats.number(one["works"]),
                formats.money(Money(one["pay"], row.currency)),
                formats.money(Money(one["fees"], row.currency)),
            ]
            for one in figures["projects"]
        ],
        "sums": [_("Together"), "", money("pay"), money("fees")],
        "total": [_("Spent in this month"), formats.money(row.spent)],
        "account_heads": [_("What"), _("Amount")],
        "account": [
            [_("In your budgets at the beginning"), money("opening")],
            [_("Paid in"), money("paid_in")],
            [_("Sent back to you"), f"– {money('returned')}"],
            *([[_("Disputed payments"), f"– {money('disputed')}"]] if figures["disputed"] else []),
            [_("Spent"), f"– {formats.money(row.spent)}"],
            [_("In your budgets at the end"), money("closing")],
        ],
        "note": said["note"],
        "words": {
            "account": _("Your budgets in this month"),
            "paid": _("All of it was paid from your budgets. Nothing is left to pay."),
            "spent": _("What was spent"),
            "nothing": _("Nothing was spent in this month."),
        },
    }
    return _typeset("payouts/invoice.typ", values, row.issued_at)


def receipt(
    row: Deposit, budget: ProjectBudget, buyer: str, details: BillingDetails | None
) -> bytes:
    """Typeset the receipt of a payment that was made."""
    assert row.paid_at is not None
    settings = current_settings()
    issuer = {
        "name": settings.invoice_issuer_name,
        "address": settings.invoice_issuer_address,
        "vat_number": settings.invoice_issuer_vat_number,
    }
    to = details.model_dump() | {"name": details.legal_name} if details else {"name": buyer}
    values = {
        "title": _("Receipt"),
        "issuer": issuer["name"],
        "foot": _("Receipt of payment %(number)s", number=row.id),
        "parties": [
            {"head": _("From"), "lines": _lines(issuer)},
            {"head": _("To"), "lines": _lines(to)},
        ],
        "facts": [
            [_("Payment"), str(row.id)],
            [_("Paid"), formats.day_long(row.paid_at)],
            [_("Project"), budget.title],
            [_("Reference"), row.reference],
            [_("Amount"), formats.money(row.amount)],
        ],
        "words": {
            "what": _(
                "This amount was received and stands in the budget of the project. It is spent as"
                " work is accepted; the monthly invoice says on what."
            ),
        },
    }
    return _typeset("payouts/receipt.typ", values, row.paid_at)


def month_name(row: Invoice) -> str:
    """Return the month of an invoice in words."""
    return formats.month(row.month)


def _lines(party: dict[str, Any]) -> list[str]:
    country = party.get("country") or ""
    number = party.get("vat_number") or ""
    return [
        line
        for line in (
            party["name"],
            *str(party.get("address") or "").splitlines(),
            places.country_name(country, formats.locale()) if country else "",
            _("VAT number %(number)s", number=number) if number else "",
        )
        if line.strip()
    ]


def _typeset(template: str, values: dict[str, Any], at: datetime) -> bytes:
    return documents.pdf(template, values, language=formats.locale().language, made_at=at)
