"""Times in, rates out: too few say nothing, idle hours count little, nothing is rounded up."""

import pytest

from core.money import Money
from payouts import rates
from payouts.rates import Floor, Times

TWO = [(1, 60), (2, 60)]


def each(*seconds):
    """Answers of two experts in turn."""
    return [(number % 2, value) for number, value in enumerate(seconds)]


@pytest.mark.parametrize(
    ("rows", "expected"),
    [
        ([], None),
        (each(*[60] * 9), None),
        ([(1, 60)] * 50, None),  # one person alone
        (each(*[60] * 10), Times(10, 2, 60, 60, 60)),
        (each(10, 20, 30, 40, 50, 60, 70, 80, 90, 100), Times(10, 2, 30, 60, 80)),
        # Of an even number the slower of the two in the middle.
        (each(*[100] * 5, *[200] * 5), Times(10, 2, 100, 200, 200)),
        # A third left the page open over night: the upper quarter is four times the middle.
        (each(*[100] * 7, *[40_000] * 3), Times(10, 2, 100, 100, 400)),
        (each(*[100] * 8, *[40_000] * 2), Times(10, 2, 100, 100, 100)),
        # A time that the clock made nothing or less counts as a second.
        (each(*[0] * 6, *[-5] * 5), Times(11, 2, 1, 1, 1)),
    ],
)
def test_times(rows, expected):
    assert rates.observed(rows) == expected
    assert rates.observed(reversed(rows)) == expected


@pytest.mark.parametrize(
    ("minor", "currency", "seconds", "expected"),
    [
        (420, "eur", 540, 2800),
        (420, "eur", 541, 2700),
        (100, "eur", 600, 600),
        (100, "eur", 700, 514),
        (1, "eur", 3601, 0),
        (99_999_999, "eur", 1, 359_999_996_400),
        (500, "jpy", 1800, 1000),
    ],
)
def test_rates_are_rounded_down(minor, currency, seconds, expected):
    assert rates.hourly(Money(minor, currency), seconds) == Money(expected, currency)


@pytest.mark.parametrize(
    ("pay", "seconds", "floor", "under"),
    [
        (420, 540, None, False),
        (420, 540, ("eur", 2800), False),  # exactly the floor
        (420, 540, ("eur", 2801), True),
        (420, 541, ("eur", 2794), False),  # shown as 27, and 27.948 is not below 27.94
        (420, 541, ("eur", 2795), True),
        (420, 540, ("usd", 99_000), False),  # another currency is not compared
    ],
)
def test_floors_are_compared_exactly(pay, seconds, floor, under):
    known = floor and Floor("FR", Money(floor[1], floor[0]))

    assert rates.is_under(Money(pay, "eur"), seconds, known) is under


FLOORS = {"FR": (1202, "eur"), "DE": (1282, "eur"), "US": (725, "usd")}


@pytest.mark.parametrize(
    ("countries", "currency", "expected"),
    [
        ([], "eur", None),
        (["BE"], "eur", None),
        (["FR"], "eur", "FR"),
        (["FR", "DE", "US", "FR"], "eur", "DE"),
        (["FR", "DE", "US"], "usd", "US"),
        (["FR"], "usd", None),
    ],
)
def test_the_highest_floor_of_some_countries(countries, currency, expected):
    found = rates.highest(countries, FLOORS, currency)

    assert (found and found.country) == expected
