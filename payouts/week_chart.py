"""The chart of what an expert has earned by week."""

from babel.dates import format_date
from flask_babel import gettext as _

from core import charts, formats
from core.money import EXPONENTS, Money
from payouts.overview import Week


def figure(weeks: list[Week], *, of_project: str = "", months: bool = False) -> charts.Figure:
    """Draw the weeks or months: sent, owed, in review; of one project accepted and in review."""
    code = weeks[0].sent.currency
    first, last = formats.day(weeks[0].monday), formats.day(weeks[-1].monday)

    def money_of(value: float) -> Money:
        return Money(round(value * 10 ** EXPONENTS[code]), code)

    return charts.bars(
        charts.Plan(
            caption=_("Earned by month") if months else _("Earned by week"),
            alt=_("Earned by month, from %(first)s to %(last)s.", first=first, last=last)
            if months
            else _("Earned by week, from %(first)s to %(last)s.", first=first, last=last),
            axis=_("Month") if months else _("Week of"),
            labels=[_month(week) if months else _short(week) for week in weeks],
            series=_series(weeks, of_project),
            note=of_project or ("" if months else _("week beginning")),
            show=lambda value: formats.money_short(money_of(value)),
            exact=lambda value: formats.money(money_of(value)),
        )
    )


def _series(weeks: list[Week], of_project: str) -> list[charts.Series]:
    sent = charts.Series(_("Sent"), [float(week.sent.decimal) for week in weeks])
    owed = [float(week.owed.decimal) for week in weeks]
    review = charts.Series(_("In review"), [float(week.in_review.decimal) for week in weeks])
    if of_project:
        return [charts.Series(_("Accepted"), owed), review]
    return [sent, charts.Series(_("Accepted, not yet sent"), owed), review]


def _month(week: Week) -> str:
    return str(format_date(week.monday, "LLL", locale=formats.locale()))


def _short(week: Week) -> str:
    # The weekday is always Monday, so it is left out.
    return formats.day(week.monday).partition(" ")[2]
