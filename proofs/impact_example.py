"""The hundred people of docs/fair-hiring.md, and the numbers that were worked out there by hand."""

from fractions import Fraction

from interviews import impact
from interviews.fairness import CATEGORIES
from interviews.impact import BOTH, ETHNICITY, SEX, By, Case, Key, Table

SMALL = Fraction(2, 100)
EXAMPLE: dict[tuple[str | None, str | None], tuple[int, int]] = {
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
SCORES: list[tuple[str | None, float]] = [
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


# By table: how many are known and unknown, rates, impact ratios, and who is left out of these.
SELECTION: dict[By, tuple[int, int, dict[Key, Fraction], dict[Key, Fraction], set[Key]]] = {
    SEX: (
        91,
        9,
        {
            ("female",): Fraction(45, 100),
            ("male",): Fraction(1, 2),
            ("another",): Fraction(1),
        },
        {("female",): Fraction(9, 10), ("male",): Fraction(1)},
        {("another",)},
    ),
    ETHNICITY: (
        93,
        7,
        {
            ("white",): Fraction(25, 46),
            ("black",): Fraction(9, 22),
            ("asian",): Fraction(11, 25),
        },
        {
            ("white",): Fraction(1),
            ("black",): Fraction(414, 550),
            ("asian",): Fraction(506, 625),
        },
        set(),
    ),
    BOTH: (
        91,
        9,
        {("male", "white"): Fraction(56, 100), ("another", "white"): Fraction(1)},
        {
            ("male", "white"): Fraction(1),
            ("female", "white"): Fraction(25, 28),
            ("female", "black"): Fraction(5, 7),
            ("female", "asian"): Fraction(5, 7),
            ("male", "black"): Fraction(5, 7),
            ("male", "asian"): Fraction(5, 6),
        },
        {("another", "white")},
    ),
}
MIDDLE = 0.625
SCORING_RATES = {("female",): Fraction(1, 2), ("male",): Fraction(2, 5)}
SCORING_RATIOS = {("female",): Fraction(1), ("male",): Fraction(4, 5)}


def differences() -> tuple[int, list[str]]:
    """Return how many numbers were compared with those worked by hand, and which differ."""
    compared, wrong = 0, []
    for by, (known, unknown, rates, ratios, left_out) in SELECTION.items():
        table = impact.selection(people(), by, CATEGORIES[by], small=SMALL)
        found = {
            "known": (table.known, known),
            "unknown": (table.unknown, unknown),
            "left out": ({row.key for row in table.rows if row.left_out}, left_out),
            "ratios": (_ratios(table), ratios),
            **{f"rate of {key}": (table.row(*key).rate, rate) for key, rate in rates.items()},
        }
        compared += len(found) + len(ratios) - 1
        wrong += [
            f"{by}: {name} {got}, not {due}" for name, (got, due) in found.items() if got != due
        ]
    cases = [Case(sex, None, selected=False, score=score) for sex, score in SCORES]
    scored = impact.scoring(cases, SEX, CATEGORIES[SEX], small=SMALL)
    found = {
        "median": (impact.middle_score(cases), MIDDLE),
        "rates": ({key: scored.row(*key).rate for key in SCORING_RATES}, SCORING_RATES),
        "ratios": (_ratios(scored), SCORING_RATIOS),
        "unknown": ((scored.unknown, scored.unknown_hits), (1, 1)),
    }
    compared += 7
    wrong += [
        f"scores: {name} {got}, not {due}" for name, (got, due) in found.items() if got != due
    ]
    return compared, wrong


def _ratios(table: Table) -> dict[Key, Fraction]:
    return {row.key: row.ratio for row in table.rows if row.ratio is not None}
