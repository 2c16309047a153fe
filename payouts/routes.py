"""The pages of money, by who opens them: owners, experts, operators, and the rail itself."""

from payouts import (
    budget_routes,
    earnings_routes,
    hold_routes,
    operator_routes,
    refund_routes,
    webhook_routes,
)
from payouts.blueprint import bp

PAGES = (budget_routes, earnings_routes, hold_routes, operator_routes, refund_routes)
SIGNED_BY_SENDER = (webhook_routes.platform_news, webhook_routes.payees_news)

__all__ = ["PAGES", "SIGNED_BY_SENDER", "bp"]
