"""The rules of money: terms and facts in, money out. Pure, and each amount is rounded once."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from decimal import ROUND_HALF_UP, Decimal
from fractions import Fraction

from core.errors import Invalid
from core.money import EXPONENTS, Money

PAYDAY = 4  # Friday, counted from Monday, unless an expert chooses another day
PAYDAYS = range(5)
STAYS_DUE = timedelta(hours=66)  # a Friday's payouts stay due until Sunday is over
PAY_HOUR = time(6, tzinfo=UTC)

# Stripe keeps v1 idempotency keys for 24 hours; after that a repeat would pay again.
KEY_LIFE = timedelta(hours=23)
# Longer than an answer can take with all its retries, so that a claim this old is a crash.
ANSWER_TIME = timedelta(minutes=3)
LOOKS_UNTIL_A_PERSON = 8
FIRST_WAIT = timedelta(minutes=1)
LONGEST_WAIT = timedelta(hours=6)
LONGEST_AWAY = timedelta(minutes=30)


class UnknownCurrency(Invalid):
    """Amounts in %(currency)s are not handled here."""


@dataclass(frozen=True)
class Currency:
    """What Stripe asks of amounts in a currency, in minor units.

    Payouts are whole multiples of `step`, and deposits of `deposit_step`.
    """

    exponent: int
    step: int
    least_deposit: int
    least_payout: int
    deposit_step: int = 1


def _of(code: str, least: int, *, step: int = 1, deposit_step: int = 1) -> Currency:
    return Currency(EXPONENTS[code], step, least, least, deposit_step)


# Exponents and steps are Stripe's, not ISO's (docs.stripe.com/currencies): payouts in forints and
# all amounts in krónur are whole hundreds of its minor units. Deposits start well above Stripe's
# least charge; payouts at an amount that is worth a transfer, about five euros. Levs and kunas are
# no more: Bulgaria and Croatia pay in euros.
CURRENCIES = {
    "eur": _of("eur", 500),
    "usd": _of("usd", 500),
    "gbp": _of("gbp", 500),
    "chf": _of("chf", 500),
    "cad": _of("cad", 500),
    "jpy": _of("jpy", 500),
    "aud": _of("aud", 1000),
    "nzd": _of("nzd", 1000),
    "sek": _of("sek", 5000),
    "nok": _of("nok", 5000),
    "dkk": _of("dkk", 4000),
    "pln": _of("pln", 2000),
    "czk": _of("czk", 12_500),
    "huf": _of("huf", 200_000, step=100),
    "ron": _of("ron", 2500),
    "isk": _of("isk", 70_000, step=100, deposit_step=100),
    "hkd": _of("hkd", 4000),
    "sgd": _of("sgd", 700),
}
MOST = 99_999_999  # Stripe's limit for one charge


def currency(code: str) -> Currency:
    """Return the rules of a currency, or raise `UnknownCurrency`."""
    try:
        return CURRENCIES[code]
    except KeyError:
        raise UnknownCurrency(currency=code.upper()) from None


def fee(price: Money, bps: int) -> Money:
    """The platform's fee on top of a price, in hundredths of a percent, rounded half up."""
    return price.share_bps(bps)


def cost(price: Money, bps: int) -> Money:
    """What one assignment takes from a budget: the pay and the fee."""
    return price + fee(price, bps)


def affordable(available: Money, price: Money, bps: int) -> int:
    """How many assignments a budget still pays for."""
    return max(0, available.minor) // cost(price, bps).minor


def part(whole: Money, share: Fraction) -> tuple[Money, Money]:
    """Split an amount: the share, rounded half up, and the rest by subtraction."""
    if not 0 <= share <= 1:
        raise ValueError("a share lies between nothing and all")
    exact = Decimal(whole.minor * share.numerator) / share.denominator
    taken = Money(int(exact.quantize(Decimal(1), ROUND_HALF_UP)), whole.currency)
    return taken, whole - taken


def paid_in_part(pay: Money, percent: int) -> tuple[Money, Money] | None:
    """Split a pay by percent: what is paid and what is not; None where one of them is nothing."""
    paid, rest = part(pay, Fraction(percent, 100))
    return (paid, rest) if paid and rest else None


def least_deposit(code: str) -> Money:
    """The smallest amount that an owner can pay in at once."""
    return Money(currency(code).least_deposit, code)


def most_deposit(code: str) -> Money:
    """The largest amount that an owner can pay in at once."""
    return Money(MOST - MOST % currency(code).deposit_step, code)


def deposit_step(code: str) -> Money:
    """What a deposit is a whole multiple of."""
    return Money(currency(code).deposit_step, code)


def least_payout(code: str) -> Money:
    """The smallest amount that is sent; less is kept for the next time."""
    return Money(currency(code).least_payout, code)


def payable(owed: Money) -> Money:
    """What can be sent of what is owed: whole steps, and nothing below the least."""
    step = currency(owed.currency).step
    whole = Money(owed.minor - owed.minor % step, owed.currency)
    return whole if whole >= least_payout(owed.currency) else Money(0, owed.currency)


def week_of(at: datetime) -> date:
    """The Monday of a time's week."""
    day = at.astimezone(UTC).date()
    return day - timedelta(days=day.weekday())


def is_payday(at: datetime, payday: int = PAYDAY) -> bool:
    """Whether weekly payouts of a weekday are due; they stay due until the second day after."""
    return at < _last_payday(at, payday) + STAYS_DUE


def pay_week(at: datetime, payday: int = PAYDAY) -> date:
    """The Monday of the week whose payouts are due, or were last."""
    return week_of(_last_payday(at, payday))


def next_payday(at: datetime, payday: int = PAYDAY) -> datetime:
    """When weekly payouts of a weekday are made next."""
    return _last_payday(at, payday) + timedelta(days=7)


def wait_after(tries: int) -> timedelta:
    """How long to wait before asking again: twice as long each time, up to a limit."""
    return min(FIRST_WAIT * (1 << min(tries, 20)), LONGEST_WAIT)


def wait_while_away(since: datetime, at: datetime) -> timedelta:
    """How long to wait for a rail that does not answer: half as long again as was waited."""
    return min(max((at - since) / 2, FIRST_WAIT), LONGEST_AWAY)


def key_lives(first_asked_at: datetime, at: datetime) -> bool:
    """Whether repeating a question under its key cannot pay twice."""
    return at - first_asked_at < KEY_LIFE


def _last_payday(at: datetime, payday: int) -> datetime:
    this_week = datetime.combine(week_of(at) + timedelta(days=payday), PAY_HOUR)
    return this_week if at >= this_week else this_week - timedelta(days=7)
