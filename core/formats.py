"""Money, numbers and times as people read them, in their language and time zone.

Times are absolute, with the day; a deadline says the clock first and the distance after. A page has
the zone of whoever looks; a letter knows only who wrote it, so its times are in UTC and say so.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

from babel import Locale
from babel.dates import format_date, format_time
from babel.numbers import format_currency, format_decimal, format_percent, get_currency_symbol
from flask_babel import force_locale, get_locale, get_timezone, ngettext
from flask_babel import gettext as _

from core.clock import now
from core.money import EXPONENTS, Money

MINUS = "\N{MINUS SIGN}"
# By language: a day in a row, a day in a sentence. English is European here, as in LOOK.
DAY = {"en": "EEE d MMM", "fr": "EEE d MMM"}
DAY_LONG = {"en": "EEEE d MMMM", "fr": "EEEE d MMMM"}
_IN_LETTER: ContextVar[bool] = ContextVar("in_letter", default=False)


@contextmanager
def of_letter(language: str) -> Iterator[None]:
    """Say everything in a letter's language, and times in UTC, with its name."""
    was = _IN_LETTER.set(True)
    try:
        with force_locale(language):
            yield
    finally:
        _IN_LETTER.reset(was)


def locale() -> Locale:
    """Return the language of this page or letter."""
    return get_locale() or Locale("en")


def money(value: Money) -> str:
    """Return an amount with its currency, never without: €1,234.50 or 1 234,50 €."""
    words = format_currency(value.decimal, value.currency.upper(), locale=locale())
    return words.replace("-", MINUS)


def rate(value: Money) -> str:
    """Return a rate by the hour: €28/h, with cents only where there are some."""
    words = format_currency(
        value.decimal,
        value.currency.upper(),
        format=_pattern(whole=value.decimal == value.decimal.to_integral_value()),
        currency_digits=False,
        locale=locale(),
    )
    return f"{words}/h".replace("-", MINUS)


def money_short(value: Money) -> str:
    """Return an amount for the axis of a chart, without cents."""
    return format_currency(
        value.decimal.to_integral_value(),
        value.currency.upper(),
        format=_pattern(whole=True),
        currency_digits=False,
        locale=locale(),
    ).replace("-", MINUS)


def money_fine(hundredths: int, currency: str) -> str:
    """Return an amount in hundredths of the smallest coin: €0.0021, as calls of a model cost."""
    digits = EXPONENTS[currency] + 2
    return format_currency(
        Decimal(hundredths).scaleb(-digits),
        currency.upper(),
        format=_pattern(whole=True).replace("#,##0", "#,##0." + "0" * digits),
        currency_digits=False,
        locale=locale(),
    ).replace("-", MINUS)


def currency_sign(currency: str) -> str:
    """Return the sign of a currency, for the side of a field."""
    return get_currency_symbol(currency.upper(), locale=locale())


def number(value: float | Decimal, digits: int | None = None) -> str:
    """Return a number with the separators of the language."""
    pattern = None if digits is None else "#,##0" + ("." + "0" * digits if digits else "")
    return format_decimal(value, format=pattern, locale=locale()).replace("-", MINUS)


def percent(value: float, digits: int = 0) -> str:
    """Return a share of one as per cent: 93% or 93 %."""
    pattern = "#,##0" + ("." + "0" * digits if digits else "") + _percent_sign()
    return format_percent(value, format=pattern, locale=locale())


def percent_short_of(value: float, line: float) -> str:
    """Return a share that lies below a line so that it reads as lower, with digits as needed."""
    for digits in range(3):
        words, of_line = percent(value, digits), percent(line, digits)
        if value >= line or words != of_line:
            return words
    return str(_("just under %(line)s", line=percent(line)))


def clock(at: datetime) -> str:
    """Return the time of day: 17:30, or 17 h 30 in French."""
    there = _there(at)
    if locale().language == "fr":
        minutes = f"\N{NO-BREAK SPACE}{there:%M}" if there.minute else ""
        return f"{there.hour}\N{NO-BREAK SPACE}h{minutes}"
    return format_time(there.timetz(), "HH:mm", locale=locale())


def day(at: datetime | date) -> str:
    """Return a day for a row: Tue 8 Dec; with the year where it is another."""
    return _day(at, DAY)


