"""Which groups of rows belong together because rows in them say the same. Pure.

What was in an earlier release keeps its group, and so its split, for good: a newcomer that says
the same joins it.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

EXAMPLES = 5


@dataclass
class Regrouped:
    """New names of groups, rows that are dropped, and what to say of it."""

    names: dict[str, str] = field(default_factory=dict)
    dropped: frozenset[int] = frozenset()
    report: dict[str, Any] = field(default_factory=dict)


def carried(ids: pa.ChunkedArray, groups: pa.ChunkedArray, before: pa.Table) -> dict[str, str]:
    """Return the groups that have had another name since an earlier release."""
    place = pc.index_in(ids, value_set=before["id"])
    old = before["group"].take(place)
    differ = pc.fill_null(pc.not_equal(old, groups), False)
    return dict(zip(groups.filter(differ).to_pylist(), old.filter(differ).to_pylist(), strict=True))


def join(
    ids: pa.ChunkedArray,
    groups: pa.ChunkedArray,
    clusters: tuple[NDArray[np.int64], NDArray[np.bool_]],
    *,
    carried: Mapping[str, str],
    known: frozenset[str],
    drop: bool,
) -> Regrouped:
    """Join the groups of rows that say the same, or drop all but the first of them."""
    roots, near = clusters
    others = np.flatnonzero(roots != np.arange(len(roots)))
    names = dict(carried)
    report: dict[str, Any] = {
        "exact": int(len(others) - near.sum()),
        "near": int(near.sum()),
        "clusters": len(np.unique(roots[others])),
        "examples": [
            [ids[int(roots[at])].as_py(), ids[int(at)].as_py()] for at in others[:EXAMPLES]
        ],
        "dropped": len(others) if drop else 0,
        "in_two_splits": 0,
    }
    if drop:
        return Regrouped(names, frozenset(others.tolist()), report)
    report["in_two_splits"] = _join(groups, roots, others, names, known)
    return Regrouped(names, frozenset(), report)


def _join(
    groups: pa.ChunkedArray,
    roots: NDArray[np.int64],
    others: NDArray[np.int64],
    names: dict[str, str],
    known: frozenset[str],
) -> int:
    """Name joined groups alike; return how many clusters lie in several that are known already."""
    parent: dict[str, str] = {}

    def root(name: str) -> str:
        while parent.setdefault(name, name) != name:
            parent[name] = parent[parent[name]]
            name = parent[name]
        return name

    own = groups.take(pa.array(others)).to_pylist()
    firsts = groups.take(pa.array(roots[others])).to_pylist()
    for one, first in zip(own, firsts, strict=True):
        low, high = sorted((root(names.get(one, one)), root(names.get(first, first))))
        parent[high] = low
    together: dict[str, list[str]] = {}
    for name in parent:
        together.setdefault(root(name), []).append(name)
    torn = 0
    for low, members in together.items():
        old = sorted(name for name in members if name in known)
        torn += len(old) > 1
        for name in members:
            # What is published stays where it is, even where it should not have been parted.
            if name not in known and name != (old or [low])[0]:
                names[name] = (old or [low])[0]
    # A name that was carried from before to a group that is now joined follows it.
    for name, other in names.items():
        names[name] = names.get(other, other)
    return torn
