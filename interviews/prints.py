"""Whether two answers say the same in the same words, by hashes that hold no text.

Pure. An answer is cut into sequences of three words; those that stand in the question do not count.
Of the hashes of the others, 64 minima are kept (MinHash; Broder, "On the resemblance and
containment of documents", 1997): the share of equal minima of two answers estimates the share of
sequences that both have (standard error at 0.8: 0.05). Sixteen bands of four minima find the
candidates by an index: at a share of 0.8 with chance 0.9998, at 0.3 with chance 0.12.

The hashes are keyed with a secret of the instance, so that nobody can try texts against them, and
with the question, so that answers to different questions never meet.
"""

import hashlib
import re
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from random import Random

MARKS, OF_BAND, WORDS = 64, 4, 3
LEAST = 20  # sequences; a shorter answer is like many others
PRIME = (1 << 61) - 1
# The same for ever, or old prints would not meet new ones; they guard nothing.
_RANDOM = Random(20261127)  # noqa: S311
TURNS = [(_RANDOM.randrange(1, PRIME), _RANDOM.randrange(PRIME)) for _ in range(MARKS)]


@dataclass(frozen=True)
class Print:
    """The hashes of an answer: what is compared, and by what it is found."""

    marks: list[int]
    bands: list[int]


def of(text: str, *, question: Iterable[str], item_id: str, key: bytes) -> Print | None:
    """Return the print of an answer; None where it says too little of its own."""
    own = sequences(text) - {one for words in question for one in sequences(words)}
    if len(own) < LEAST:
        return None
    keyed = hashlib.blake2b(key + item_id.encode(), digest_size=32).digest()
    hashes = [_hash(one.encode(), keyed, 8) % PRIME for one in own]
    marks = [min((a * one + b) % PRIME for one in hashes) for a, b in TURNS]
    parts = [marks[n : n + OF_BAND] for n in range(0, MARKS, OF_BAND)]
    bands = [_hash(f"{n}:{part}".encode(), keyed, 4) - (1 << 31) for n, part in enumerate(parts)]
    return Print(marks, bands)


def alike(one: Sequence[int], other: Sequence[int]) -> float:
    """Return the share of sequences that two answers have in common, by their marks."""
    return sum(a == b for a, b in zip(one, other, strict=True)) / MARKS


def sequences(text: str) -> set[str]:
    """Return the sequences of three words in a text, without case, accents and punctuation."""
    bare = unicodedata.normalize("NFKD", text.casefold())
    words = re.findall(r"\w+", "".join(c for c in bare if not unicodedata.combining(c)))
    return {" ".join(words[n : n + WORDS]) for n in range(len(words) - WORDS + 1)}


def _hash(what: bytes, key: bytes, size: int) -> int:
    return int.from_bytes(hashlib.blake2b(what, digest_size=size, key=key).digest(), "big")
