"""Finds rows that say the same, exactly or nearly, in bounded memory. Pure, but for one file.

Exactly: the same words, whatever their spaces and capitals. Nearly: by MinHash over runs of three
words (Broder 1997), candidates by bands (Leskovec, Rajaraman, Ullman, "Mining of Massive
Datasets", chapter 3), kept where the signatures agree for four fifths. Fixed numbers throughout,
so that the same rows always give the same clusters.
"""

import re
import unicodedata
import zlib
from array import array
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

SIGNATURE, BANDS, RUN = 64, 16, 3
ALIKE = 0.8
SEED = 20261127
SIGNATURES = "signatures.spool"
_WORD = re.compile(r"\w+")
_ODD, _SHIFT = np.random.default_rng(SEED).integers(
    1, 2**63, (2, SIGNATURE, 1), dtype=np.uint64
) | np.uint64(1)


class Finder:
    """Takes the words of each row in turn, and then says which rows are duplicates."""

    def __init__(self, folder: Path, *, near: bool) -> None:
        self.exact = array("Q")
        self.file = (folder / SIGNATURES).open("wb") if near else None
        self.path = folder / SIGNATURES

    def add(self, words: str) -> None:
        """Take the words of the next row."""
        self.add_all(pa.array([words], pa.string()))

    def add_all(self, words: pa.Array) -> None:
        """Take the words of the next rows."""
        plain = normals(words)
        # A row without words says nothing, and so not the same as another: zero stands for it.
        # What stands for words is the same within this process and is kept nowhere else.
        said = np.fromiter(map(hash, plain), np.int64, len(plain))
        self.exact.frombytes(said.tobytes())
        if self.file is not None:
            for one in plain:
                self.file.write(signature(one).tobytes())

    def clusters(self) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
        """Return for each row the first row that says the same, and whether it is only near."""
        hashes = np.frombuffer(self.exact, dtype=np.uint64)
        parent = np.arange(len(hashes))
        for first, other in _runs(hashes):
            if hashes[first]:
                _join(parent, first, other)
        exact = _roots(parent)
        if self.file is None:
            return exact, np.zeros(len(exact), dtype=bool)
        self.file.close()
        self._join_near(parent, hashes)
        roots = _roots(parent)
        return roots, (roots != np.arange(len(roots))) & (exact == np.arange(len(exact)))

    def close(self) -> None:
        """Take the file away."""
        if self.file is not None:
            self.file.close()
            self.path.unlink(missing_ok=True)

    def _join_near(self, parent: NDArray[np.int64], hashes: NDArray[np.uint64]) -> None:
        if not len(hashes):
            return
        kept = np.memmap(self.path, dtype=np.uint32, mode="r", shape=(len(hashes), SIGNATURE))
        wide = SIGNATURE // BANDS
        for band in range(BANDS):
            part = np.ascontiguousarray(kept[:, band * wide : (band + 1) * wide]).astype(np.uint64)
            mixed = part[:, 0]
            for column in range(1, wide):
                mixed = mixed * np.uint64(0x9E3779B97F4A7C15) + part[:, column]
            for first, other in _runs(mixed):
                if hashes[first] and hashes[other] and _alike(kept[first], kept[other]):
                    _join(parent, first, other)
        del kept


def normal(words: str) -> str:
    """Return words in one form, whatever their spaces, capitals and ways to write a letter."""
    if words.isascii():
        return " ".join(words.lower().split())
    return " ".join(unicodedata.normalize("NFKC", words).casefold().split())


def normals(words: pa.Array) -> list[str]:
    """Return many words as `normal` does."""
    plain = pc.ascii_lower(words)
    found: list[str] = plain.to_pylist()
    odd = _odd(words)
    for at, one in zip(odd.tolist(), words.take(pa.array(odd)).to_pylist(), strict=True):
        found[at] = normal(one)
    return found


def _odd(words: pa.Array) -> NDArray[np.int64]:
    """Return which words are to be changed more: their spaces, or letters that are not ASCII."""
    _, ends, text = words.buffers()
    offsets = np.frombuffer(ends, np.int32)[words.offset :][: len(words) + 1]
    signs = np.frombuffer(text or b"", np.uint8)[: offsets[-1]]
    strange = (signs < ord(" ")) | (signs > ord("~"))
    is_space = signs == ord(" ")
    strange[1:] |= is_space[1:] & is_space[:-1]
    firsts, size = offsets[:-1], np.diff(offsets) > 0
    at_edge = size.copy()
    at_edge[size] = is_space[firsts[size]] | is_space[offsets[1:][size] - 1]
    at_edge[np.searchsorted(firsts, np.flatnonzero(strange), side="right") - 1] = True
    return np.flatnonzero(at_edge)


def words_of(data: Mapping[str, Any], shown: Iterable[str]) -> str:
    """Return the words of a task that people were shown; all of them where none is known."""
    names = [name for name in shown if name in data] or sorted(data)
    return "\n".join(_flat(data[name]) for name in names)


def signature(plain: str) -> NDArray[np.uint32]:
    """Return the MinHash of a text."""
    words = _WORD.findall(plain)
    runs = {" ".join(words[at : at + RUN]) for at in range(max(1, len(words) - RUN + 1))}
    if not words:  # signs alone, such as 👍: only the same are alike
        runs = {plain}
    hashed = np.fromiter((zlib.crc32(one.encode()) for one in runs), dtype=np.uint64)
    with np.errstate(over="ignore"):
        mixed = (_ODD * hashed + _SHIFT) >> np.uint64(32)
    least: NDArray[np.uint32] = mixed.min(axis=1).astype(np.uint32)
    return least


def alike(one: str, other: str) -> float:
    """Return how far two texts are alike, as their signatures say."""
    return float((signature(normal(one)) == signature(normal(other))).mean())


def _alike(one: NDArray[np.uint32], other: NDArray[np.uint32]) -> bool:
    return bool((one == other).mean() >= ALIKE)


def _runs(values: NDArray[np.uint64]) -> Iterator[tuple[int, int]]:
    """Yield each place whose value stood before, with the first place and with the one before."""
    ordered = np.sort(values)
    twice = ordered[1:][ordered[1:] == ordered[:-1]]
    # Mostly few are: these alone are put in order with their places, which takes long.
    some = np.flatnonzero(np.isin(values, twice))
    order = some[np.argsort(values[some], kind="stable")]
    same = np.flatnonzero(values[order][1:] == values[order][:-1]) + 1
    first = -1
    for at in same.tolist():
        if at - 1 == 0 or values[order[at - 1]] != values[order[at - 2]]:
            first = at - 1
        yield int(order[first]), int(order[at])
        if at - 1 != first:
            yield int(order[at - 1]), int(order[at])


def _join(parent: NDArray[np.int64], one: int, other: int) -> None:
    first, second = _root(parent, one), _root(parent, other)
    # The earlier row stands for both, whatever the order in which they are met.
    parent[max(first, second)] = min(first, second)


def _root(parent: NDArray[np.int64], at: int) -> int:
    while parent[at] != at:
        parent[at] = parent[parent[at]]
        at = int(parent[at])
    return at


def _roots(parent: NDArray[np.int64]) -> NDArray[np.int64]:
    roots = parent.copy()
    while True:
        further = roots[roots]
        if np.array_equal(further, roots):
            return roots
        roots = further


def _flat(value: Any) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, list):
        return "\n".join(map(_flat, value))
    if isinstance(value, dict):
        return "\n".join(_flat(value[key]) for key in sorted(value))
    return "" if value is None else str(value)
