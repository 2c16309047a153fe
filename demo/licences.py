"""The demo project's input: clauses of the licences of the Python packages installed beside us.

Nothing is bundled and nothing is fetched: `importlib.metadata` says which files are licences. The
same installed packages give the same passages in the same order, on any machine.
"""

import hashlib
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from importlib.metadata import Distribution, PackagePath, distributions
from itertools import zip_longest
from typing import Any

from demo import clauses, gold
from demo.cutting import Seen, is_clause, plain, split, words

_NAMES = re.compile(r"licen[cs]e|copying|notice", re.IGNORECASE)
_NOT_TEXT = re.compile(r"\.(py|pyc|json|html?|png|svg)$", re.IGNORECASE)


@dataclass(frozen=True)
class Passage:
    """One clause-sized piece of a licence, and where it stands."""

    text: str
    package: str
    licence: str
    position: int
    group: str

    @property
    def id(self) -> str:
        """An id that does not change while the words stay."""
        return hashlib.sha256(self.text.encode()).hexdigest()[:12]


def passages(limit: int | None = None, known: int | None = None) -> Iterator[dict[str, Any]]:
    """Yield tasks as our JSONL import reads them, a balanced mix of clauses when limited.

    At most `known` of them carry a gold answer; None gives it to each passage that we know.
    """
    found = list(read())
    chosen = found if limit is None else _balanced(found)[:limit]
    left = len(chosen) if known is None else known
    for passage in chosen:
        task = _task(passage)
        answer = gold.answer(passage.text)
        if answer is not None and left > 0:
            task["gold"] = answer
            left -= 1
        yield task


def read() -> Iterator[Passage]:
    """Yield every passage that says something not said before, by package name."""
    seen = Seen()
    for package, licence, text in texts():
        group = hashlib.sha256(words(plain(text)).encode()).hexdigest()[:16]
        for position, piece in enumerate(split(text), start=1):
            if is_clause(piece) and seen.is_new(piece):
                yield Passage(piece, package, licence, position, group)


def texts() -> Iterator[tuple[str, str, str]]:
    """Yield package, licence and text of each licence file installed, by name."""
    installed: dict[str, Distribution] = {}
    for found in distributions():
        # The first on the path is the one that Python imports.
        installed.setdefault((found.name or "").lower(), found)
    for _, found in sorted(installed.items()):
        for path in sorted(_licence_files(found), key=str):
            raw = _bytes(path)
            if raw:
                yield found.name, _licence(found), decode(raw)


def decode(raw: bytes) -> str:
    """Read text as UTF-8, and as Windows' Latin where it is not."""
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError:
        return raw.decode("cp1252", errors="replace")


def _task(passage: Passage) -> dict[str, Any]:
    data = {"text": passage.text, "licence": passage.licence, "package": passage.package}
    return {
        "id": passage.id,
        "group": passage.group,
        "data": data | {"position": passage.position},
    }


def _balanced(found: list[Passage]) -> list[Passage]:
    """Take classes in turn, and licences in turn within each, so that rare ones come early."""
    piles: dict[str, list[Passage]] = {clause: [] for clause in clauses.CLAUSES}
    for passage in found:
        piles[gold.clause(passage.text) or clauses.guess(passage.text)].append(passage)
    return _in_turn([_spread(pile) for pile in piles.values()])


def _spread(pile: list[Passage]) -> list[Passage]:
    licences: dict[str, list[Passage]] = {}
    for passage in sorted(pile, key=lambda one: one.id):
        licences.setdefault(passage.group, []).append(passage)
    return _in_turn(list(licences.values()))


def _in_turn(piles: list[list[Passage]]) -> list[Passage]:
    rounds = zip_longest(*piles)
    return [passage for one_round in rounds for passage in one_round if passage is not None]


def _licence_files(found: Distribution) -> Iterable[PackagePath]:
    for path in found.files or ():
        inside = ".dist-info" in path.parts[0] or ".egg-info" in path.parts[0]
        if inside and _NAMES.search(path.name) and not _NOT_TEXT.search(path.name):
            yield path


def _bytes(path: PackagePath) -> bytes:
    try:
        return path.read_binary()
    except OSError:
        # Some systems strip licence files from installed packages and leave the record of them.
        return b""


def _licence(found: Distribution) -> str:
    """Say the licence as the package's metadata does, in a few words."""
    stated = _stated(found, "License-Expression") or _stated(found, "License")
    if stated and "\n" not in stated and len(stated) <= 60 and stated != "UNKNOWN":
        return stated
    for line in found.metadata.get_all("Classifier") or ():
        if line.startswith("License ::"):
            return str(line).rsplit("::", 1)[1].strip()
    return "unknown"


def _stated(found: Distribution, field: str) -> str:
    return str((found.metadata.get_all(field) or [""])[0])
