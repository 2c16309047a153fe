"""Rates and impact ratios equal the worked example of docs/fair-hiring.md, to the fraction."""

from fractions import Fraction

import pytest

from interviews import impact
from interviews.fairness import CATEGORIES
from interviews.impact import BOTH, ETHNICITY, SEX, By, Case, Key

SMALL = Fraction(2, 100)
EXAMPLE = {
    ("female", "white"): (10, 20),
    ("female", "black"): (4, 10),
    ("female", "asian"): (4, 10),
    ("male", "white"): (14, 25),
    ("male", "black"): (4, 10),
    ("male", "asian"): (7, 15),
    ("another", "white"): (1, 1),
    (None, "black"): (1, 2),
    (None, None): (3, 7),
}
SCORES = [
    *(("female", score) for score in (0.9, 0.8, 0.6, 0.4)),
    *(("male", score) for score in (0.95, 0.7, 0.5, 0.3, 0.2)),
    (None, 0.65),
]


def people() -> list[Case]:
    """The hundred people of the example."""
    return [
        Case(sex, ethnicity, selected=number < passed, score=0.5)
        for (sex, ethnicity), (passed, count) in EXAMPLE.items()
        for number in range(count)
    ]


@pytest.mark.parametrize(
    ("by", "known", "unknown", "rates", "ratios", "left_out"),
    [
        (
            SEX,
            91,
            9,
            {("female",): Fraction(45, 100), ("male",): Fraction(1, 2), ("another",): 1},
            {("female",): Fraction(9, 10), ("male",): 1},
            {("another",)},
        ),
        (
            ETHNICITY,
            93,
            7,
            {
                ("white",): Fraction(25, 46),
                ("black",): Fraction(9, 22),
                ("asian",): Fraction(11, 25),
            },
            {("white",): 1, ("black",): Fraction(414, 550), ("asian",): Fraction(506, 625)},
            set(),
        ),
        (
            BOTH,
            91,
            9,
            {("male", "white"): Fraction(56, 100), ("another", "white"): 1},
            {
                ("male", "white"): 1,
                ("female", "white"): Fraction(25, 28),
                ("female", "black"): Fraction(5, 7),
                ("female", "asian"): Fraction(5, 7),
                ("male", "black"): Fraction(5, 7),
                ("male", "asian"): Fraction(5, 6),
            },
            {("another", "white")},
        ),
    ],
)
def test_the_selection_tables_are_those_of_the_worked_example(
    by: By,
    known: int,
    unknown: int,
    rates: dict[Key, Fraction],
    ratios: dict[Key, Fraction],
    left_out: set[Key],
) -> None:
    table = impact.selection(people(), by, CATEGORIES[by], small=SMALL)

    assert (table.known, table.unknown) == (known, unknown)
    assert {key: table.row(*key).rate for key in rates} == rates
    assert {row.key: row.ratio for row in table.rows if row.ratio is not None} == ratios
    assert {row.key for row in table.rows if row.left_out} == left_out


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


def test_the_scoring_table_is_that_of_the_worked_example() -> None:
    cases = [Case(sex, None, selected=False, score=score) for sex, score in SCORES]

    table = impact.scoring(cases, SEX, CATEGORIES[SEX], small=SMALL)

    assert impact.middle_score(cases) == 0.625
    assert (table.row("female").rate, table.row("male").rate) == (Fraction(1, 2), Fraction(2, 5))
    assert (table.row("female").ratio, table.row("male").ratio) == (1, Fraction(4, 5))
    assert (table.unknown, table.unknown_hits) == (1, 1)


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
