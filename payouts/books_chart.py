"""What we hold over time, by our books and by Stripe's, as a chart."""

from collections.abc import Sequence

from flask_babel import gettext as _

from core import charts, formats
from core.charts import Figure, Plan, Series
from core.money import EXPONENTS, Money
from payouts.models import Reconciliation


def held_over_time(rows: Sequence[Reconciliation], currency: str) -> Figure | None:
    """Draw the newest comparisons, the oldest first; None where a chart says nothing."""
    if len(rows) < 2 or any(min(row.ledger, row.available + row.pending).minor < 0 for row in rows):
        return None  # a chart starts at nothing; below it, the table says more
    oldest_first = rows[::-1]
    code = currency.upper()
    ours = [float(row.ledger.decimal) for row in oldest_first]
    theirs = [float((row.available + row.pending).decimal) for row in oldest_first]
    return charts.lines(
        Plan(
            caption=_("Held over time, in %(currency)s", currency=code),
            alt=_(
                "Two lines, ours and Stripe’s, over %(count)s comparisons; where they agree they"
                " lie upon each other.",
                count=len(rows),
            ),
            axis=_("Compared"),
            labels=[formats.day(row.at) for row in oldest_first],
            series=[Series(_("By our ledger"), ours), Series(_("By Stripe"), theirs)],
            exact=lambda value: formats.money(_money(value, currency)),
        )
    )


def _money(value: float, currency: str) -> Money:
    return Money(round(value * 10 ** EXPONENTS[currency]), currency)
