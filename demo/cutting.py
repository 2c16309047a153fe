"""Cuts a printed licence into clauses, and knows a clause that was seen before.

Words are kept as printed; only line ends, comment signs and ruled lines are taken away.
"""

import re
from collections.abc import Iterator

SHORTEST, LONGEST, COMFORTABLE = 40, 1200, 600

_QUOTED = re.compile(r"^\s*(?:#+|//+|;+|\|+|>+)(?=\s|$)")
_BORDER = re.compile(r"^\s*/?\*+/?|\s+\*+/?\s*$")
_RULE = re.compile(r"^\W*$", re.MULTILINE)
_ITEM = re.compile(
    r"(?:\(?(?:\d{1,2}(?:\.\d{1,2})*|[a-z]|[ivx]{1,4})[.)]|[-*•·])\s+", re.IGNORECASE
)
_LETTERED = re.compile(r"^\(?(?:[a-z]|[ivx]{1,4})\)\s", re.IGNORECASE)
_NEW_CLAUSE = re.compile(
    r"(?<=.{40}[.;:)\"”])\s+(?=in no event|(?:the|this) (?:software|package|work) is provided"
    r"|under no circumstances)",
    re.IGNORECASE,
)
_SENTENCE = re.compile(r"(?<=[.;])\s+(?=[\"“(A-Z0-9])")
_NOT_A_CLAUSE = re.compile(
    r"^(?:copyright|\(c\)|©|portions copyright|files?:|name:|source:|license:|url:|https?:"
    r"|3rdparty|th(?:is|e) (?:product|project|package|files?|function) |some (?:code|bits|portions)"
    r"|all code in|appendix|exhibit|how to apply|begin license)",
    re.IGNORECASE,
)
_SPEAKS_LAW = re.compile(
    r"licen[cs]e|permi(?:t|ssion)|grant|shall|must|may|warrant|liab|terminat|right|patent|provided"
    r"|agree|condition|free to|notice|trademark|law|means",
    re.IGNORECASE,
)
_PROVENANCE = re.compile(
    r"\b(?:is|are) (?:redistributed within|(?:made )?available under|derived from)\b"
    r"|\bfollowing (?:mit )?licen[cs]e:?$|\blicensed (?:as follows|under the terms)"
    r"|\bstatically linked\b"
    r"|\bapplies to (?:the above )?\w+ binar",
    re.IGNORECASE,
)
# One licence among those installed is a joke in words that a workplace does not need.
_COARSE = re.compile(r"\bfuck|\bbla bla", re.IGNORECASE)
_ANOTHER_TONGUE = re.compile(r"[^\x00-\x7f“”‘’–—©®§•·…éèöüäßàçñøåÖÜÄÅØ ]")


def split(text: str) -> list[str]:
    """Cut a licence into clauses of 40 to 1,200 characters, each on one line."""
    blocks = [block for block in _blocks(plain(text)) if block]
    unsized = [part for block in blocks for part in _NEW_CLAUSE.split(block)]
    sized = [part for clause in _merged(unsized) for part in _shortened(clause)]
    return [part for part in sized if SHORTEST <= len(part) <= LONGEST]


def is_clause(piece: str) -> bool:
    """Leave out lists of names, tables, addresses and tongues other than English."""
    letters = sum(character.isalpha() for character in piece)
    return (
        letters > 0.7 * len(piece)
        and len(piece.split()) >= 7
        and not _NOT_A_CLAUSE.match(_ITEM.sub("", piece, count=1))
        and piece.endswith((".", ";", ":", ",", "and", "or", ")", '"'))
        and _SPEAKS_LAW.search(piece) is not None
        and not _PROVENANCE.search(piece)
        and not _COARSE.search(piece)
        and not _ANOTHER_TONGUE.search(piece)
        and "://" not in piece[:60]
        and piece.count("Copyright (") < 2
    )


def words(text: str) -> str:
    """Reduce a text to what two prints of the same licence share."""
    kept = [line for line in text.split("\n") if not _NOT_A_CLAUSE.match(line.strip())]
    return " ".join(re.findall(r"[a-z]+", " ".join(kept).lower()))


class Seen:
    """Remembers passages by runs of four words, to know a near copy when it comes."""

    def __init__(self) -> None:
        self.exact: set[str] = set()
        self.runs: list[frozenset[str]] = []
        self.where: dict[str, list[int]] = {}

    def is_new(self, piece: str) -> bool:
        """Tell whether nothing alike came before, and remember it."""
        bare = words(piece)
        if bare in self.exact:
            return False
        self.exact.add(bare)
        runs = _runs(bare.split())
        if self._has_like(runs):
            return False
        for run in runs:
            self.where.setdefault(run, []).append(len(self.runs))
        self.runs.append(runs)
        return True

    def _has_like(self, runs: frozenset[str]) -> bool:
        shared: dict[int, int] = {}
        for run in runs:
            for number in self.where.get(run, ()):
                shared[number] = shared.get(number, 0) + 1
        return any(
            count > 0.5 * len(runs | self.runs[number])
            for number, count in shared.items()
            if count > 0.5 * len(runs)
        )


def _runs(bare: list[str]) -> frozenset[str]:
    return frozenset(" ".join(bare[at : at + 4]) for at in range(max(1, len(bare) - 3)))


def plain(text: str) -> str:
    """Take away line ends, boxes of stars and comment signs, which are not words."""
    unix = text.replace("\r\n", "\n").replace("\r", "\n").replace("\t", "    ").replace("\f", "\n")
    lines = [_QUOTED.sub("", line) for line in unix.split("\n")]
    around = ["", *lines, ""]
    boxed = [
        _starred(line) and (_starred(above) or _starred(below))
        for above, line, below in zip(around, lines, around[2:], strict=False)
    ]
    bare = [_BORDER.sub("", line) if box else line for line, box in zip(lines, boxed, strict=True)]
    return _RULE.sub("", "\n".join(bare))


def _starred(line: str) -> bool:
    """Tell a line of a comment box from an item of a list: in a box, the next line has one too."""
    return line.lstrip().startswith(("*", "/*"))


def _blocks(text: str) -> Iterator[str]:
    """Yield paragraphs and list items, each as one line."""
    for paragraph in re.split(r"\n\s*\n", text):
        lines: list[str] = []
        for line in paragraph.split("\n"):
            if lines and _ITEM.match(line.strip()):
                yield _line(lines)
                lines = []
            lines.append(line)
        yield _line(lines)


def _line(lines: list[str]) -> str:
    return " ".join(" ".join(lines).split())


def _merged(blocks: list[str]) -> Iterator[str]:
    """Join headings to what follows them, and lettered items to what they belong to."""
    held = ""
    for block in blocks:
        belongs = _LETTERED.match(block) or _is_heading(held)
        if held and belongs and len(held) + len(block) < COMFORTABLE:
            held = f"{held} {block}"
        else:
            yield held
            held = block
    yield held


def _is_heading(block: str) -> bool:
    return len(block) < 80 and bool(_ITEM.match(block)) and not block.endswith((".", ";", ","))


def _shortened(clause: str) -> Iterator[str]:
    """Cut what is too long between sentences; a single endless sentence is left out."""
    if len(clause) <= LONGEST:
        yield clause
        return
    held = ""
    for sentence in _SENTENCE.split(clause):
        if held and len(held) + len(sentence) > COMFORTABLE:
            yield held
            held = sentence
        else:
            held = f"{held} {sentence}".strip()
    yield held
