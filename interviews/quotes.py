"""Whether a quote really stands in somebody's words, and where.

Pure. Case, spaces, the shape of quotation marks and hyphens, and characters that nobody sees do not
count; letters do. What is shown is always cut from the words themselves, never from the quote.
"""

import unicodedata
from dataclasses import dataclass

from interviews.untrusted import is_seen

QUOTE_AT_MOST = 400
SHAPES = str.maketrans(
    {"’": "'", "‘": "'", "“": '"', "”": '"', "«": '"', "»": '"', "–": "-", "—": "-", "‑": "-"}
)


@dataclass(frozen=True)
class Place:
    """Where a quote stands in a text."""

    start: int
    end: int


def verified(quote: str, text: str) -> str | None:
    """Return the words of the text that a quote names, as they stand in it; None if it has none."""
    found = place(quote, text)
    return text[found.start : found.end] if found else None


def place(quote: str, text: str) -> Place | None:
    """Return where whole words of a quote stand in a text."""
    wanted = "".join(letter for letter, _at in _plain(quote)).strip(" .,;:…\"'")
    if not any(letter.isalnum() for letter in wanted) or len(wanted) > QUOTE_AT_MOST:
        return None
    plain = _plain(text)
    letters = "".join(letter for letter, _at in plain)
    at = letters.find(wanted)
    while at >= 0:
        end = at + len(wanted)
        if _is_edge(letters, at) and _is_edge(letters, end):
            return Place(plain[at][1], plain[end - 1][1] + 1)
        at = letters.find(wanted, at + 1)
    return None


def marked(text: str, quotes: list[str]) -> list[tuple[str, bool]]:
    """Return a text in pieces, those that a quote names apart."""
    inside = [False] * len(text)
    for quote in quotes:
        found = place(quote, text)
        if found:
            inside[found.start : found.end] = [True] * (found.end - found.start)
    pieces: list[tuple[str, bool]] = []
    for letter, is_quoted in zip(text, inside, strict=True):
        if pieces and pieces[-1][1] == is_quoted:
            pieces[-1] = (pieces[-1][0] + letter, is_quoted)
        else:
            pieces.append((letter, is_quoted))
    return pieces


def _plain(text: str) -> list[tuple[str, int]]:
    """Return letters that count, each with its place in the text."""
    plain: list[tuple[str, int]] = []
    for at, one in enumerate(text):
        if not is_seen(one):
            continue
        if one.isspace():
            if plain and plain[-1][0] != " ":
                plain.append((" ", at))
            continue
        # Composed and decomposed accents read the same.
        for letter in unicodedata.normalize("NFKD", one.translate(SHAPES)).casefold():
            plain.append((letter, at))
    return plain


def _is_edge(letters: str, at: int) -> bool:
    if at <= 0 or at >= len(letters):
        return True
    if letters[at - 1].isalnum() and (letters[at].isalnum() or _joins(letters[at])):
        return False
    return not _is_in_number(letters, at)


def _is_in_number(letters: str, at: int) -> bool:
    """Return whether a place is beside the point of a number: "5 %" does not stand in "12.5 %"."""
    beside = (letters[max(0, at - 2) : at + 1], letters[at - 1 : at + 2])
    return any(
        len(one) == 3 and one[0].isdigit() and one[1] in ".," and one[2].isdigit() for one in beside
    )


def _joins(letter: str) -> bool:
    return unicodedata.combining(letter) > 0
