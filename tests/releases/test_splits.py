"""Rows of one group are in one split, for good, and no split is empty when it need not be."""

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from releases import splits


@given(st.text(max_size=20), st.text(max_size=40))
def test_a_group_is_always_in_the_same_split(salt, group):
    assert splits.split_of(salt, group) == splits.split_of(salt, group)
    assert splits.split_of(salt, group) in splits.SHARES


def test_many_groups_come_close_to_the_shares():
    counted = Counter(splits.split_of("0", f"g{number}") for number in range(20_000))

    for split, share in splits.SHARES.items():
        assert counted[split] / 20_000 == pytest.approx(share / 100, abs=0.01)


@pytest.mark.parametrize("groups", [3, 5, 8, 20])
def test_few_groups_leave_no_split_empty(groups):
    sizes = {f"licence-{number}": 1 + number for number in range(groups)}

    salt = splits.choose_salt(sizes)

    assert {splits.split_of(salt, group) for group in sizes} == set(splits.SHARES)


def test_the_same_groups_give_the_same_salt_in_any_order():
    sizes = {f"g{number}": number + 1 for number in range(12)}

    assert splits.choose_salt(sizes) == splits.choose_salt(dict(reversed(sizes.items())))


def test_no_group_and_one_group_do_not_fail():
    assert splits.choose_salt({}) == "0"
    assert splits.choose_salt({"only": 10})
