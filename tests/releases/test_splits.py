"""Rows of one group are in one split, for good, and no split is empty when it need not be."""

from collections import Counter

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from releases import rows, splits
from releases.recipe import SplitBy


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
    sizes = {f"licence-{number}": Counter(x=1 + number) for number in range(groups)}

    salt = splits.choose_salt(sizes)

    assert {splits.split_of(salt, group) for group in sizes} == set(splits.SHARES)


def test_the_same_groups_give_the_same_salt_in_any_order():
    sizes = {f"g{number}": Counter(x=number + 1) for number in range(12)}

    assert splits.choose_salt(sizes) == splits.choose_salt(dict(reversed(sizes.items())))


def test_no_group_and_one_group_do_not_fail():
    assert splits.choose_salt({}) == "0"
    assert splits.choose_salt({"only": Counter(x=10)})


def test_labels_are_spread_over_the_splits_where_the_groups_allow_it():
    groups = {
        f"g{number}": Counter({"rare" if number % 5 == 0 else "often": 4}) for number in range(60)
    }

    salt = splits.choose_salt(groups)

    rare = Counter(splits.split_of(salt, name) for name, one in groups.items() if "rare" in one)
    assert set(rare) == set(splits.SHARES)


def test_by_time_a_group_is_where_it_began():
    groups = pa.array([f"g{number // 2}" for number in range(20)])
    moments = pa.array([f"2026-01-{number + 1:02d}" for number in range(20)])
    rule = splits.Rule(SplitBy.TIME, cuts=splits.choose_cuts(groups, moments))
    begun = splits.beginnings(groups, moments)

    found = {one: rule.split_of(one, begun[one]) for one in groups.to_pylist()}

    assert Counter(found.values()) == {"train": 8, "validation": 1, "test": 1}
    assert splits.rule(rule.facts()) == rule


@given(st.lists(st.integers(-(10**15), 10**15) | st.floats(-1e15, 1e15)))
def test_numbers_sort_as_words_as_they_do_as_numbers(numbers):
    words = sorted((rows._sortable(one), round(one, 6)) for one in numbers)

    assert [one for _, one in words] == sorted(round(one, 6) for one in numbers)
    assert all(rows._sortable(one) == f"{one:025.6f}" for one in numbers if one > 0)


def test_a_series_that_was_cut_at_numbers_below_nought_keeps_its_sides():
    old = splits.Rule(SplitBy.TIME, "year", cuts=(f"{-5:025.6f}", f"{-9:025.6f}"))

    sides = [old.split_of("g", old.moment(rows._sortable(one))) for one in (-3, -6, -12, 4)]

    assert sides == ["train", "validation", "test", "test"]  # wrong, and the same as before
