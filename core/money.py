"""Money as whole minor units of one currency. No floats, and no two currencies in one sum."""

from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal
from functools import total_ordering

# Digits after the point as Stripe counts them (docs.stripe.com/currencies), which is not always as
# people do: Iceland has no smaller coin than a króna, and Stripe counts in hundredths of one.
TWO_DIGITS = (
    *("eur", "usd", "gbp", "chf", "cad", "aud", "nzd", "sek", "nok", "dkk"),
    *("pln", "czk", "huf", "ron", "isk", "hkd", "sgd"),
)
EXPONENTS = {**dict.fromkeys(TWO_DIGITS, 2), "jpy": 0}


@total_ordering
@dataclass(frozen=True)
class Money:
    """An amount in minor units (cents) of a currency in lower-case ISO letters."""

    minor: int
    currency: str

    def __post_init__(self) -> None:
        if isinstance(self.minor, bool) or not isinstance(self.minor, int):
            raise TypeError("money is counted in whole minor units")
        if self.currency not in EXPONENTS:
            raise ValueError(f"unknown currency {self.currency!r}")

    def __add__(self, other: "Money") -> "Money":
        return Money(self.minor + self._same(other).minor, self.currency)

    def __sub__(self, other: "Money") -> "Money":
        return Money(self.minor - self._same(other).minor, self.currency)

    def __mul__(self, times: int) -> "Money":
        if isinstance(times, bool) or not isinstance(times, int):
            raise TypeError("money is multiplied by whole numbers; shares are share_bps")
        return Money(self.minor * times, self.currency)

    def __neg__(self) -> "Money":
        return Money(-self.minor, self.currency)

    def __lt__(self, other: "Money") -> bool:
        return self.minor < self._same(other).minor

    def __bool__(self) -> bool:
        return self.minor != 0

    def share_bps(self, bps: int) -> "Money":
        """Return a share in hundredths of a percent, rounded half up to a minor unit."""
        exact = Decimal(self.minor) * bps / 10_000
        return Money(int(exact.quantize(Decimal(1), ROUND_HALF_UP)), self.currency)

    @property
    def decimal(self) -> Decimal:
        """The amount in major units, for showing only."""
        return Decimal(self.minor).scaleb(-EXPONENTS[self.currency])

    def _same(self, other: "Money") -> "Money":
        if other.currency != self.currency:
            raise ValueError(f"{self.currency} and {other.currency} are not added or compared")
        return other


def zero(currency: str) -> Money:
    """Return nothing, in a currency."""
    return Money(0, currency)


def from_decimal(amount: Decimal, currency: str) -> Money:
    """Return money from what a person typed; raise `ValueError` for fractions of a minor unit."""
    minor = amount.scaleb(EXPONENTS[currency])
    if minor != minor.to_integral_value():
        raise ValueError("finer than the currency's smallest unit")
    return Money(int(minor), currency)
