"""Pay, fee, cost and the rate by the hour."""

import pytest

from core.money import Money
from projects import pricing
from projects.models import Project


@pytest.mark.parametrize(
    ("minor", "minutes", "currency", "expected"),
    [
        (420, 9, "eur", 2800),
        (420, 10, "eur", 2500),
        (650, 14, "eur", 2700),  # 27.857…: never more than somebody gets
        (100, 10, "eur", 600),
        (111, 10, "eur", 666),  # below ten, cents are kept
        (1, 60, "eur", 1),
        (1, 2880, "eur", 0),
        (900, 30, "jpy", 1800),
    ],
)
def test_the_rate_is_never_rounded_up(minor, minutes, currency, expected):
    assert pricing.hourly(Money(minor, currency), minutes) == Money(expected, currency)


def test_the_fee_comes_on_top_of_the_pay():
    project = Project(
        price_minor=420, currency="eur", fee_bps=1500, usual_minutes=9, overlap=2, task_count=600
    )

    price = pricing.of(project)

    assert (price.pay.minor, price.fee.minor, price.cost.minor) == (420, 63, 483)
    assert pricing.whole(project).minor == 483 * 1200
