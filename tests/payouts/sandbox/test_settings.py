"""The fee that the sandbox takes: an assumption, but an exact one."""

from pathlib import Path

import pytest

from payouts.sandbox.settings import Settings


@pytest.mark.parametrize(
    ("amount", "fee"),
    [(50, 26), (100, 27), (10000, 175), (50000, 775), (33, 25), (34, 26), (99_999_999, 1_500_025)],
)
def test_the_fee_is_rounded_half_up(amount, fee):
    assert Settings(data=Path()).fee(amount) == fee


def test_the_fee_is_a_setting():
    assert Settings(data=Path(), fee_bps=290, fee_fixed=30).fee(1000) == 59
    assert Settings(data=Path(), fee_bps=0, fee_fixed=0).fee(1000) == 0
