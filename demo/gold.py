"""Gold answers for well-known clauses, written by hand.

Each entry names a clause by the words that it begins with, wherever it is printed. What the labels
mean here, as in the project's guidelines:

- grant: gives a permission under copyright, with the conditions in the same sentence if any
- patent: is about patents first, whether it gives a right or takes it back
- redistribution: says what whoever passes copies on must do, keep or leave undone
- warranty: refuses to promise anything about the software
- liability: limits or shifts who pays for damage
- termination: says when the permission ends or comes back
- other: definitions, applicable law, trademarks in general, and what surrounds the clauses

Party marks who gives a right, receives it or is bound; Obligation marks what must be done or left.
A passage that holds the beginnings of two different clauses gets no gold answer.
"""

import re
from dataclasses import dataclass
from typing import Any

from demo.phrases import KNOWN

# A heading and a number may stand before the clause; more than that is another clause.
_MOST_WORDS_BEFORE = 10


@dataclass(frozen=True)
class Known:
    """What we know of one clause: its class, and its spans when we marked them."""

    begins: str
    clause: str
    parties: tuple[str, ...]
    obligations: tuple[str, ...]


_KNOWN = tuple(
    Known(" " + " ".join(re.findall(r"[a-z0-9]+", begins.lower())) + " ", clause, *spans)
    for clause, entries in KNOWN.items()
    for begins, *spans in entries
)


def clause(text: str) -> str | None:
    """Name the clause that a passage is, if it is one we know."""
    known = _find(text)
    return known.clause if known else None


def answer(text: str) -> list[dict[str, Any]] | None:
    """Give the gold answer for a passage in Label Studio's result format, if we know it."""
    known = _find(text)
    if known is None:
        return None
    return [choice(known.clause), *_spans(text, known)]


def choice(label: str) -> dict[str, Any]:
    """Build the result for the choice of a clause."""
    return {
        "id": "clause",
        "from_name": "clause",
        "to_name": "text",
        "type": "choices",
        "value": {"choices": [label]},
    }


def span(text: str, label: str, start: int, end: int) -> dict[str, Any]:
    """Build the result for one marked span; offsets count characters from zero, end excluded."""
    return {
        "id": f"{label.lower()}-{start}-{end}",
        "from_name": "spans",
        "to_name": "text",
        "type": "labels",
        "value": {"start": start, "end": end, "text": text[start:end], "labels": [label]},
    }


def _find(text: str) -> Known | None:
    words = " " + " ".join(re.findall(r"[a-z0-9]+", text.lower())) + " "
    found = [one for one in _KNOWN if one.begins in words]
    if len({one.clause for one in found}) != 1:
        return None
    first = min(found, key=lambda one: words.index(one.begins))
    return first if words[: words.index(first.begins)].count(" ") <= _MOST_WORDS_BEFORE else None


def _spans(text: str, known: Known) -> list[dict[str, Any]]:
    """Mark each phrase where it stands; a print with other words gets the choice alone."""
    wanted = [("Party", phrase) for phrase in known.parties]
    wanted += [("Obligation", phrase) for phrase in known.obligations]
    places = [(label, phrase, _place(text, phrase)) for label, phrase in wanted]
    if any(start is None for _, _, start in places):
        return []
    return [
        span(text, label, start, start + len(phrase))
        for label, phrase, start in sorted(places, key=lambda place: place[2] or 0)
        if start is not None
    ]


def _place(text: str, phrase: str) -> int | None:
    found = re.search(rf"\b{re.escape(phrase)}", text, re.IGNORECASE)
    return found.start() if found else None
