"""Rates and impact ratios equal the worked example of docs/fair-hiring.md, to the fraction."""

from fractions import Fraction

import pytest

from interviews import impact
from interviews.fairness import CATEGORIES
from interviews.impact import BOTH, ETHNICITY, SEX, Case
from proofs import impact_example
from proofs.impact_example import SMALL, people


def test_the_tables_are_those_of_the_worked_example() -> None:
    compared, wrong = impact_example.differences()

    assert wrong == []
    assert compared > 30


def test_the_printed_numbers_of_the_example_are_these_fractions_rounded() -> None:
    table = impact.selection(people(), ETHNICITY, CATEGORIES[ETHNICITY], small=SMALL)
    both = impact.selection(people(), BOTH, CATEGORIES[BOTH], small=SMALL)

    assert [round(float(table.row(one).ratio or 0), 4) for one in ("white", "black", "asian")] == [
        1.0,
        0.7527,
        0.8096,
    ]
    assert round(float(both.row("female", "white").ratio or 0), 4) == 0.8929
    assert round(float(both.row("male", "asian").ratio or 0), 4) == 0.8333


@pytest.mark.parametrize(
    ("cases", "ratios"),
    [
        ([], {}),
        # Nobody passed: there is no highest rate to divide by.
        ([("female", False), ("male", False)], {}),
        ([("female", True), ("male", False)], {"female": 1, "male": 0}),
        ([("female", True)], {"female": 1}),
        ([(None, True), (None, False)], {}),
    ],
)
def test_tables_of_few_people_are_sound(
    cases: list[tuple[str | None, bool]], ratios: dict[str, int]
) -> None:
    found = [Case(sex, None, selected=selected, score=0.5) for sex, selected in cases]

    table = impact.selection(found, SEX, CATEGORIES[SEX], small=SMALL)

    assert {row.key[0]: row.ratio for row in table.rows if row.ratio is not None} == ratios
    assert len(table.rows) == 3


def test_at_the_median_is_not_above_it() -> None:
    cases = [Case("female", None, selected=True, score=0.5) for _ in range(3)]

    table = impact.scoring(cases, SEX, CATEGORIES[SEX], small=SMALL)

    assert table.row("female").rate == 0


@pytest.mark.parametrize(("count", "left_out"), [(1, True), (2, False)])
def test_exactly_two_percent_stays_in_and_less_may_be_left_out(count: int, left_out: bool) -> None:
    cases = [Case("male", None, selected=True, score=1) for _ in range(100 - count)]
    cases += [Case("female", None, selected=False, score=1) for _ in range(count)]

    table = impact.selection(cases, SEX, CATEGORIES[SEX], small=SMALL)

    assert table.row("female").left_out is left_out
    assert table.row("female").count == count
    assert impact.selection(cases, SEX, CATEGORIES[SEX], small=Fraction(0)).row("female").ratio == 0


def test_in_public_a_small_category_and_the_one_that_gives_it_away_are_hidden() -> None:
    counts = {"white": 50, "black": 20, "asian": 12, "native": 3}
    cases = [
        Case(None, name, selected=name == "native" or number % 2 == 0, score=0.5)
        for name, count in counts.items()
        for number in range(count)
    ]
    whole = impact.selection(cases, ETHNICITY, CATEGORIES[ETHNICITY], small=Fraction(0))

    table = impact.in_public(whole, 10)

    assert {row.key[0] for row in table.rows if row.hidden} == {"asian", "native"}
    # The hidden ones had the highest rate: it cannot be worked out of the ratios of the others.
    assert whole.row("white").ratio == Fraction(1, 2)
    assert (table.row("white").ratio, table.row("black").ratio) == (1, 1)


def test_in_public_no_line_of_crossings_has_a_single_hidden_cell() -> None:
    counts = {
        ("female", "white"): 30,
        ("female", "black"): 4,
        ("female", "asian"): 15,
        ("male", "white"): 40,
        ("male", "black"): 20,
        ("male", "asian"): 25,
    }
    cases = [
        Case(sex, ethnicity, selected=True, score=0.5)
        for (sex, ethnicity), count in counts.items()
        for _ in range(count)
    ]
    whole = impact.selection(cases, BOTH, CATEGORIES[BOTH], small=SMALL)

    hidden = {row.key for row in impact.in_public(whole, 10).rows if row.hidden}

    assert ("female", "black") in hidden
    for place in range(2):
        for value in {key[place] for key in counts}:
            assert sum(key[place] == value for key in hidden) != 1
    assert impact.in_public(whole, 0) == whole
