"""The pages of money, by who opens them: owners, experts, operators, and the rail itself."""

from payouts import (
    books_routes,
    budget_routes,
    dispute_routes,
    earnings_routes,
    floor_routes,
    hold_routes,
    invoice_routes,
    ledger_routes,
    news_routes,
    operator_routes,
    outage_routes,
    refund_routes,
    reversal_routes,
    run_routes,
    statement_routes,
    stuck_routes,
    tax_export_routes,
    tax_routes,
    topup_routes,
    webhook_routes,
)
from payouts.blueprint import bp

PAGES = (
    budget_routes,
    earnings_routes,
    floor_routes,
    hold_routes,
    invoice_routes,
    ledger_routes,
    news_routes,
    operator_routes,
    outage_routes,
    refund_routes,
    run_routes,
    statement_routes,
    stuck_routes,
    tax_export_routes,
    tax_routes,
    topup_routes,
)
BOOKS = (books_routes, dispute_routes, reversal_routes)
SIGNED_BY_SENDER = (webhook_routes.platform_news, webhook_routes.payees_news)

__all__ = ["BOOKS", "PAGES", "SIGNED_BY_SENDER", "bp"]
