"""The totals of a year as a paper."""

from datetime import datetime

from flask_babel import gettext as _

from core import documents, formats
from core.money import Money
from payouts.totals import Quarter, Year


def year_pdf(found: list[Year], year: int, *, name: str, pseudonym: str, at: datetime) -> bytes:
    """Typeset what was credited and paid in a year, by quarter, one table for each currency."""
    who = _("Expert %(pseudonym)s", pseudonym=pseudonym)
    notes = [
        _(
            "Credited: the day on which an amount was credited to you, in UTC. This is what we"
            " report to tax offices in the European Union."
        ),
        _(
            "Paid: the day on which money left for your account, less what came back. What came"
            " back is a line of its own, in the quarter in which it came."
        ),
        _("Fees: the platform’s, which the owners paid on top. Nothing was withheld from you."),
    ]
    if year >= at.year:
        notes.insert(0, _("This year is not over: the totals are as of today."))
    values = {
        "title": _("Totals of %(year)s", year=year),
        "foot": _("Totals of %(year)s, Expert %(pseudonym)s", year=year, pseudonym=pseudonym),
        "facts": [
            [_("For"), f"{name}, {who}" if name else who],
            [_("Year"), str(year)],
            [_("Made on"), formats.day_long(at)],
        ],
        "tables": [
            {
                "title": one.currency.upper(),
                "lines": [
                    line
                    for n, part in enumerate(one.quarters, start=1)
                    for line in _lines(str(n), part)
                ],
                "total": _line(_("Year"), one.whole, one.whole.paid),
            }
            for one in found
        ],
        "nothing": "" if found else _("Nothing was credited or paid to you in this year."),
        "heads": [_("Quarter"), _("Credited"), _("Paid"), _("Fees"), _("Tasks")],
        "notes": notes,
    }
    return documents.pdf("payouts/year.typ", values, language=formats.locale().language, made_at=at)


def _lines(name: str, part: Quarter) -> list[list[str]]:
    found = [_line(name, part, part.sent)]
    if part.returned:
        words = _("%(quarter)s, came back", quarter=name)
        found.append([words, "", formats.money(-part.returned), "", ""])
    return found


def _line(name: str, part: Quarter, paid: Money) -> list[str]:
    amounts = (part.credited, paid, part.fees)
    return [name, *map(formats.money, amounts), formats.number(part.activities)]
