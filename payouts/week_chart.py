"""The chart of what an expert has earned by week."""

from flask_babel import gettext as _

from core import charts, formats
from core.money import EXPONENTS, Money
from payouts.overview import Week


def figure(weeks: list[Week]) -> charts.Figure:
    """Draw the weeks: sent, owed, in review."""
    code = weeks[0].sent.currency
    first, last = formats.day(weeks[0].monday), formats.day(weeks[-1].monday)

    def money_of(value: float) -> Money:
        return Money(round(value * 10 ** EXPONENTS[code]), code)

    return charts.bars(
        charts.Plan(
            caption=_("Earned by week"),
            alt=_("Earned by week, from %(first)s to %(last)s.", first=first, last=last),
            axis=_("Week of"),
            labels=[_short(week) for week in weeks],
            series=[
                charts.Series(_("Sent"), [float(week.sent.decimal) for week in weeks]),
                charts.Series(
                    _("Accepted, not yet sent"), [float(week.owed.decimal) for week in weeks]
                ),
                charts.Series(_("In review"), [float(week.in_review.decimal) for week in weeks]),
            ],
            note=_("week beginning"),
            show=lambda value: formats.money_short(money_of(value)),
            exact=lambda value: formats.money(money_of(value)),
        )
    )


def _short(week: Week) -> str:
    # The weekday is always Monday, so it is left out.
    return formats.day(week.monday).partition(" ")[2]
