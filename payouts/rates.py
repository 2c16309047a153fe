"""What work pays by the hour: observed times in, rates out. Pure.

Times are from taking a task to handing it in. A rate is what the middle answer earns in an hour,
rounded down, because a rate that nobody reaches is a promise that is broken.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from core.money import EXPONENTS, Money

# With fewer answers, or with those of one person alone, a middle says nothing of others.
LEAST_ANSWERS = 10
LEAST_EXPERTS = 2
# Whoever takes more than four times the middle time has left the page open: it counts as four
# times. The middle itself does not move by that; the upper quarter does.
IDLE = 4


@dataclass(frozen=True)
class Times:
    """How long accepted answers took, in seconds: the middle one, and the quarters around it."""

    answers: int
    experts: int
    lower: int
    median: int
    upper: int


@dataclass(frozen=True)
class Floor:
    """The least pay by the hour that an instance thinks fair in a country."""

    country: str
    hourly: Money


def observed(rows: Iterable[tuple[int, int]]) -> Times | None:
    """Return the times of answers, given as (expert, seconds); None while there are too few."""
    known = [(expert, max(1, seconds)) for expert, seconds in rows]
    experts = len({expert for expert, _seconds in known})
    if len(known) < LEAST_ANSWERS or experts < LEAST_EXPERTS:
        return None
    middle = _at(sorted(seconds for _expert, seconds in known), 2)
    counted = sorted(min(seconds, IDLE * middle) for _expert, seconds in known)
    return Times(len(counted), experts, _at(counted, 1), _at(counted, 2), _at(counted, 3))


def hourly(pay: Money, seconds: int) -> Money:
    """Return pay by the hour in whole units; below ten units cents are kept. Rounded down."""
    exact = pay.minor * 3600 // seconds
    unit = 10 ** EXPONENTS[pay.currency]
    return Money(exact if exact < 10 * unit else exact - exact % unit, pay.currency)


def is_under(pay: Money, seconds: int, floor: Floor | None) -> bool:
    """Whether work pays less by the hour than a floor in its currency; exact, not as shown."""
    if floor is None or floor.hourly.currency != pay.currency:
        return False
    return pay.minor * 3600 < floor.hourly.minor * seconds


def highest(
    countries: Iterable[str], floors: Mapping[str, tuple[int, str]], currency: str
) -> Floor | None:
    """Return the highest floor of some countries in a currency; others cannot be compared."""
    known = [(country, floors[country]) for country in sorted(set(countries)) if country in floors]
    found = [Floor(one, Money(minor, code)) for one, (minor, code) in known if code == currency]
    return max(found, key=lambda floor: floor.hourly.minor, default=None)


def _at(ordered: list[int], quarter: int) -> int:
    """Return the value at a quarter; of an even number the slower one, so as not to promise more.

    Nothing is averaged: each figure is the time of an answer.
    """
    return ordered[min(len(ordered) - 1, len(ordered) * quarter // 4)]