def day_long(at: datetime | date) -> str:
    """Return a day for a sentence: Tuesday 8 December 2026."""
    return _day(at, DAY_LONG, year=True)


def month(at: datetime | date) -> str:
    """Return a month for a sentence: December 2026."""
    there = _there(at).date() if isinstance(at, datetime) else at
    return str(format_date(there, "LLLL y", locale=locale()))


def date_time(at: datetime) -> str:
    """Return a day and time for a row: Tue 24 Nov, 14:10."""
    return _with_zone(_("%(day)s, %(time)s", day=day(at), time=clock(at)))


def date_time_long(at: datetime) -> str:
    """Return a day and time for a sentence: Tuesday 24 November 2026, 14:10."""
    return _with_zone(_("%(day)s, %(time)s", day=day_long(at), time=clock(at)))


def duration(length: timedelta) -> str:
    """Return how long: 12 minutes, 2 h 10 min, 3 days."""
    minutes = max(0, round(length.total_seconds() / 60))
    if minutes < 60:
        return str(ngettext("%(num)s minute", "%(num)s minutes", minutes))
    hours, rest = divmod(minutes, 60)
    if hours >= 48:
        return str(ngettext("%(num)s day", "%(num)s days", round(hours / 24)))
    if rest:
        return str(_("%(hours)s h %(minutes)s min", hours=hours, minutes=rest))
    return str(_("%(hours)s h", hours=hours))


@dataclass(frozen=True)
class Due:
    """A deadline as it is shown."""

    words: str
    tone: str
    icon: str
    iso: str


def due(at: datetime, lead: str | None = "by", *, since: datetime | None = None) -> Due:
    """Return how a deadline is shown; the nearer, the plainer. `lead` is by, until or nothing.

    What began not long ago (`since`) is urgent in its last quarter, and not from the start.
    """
    left = at - now()
    quarter = (at - since) / 4 if since else timedelta(hours=24)
    if left <= timedelta(0):
        words = _("ended %(when)s", when=date_time(at))
        return Due(words, "off", "clock-history", at.isoformat())
    if left < min(timedelta(hours=1), quarter):
        words = _("%(time)s, in %(left)s", time=clock(at), left=duration(left))
        return Due(words, "stop", "alarm", at.isoformat())
    if left < timedelta(hours=24):
        tone = "wait" if since is None else ""
        return Due(_soon(at, left), tone, "clock", at.isoformat())
    return Due(_later(at, lead), "", "clock", at.isoformat())


def moment(at: datetime) -> str:
    """Return a time of day, and the day where it is not today."""
    return clock(at) if _there(at).date() == _there(now()).date() else date_time(at)


def _soon(at: datetime, left: timedelta) -> str:
    facts = {"time": clock(at), "left": duration(left)}
    if _there(at).date() == _there(now()).date():
        return str(_("%(time)s today, in %(left)s", **facts))
    return str(_("%(time)s tomorrow, in %(left)s", **facts))


def _later(at: datetime, lead: str | None) -> str:
    if lead == "by":
        return str(_("by %(when)s", when=date_time(at)))
    if lead == "until":
        return str(_("until %(when)s", when=date_time(at)))
    return date_time(at)


def _day(at: datetime | date, patterns: dict[str, str], year: bool = False) -> str:
    there = _there(at).date() if isinstance(at, datetime) else at
    pattern = patterns.get(locale().language, patterns["en"])
    if year or there.year != _there(now()).year:
        pattern += " y"
    words = format_date(there, pattern, locale=locale())
    if locale().language == "fr" and there.day == 1:
        words = words.replace(" 1 ", " 1er ", 1)
    return words


def _there(at: datetime) -> datetime:
    return at.astimezone(UTC if _IN_LETTER.get() else get_timezone())


def _with_zone(words: str) -> str:
    return f"{words} (UTC)" if _IN_LETTER.get() else str(words)


def _pattern(*, whole: bool) -> str:
    pattern: str = locale().currency_formats["standard"].pattern
    return pattern.replace("0.00", "0") if whole else pattern


def _percent_sign() -> str:
    return "\N{NO-BREAK SPACE}%" if locale().language == "fr" else "%"
