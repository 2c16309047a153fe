"""Money is whole minor units of one currency."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.money import Money, from_decimal, zero


def test_money_is_added_subtracted_and_compared_in_one_currency() -> None:
    assert Money(150, "eur") + Money(50, "eur") == Money(200, "eur")
    assert Money(150, "eur") - Money(50, "eur") == Money(100, "eur")
    assert Money(1, "eur") < Money(2, "eur") <= Money(2, "eur")
    assert Money(3, "eur") * 4 == Money(12, "eur")
    assert not zero("eur")


@pytest.mark.parametrize(
    "mix",
    [
        lambda: Money(1, "eur") + Money(1, "usd"),
        lambda: Money(1, "eur") - Money(1, "usd"),
        lambda: Money(1, "eur") < Money(1, "usd"),
        lambda: Money(1, "doubloon"),
    ],
)
def test_currencies_are_never_mixed_or_unknown(mix: object) -> None:
    with pytest.raises(ValueError, match=r"added or compared|unknown currency"):
        mix()  # type: ignore[operator]


@pytest.mark.parametrize("amount", [1.0, "1", True, None])
def test_money_is_counted_in_whole_units_only(amount: object) -> None:
    with pytest.raises(TypeError):
        Money(amount, "eur")  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("minor", "bps", "share"),
    [(200, 1500, 30), (1, 5000, 1), (1, 4999, 0), (333, 1500, 50), (0, 10_000, 0), (7, 10_000, 7)],
)
def test_a_share_is_rounded_half_up_once(minor: int, bps: int, share: int) -> None:
    assert Money(minor, "eur").share_bps(bps) == Money(share, "eur")


@given(st.integers(0, 10**12), st.integers(0, 10_000))
def test_a_share_and_the_rest_are_the_whole(minor: int, bps: int) -> None:
    whole = Money(minor, "eur")

    share = whole.share_bps(bps)

    assert share + (whole - share) == whole
    assert zero("eur") <= share <= whole


def test_what_is_typed_becomes_minor_units_or_is_refused() -> None:
    assert from_decimal(Decimal("12.30"), "eur") == Money(1230, "eur")
    assert from_decimal(Decimal("500"), "jpy") == Money(500, "jpy")
    with pytest.raises(ValueError, match="finer"):
        from_decimal(Decimal("0.005"), "eur")
    with pytest.raises(ValueError, match="finer"):
        from_decimal(Decimal("0.5"), "jpy")
