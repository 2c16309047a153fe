"""Which split a row belongs to: by its group, so that nothing leaks from train to test. Pure.

A group never changes its split between versions: the split follows from a salt that a series
keeps and from the name of the group, and from nothing else.
"""

import hashlib
from collections.abc import Mapping

SHARES = {"train": 80, "validation": 10, "test": 10}
# Above this many groups any salt comes close to the shares.
FEW_GROUPS = 2000
SALTS = 64


def split_of(salt: str, group: str) -> str:
    """Return the split of a group."""
    digest = hashlib.sha256(f"{salt}\n{group}".encode()).digest()
    place = int.from_bytes(digest[:8], "big") % 100
    for split, share in SHARES.items():
        if place < share:
            return split
        place -= share
    raise AssertionError("the shares sum to a hundred")


def choose_salt(groups: Mapping[str, int]) -> str:
    """Return the salt that brings a first release closest to the shares; groups with their sizes.

    With few groups most salts leave a split empty; the same groups give the same salt.
    """
    if not groups or len(groups) > FEW_GROUPS:
        return "0"
    return min(map(str, range(SALTS)), key=lambda salt: (_distance(salt, groups), int(salt)))


def _distance(salt: str, groups: Mapping[str, int]) -> float:
    rows = dict.fromkeys(SHARES, 0)
    for group, size in groups.items():
        rows[split_of(salt, group)] += size
    total = sum(rows.values())
    off = sum(abs(rows[split] / total - share / 100) for split, share in SHARES.items())
    # An empty split is worse than any other distance: nobody can validate or test with it.
    return off + 2 * sum(not count for count in rows.values())
