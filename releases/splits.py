"""Which split a row belongs to, so that nothing leaks from train to test. Pure.

A group never changes its split between versions. By group or by a field of the data, the split
follows from a salt that a series keeps and from the name of the group, and from nothing else. By
time, it follows from two moments that a series keeps and from when the group began.
"""

import hashlib
import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from releases.recipe import SplitBy

SHARES = {"train": 80, "validation": 10, "test": 10}
_HUNDRED = [split for split, share in SHARES.items() for _ in range(share)]
# Above this many groups any salt comes close to the shares, of rows and of each label.
FEW_GROUPS = 2000
SALTS = 64
Groups = Mapping[str, Counter[str]]
# The further below nought a number is, the earlier its words are to sort.
MIRRORED = str.maketrans("0123456789", "9876543210")
_NEGATIVE = re.compile(r"-[0-9]{17}\.[0-9]{6}")


@dataclass(frozen=True)
class Rule:
    """How rows of a series are split, from its first release on."""

    by: SplitBy = SplitBy.GROUP
    field: str = ""
    salt: str = "0"
    # With time: the first moments that are no longer for training, and no longer for validation.
    cuts: tuple[str, ...] = ()

    def facts(self) -> dict[str, Any]:
        """Return it as JSON holds it."""
        said = {"by": str(self.by), "field": self.field, "shares": SHARES}
        if self.by is SplitBy.TIME:
            return said | {"cuts": list(self.cuts)}
        return said | {"salt": self.salt, "hash": "sha256(salt, group)"}

    def split_of(self, group: str, moment: str) -> str:
        """Return the split of a group that began at a moment."""
        if self.by is not SplitBy.TIME:
            return split_of(self.salt, group)
        passed = sum(moment >= cut for cut in self.cuts)
        return [*SHARES][passed]

    def moment(self, words: str) -> str:
        """Return a moment as the cuts of the series were written.

        A series that was begun when numbers below nought stood the wrong way round stays so: no
        row changes sides.
        """
        if self._is_turned and _NEGATIVE.fullmatch(words):
            return words.translate(MIRRORED)
        return words

    @property
    def _is_turned(self) -> bool:
        return any(cut.startswith("-0") and _NEGATIVE.fullmatch(cut) for cut in self.cuts)


def rule(held: Mapping[str, Any]) -> Rule:
    """Return a rule from JSON."""
    return Rule(
        SplitBy(held["by"]), held["field"], held.get("salt", "0"), tuple(held.get("cuts", ()))
    )


def split_of(salt: str, group: str) -> str:
    """Return the split of a group."""
    digest = hashlib.sha256(f"{salt}\n{group}".encode()).digest()
    return _HUNDRED[int.from_bytes(digest[:8], "big") % 100]


def choose_salt(groups: Groups) -> str:
    """Return the salt that brings a first release closest to the shares, in rows and labels.

    Groups come with their rows by label. With few groups most salts leave a split empty or
    without a label; the same groups give the same salt.
    """
    if not groups or len(groups) > FEW_GROUPS:
        return "0"
    return min(map(str, range(SALTS)), key=lambda salt: (_distance(salt, groups), int(salt)))


def choose_cuts(groups: pa.Array, moments: pa.Array) -> tuple[str, ...]:
    """Return the moments at which four fifths, and nine tenths, of the rows have begun.

    A group begins with its first row. Rows without a moment come first.
    """
    table = pa.table({"group": groups, "moment": moments})
    begun = table.group_by("group", use_threads=False).aggregate(
        [("moment", "min"), ([], "count_all")]
    )
    begun = begun.sort_by([("moment_min", "ascending"), ("group", "ascending")])
    if not begun.num_rows:
        return ()
    rows = np.cumsum(begun["count_all"].to_numpy())
    cuts, share = [], 0
    for part in [*SHARES.values()][:-1]:
        share += part
        at = int(np.searchsorted(rows, rows[-1] * share / 100))
        cuts.append(str(begun["moment_min"][min(at + 1, begun.num_rows - 1)]))
    return tuple(cuts)


def beginnings(groups: pa.Array, moments: pa.Array) -> dict[str, str]:
    """Return when each group of more than one row began."""
    table = pa.table({"group": groups, "moment": moments})
    begun = table.group_by("group", use_threads=False).aggregate(
        [("moment", "min"), ([], "count_all")]
    )
    several = begun.filter(pc.greater(begun["count_all"], 1))
    return dict(zip(several["group"].to_pylist(), several["moment_min"].to_pylist(), strict=True))


def _distance(salt: str, groups: Groups) -> float:
    rows = {split: Counter[str]() for split in SHARES}
    for group, labels in groups.items():
        rows[split_of(salt, group)] += labels
    whole = sum(rows.values(), Counter())
    total = whole.total()
    sizes = {split: rows[split].total() for split in SHARES}
    off = sum(abs(sizes[split] / total - share / 100) for split, share in SHARES.items())
    # Labels weigh less than sizes: a split of the right size with one label more is no trouble.
    uneven = sum(
        abs(rows[split][label] - count * sizes[split] / total) / total
        for label, count in whole.items()
        for split in SHARES
    )
    # An empty split is worse than any other distance: nobody can validate or test with it.
    return off + uneven / 2 + 2 * sum(not size for size in sizes.values())
