"""Selection and scoring rates and their impact ratios, as New York City's Local Law 144 asks.

Pure: cases in, tables out; no session, clock or words. Rates are exact fractions.

- Selection rate of a category: selected over assessed.
- Scoring rate of a category: how many scored above the median of the full sample, over assessed.
- Impact ratio of a category: its rate over the highest rate among the categories of its table.
- A category with less than a given share (2 %) of those whose category is known may be left out
  of the ratios: then it is no reference either. Its counts and its rate are told all the same.
- Whoever has not declared a category is counted as unknown. They count for the median: it is the
  one of the full sample.

A worked example stands in docs/fair-hiring.md, and in the tests.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from statistics import median

Key = tuple[str, ...]
By = tuple[str, ...]
SEX: By = ("sex",)
ETHNICITY: By = ("ethnicity",)
BOTH: By = ("sex", "ethnicity")


@dataclass(frozen=True)
class Case:
    """Somebody who was assessed: what they declared, if anything, and what came of it."""

    sex: str | None
    ethnicity: str | None
    selected: bool
    score: float


@dataclass(frozen=True)
class Row:
    """One category: how many, how many of them with the better result, rate and ratio.

    `left_out`: too small a share for a ratio. `hidden`: too few people to be told of in public.
    """

    key: Key
    count: int
    hits: int
    ratio: Fraction | None = None
    left_out: bool = False
    hidden: bool = False

    @property
    def rate(self) -> Fraction | None:
        """The share with the better result; nobody has none."""
        return Fraction(self.hits, self.count) if self.count else None


@dataclass(frozen=True)
class Table:
    """The categories of one kind, and how many people have none that is known."""

    by: By
    rows: tuple[Row, ...]
    unknown: int
    unknown_hits: int

    @property
    def known(self) -> int:
        """How many people stand in the rows."""
        return sum(row.count for row in self.rows)

    def row(self, *key: str) -> Row:
        """Return a category."""
        return next(row for row in self.rows if row.key == key)


def selection(
    cases: Iterable[Case], by: By, categories: Sequence[Key], *, small: Fraction
) -> Table:
    """Return selection rates and impact ratios."""
    return _table(cases, by, categories, small, lambda case: case.selected)


def scoring(cases: Sequence[Case], by: By, categories: Sequence[Key], *, small: Fraction) -> Table:
    """Return scoring rates and impact ratios; above means above, not at, the median."""
    middle = middle_score(cases)
    return _table(
        cases, by, categories, small, lambda case: middle is not None and case.score > middle
    )


def middle_score(cases: Sequence[Case]) -> float | None:
    """Return the median score of the full sample; nobody has none."""
    return median(case.score for case in cases) if cases else None


def in_public(table: Table, at_least: int, also: frozenset[Key] = frozenset()) -> Table:
    """Hide categories with fewer people than `at_least`, and what would give them away.

    A single hidden category could be told from the total: then the next one is hidden too. Nor may
    the rate of a hidden one be worked out of the ratios of others, so hidden ones are no reference.
    `also` are categories to hide because another table hides what they add up to.
    """
    hidden = _hidden({row.key: row.count for row in table.rows}, at_least, also)
    rows = [
        replace(row, hidden=row.key in hidden, left_out=row.left_out or row.key in hidden)
        for row in table.rows
    ]
    return replace(table, rows=_with_ratios(rows))


def _table(
    cases: Iterable[Case],
    by: By,
    categories: Sequence[Key],
    small: Fraction,
    is_hit: Callable[[Case], bool],
) -> Table:
    counts = {key: [0, 0] for key in categories}
    unknown = [0, 0]
    for case in cases:
        key = tuple(getattr(case, name) or "" for name in by)
        cell = counts.get(key, unknown)
        cell[0] += 1
        cell[1] += is_hit(case)
    known = sum(count for count, _hits in counts.values())
    rows = [
        Row(key, count, hits, left_out=0 < count < small * known)
        for key, (count, hits) in counts.items()
    ]
    return Table(by, _with_ratios(rows), unknown[0], unknown[1])


def _with_ratios(rows: Sequence[Row]) -> tuple[Row, ...]:
    kept = [row.rate for row in rows if row.rate is not None and not row.left_out]
    best = max(kept, default=Fraction(0))
    return tuple(replace(row, ratio=_ratio(row, best)) for row in rows)


def _ratio(row: Row, best: Fraction) -> Fraction | None:
    if row.left_out or row.rate is None or best == 0:
        return None
    return row.rate / best


def _hidden(counts: Mapping[Key, int], at_least: int, also: frozenset[Key]) -> frozenset[Key]:
    """Return the cells to hide, until no line of the table has a single hidden one."""
    few = {key for key, count in counts.items() if 0 < count < at_least}
    hidden = few | {key for key in also if counts.get(key)}
    while True:
        more = {one for line in _lines(counts) if (one := _companion(line, hidden, counts))}
        if not more:
            return frozenset(hidden)
        hidden |= more


def _lines(counts: Mapping[Key, int]) -> list[list[Key]]:
    """Return the rows and columns of a table; one with one dimension has one line."""
    people = [key for key, count in counts.items() if count]
    lines: list[list[Key]] = [[key for key in people if len(key) == 1]]
    for place in range(2):
        for value in {key[place] for key in people if len(key) == 2}:
            lines.append([key for key in people if len(key) == 2 and key[place] == value])
    return lines


def _companion(line: list[Key], hidden: set[Key], counts: Mapping[Key, int]) -> Key | None:
    """Return the smallest cell that has to be hidden with the only hidden one of a line."""
    if sum(key in hidden for key in line) != 1:
        return None
    others = [key for key in line if key not in hidden]
    return min(others, key=lambda key: (counts[key], key), default=None)
