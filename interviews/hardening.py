"""What is left of a judge's readings when nothing that it says is believed.

Pure. A model may have obeyed the answer that it read. So a check counts as met only with a quote
that stands in the answer, that is no order to its reader, and that has a word in common with what
was asked. What falls away, and any sign of steering, sends the answer to a person; nothing here
ever takes a point that our own reading found.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from functools import cache

from interviews import untrusted
from interviews.evidence import Reading, plain
from interviews.items import Item, Short

STEM, SHORTEST = 5, 3


class Doubt(StrEnum):
    """Why a reading, or a whole answer, goes to a person."""

    SIGNS = "signs"  # the answer looks as if it spoke to its reader
    FORGED = "forged"  # the quote does not stand in the answer
    ORDER = "order"  # the quote is an order to the reader
    FOREIGN = "foreign"  # the quote has nothing in common with the question


@dataclass(frozen=True)
class Kept:
    """Readings that hold, with the words of the answer as they stand in it, and doubts."""

    readings: tuple[Reading, ...]
    doubts: frozenset[Doubt]


def kept(item: Item, text: str, readings: Iterable[Reading]) -> Kept:
    """Return what holds of a judge's readings of an answer."""
    doubts = {Doubt.SIGNS} if untrusted.signs(text) else set()
    seen, asked = even(untrusted.cleaned(text)), _asked(item)
    held = []
    for reading in readings:
        doubt = _doubt(reading.quote or "", seen, asked) if reading.met else None
        if doubt is not None:
            doubts.add(doubt)
        met = reading.met and doubt is None
        held.append(Reading(reading.check, met=met, quote=reading.quote if met else None))
    return Kept(tuple(held), frozenset(doubts))


def _doubt(quote: str, seen: str, asked: frozenset[str]) -> Doubt | None:
    """Return what speaks against a quote, if anything does."""
    wanted = even(quote)
    if not wanted or wanted not in seen:
        return Doubt.FORGED
    around = [one for one in untrusted.SENTENCE.findall(seen) if wanted in one or one in wanted]
    if any(untrusted.is_order(one) for one in (wanted, *around)):
        return Doubt.ORDER
    return None if stems(wanted) & asked else Doubt.FOREIGN


def even(text: str) -> str:
    """Return a text with its spaces made even: by them alone no quote is forged."""
    return " ".join(text.split())


def stems(text: str) -> frozenset[str]:
    """Return the beginnings of the words of a text that say something."""
    words = plain(text).split()
    return frozenset(w[:STEM] for w in words if len(w) >= SHORTEST or w.isdigit()) - _common()


def _asked(item: Item) -> frozenset[str]:
    question = item.question
    if not isinstance(question, Short):
        raise TypeError(item.kind)
    texts = [item.title, question.prompt, question.accepted, item.explanation]
    texts += [check.words for check in question.checks.values()]
    texts += [item.passage.text] if item.passage else []
    forms = [form for check in question.checks.values() for form in check.forms]
    return stems(" ".join([*forms, *(one.in_(lang) for one in texts for lang in ("en", "fr"))]))


@cache
def _common() -> frozenset[str]:
    return frozenset(word[:STEM] for word in COMMON.split())


COMMON = (
    "the and you your are not that this with for was were has have had but all any can may will"
    " would should must what which who why how when there their they them its then than from into"
    " one two three says said say answer answers question check checks name names why also out"
    " les des une est sont dans par pour que qui sur pas ne son ses leur leurs vous votre vos nous"
    " ils elle elles avec sans plus fait dit dire tout tous toute toutes cette ces quel quelle deux"
    " trois reponse reponses question phrase phrases ainsi aussi comme mais donc"
)
