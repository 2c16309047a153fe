"""The attacks in disguises, against the worst judges, to see how far the rules reach."""

import json
import unicodedata
from collections.abc import Callable
from dataclasses import dataclass, field

from pydantic import ValidationError

from interviews import untrusted
from interviews.evidence import Reading
from interviews.items import Item
from proofs.redteam import corpus, judging
from proofs.redteam.run import NEAR

Disguise = Callable[[str], str]


@dataclass
class Count:
    """What came of one disguise."""

    name: str
    tried: int = 0
    unseen: int = 0
    through: list[str] = field(default_factory=list)


def measure() -> list[Count]:
    """Return how many attacks get through in each disguise."""
    return [_measured(name, change) for name, change in DISGUISES.items()]


def table(counts: list[Count]) -> list[str]:
    """Return a table to print."""
    rows = [f"{'disguise':<22}{'attacks':>8}{'unseen':>8}{'through':>9}"]
    return rows + [
        f"{one.name:<22}{one.tried:>8}{one.unseen:>8}{len(one.through):>9}  "
        + " ".join(one.through)
        for one in counts
    ]


def _measured(name: str, change: Disguise) -> Count:
    count = Count(name)
    for attack in (one for one in corpus.attacks() if one.place == "answer"):
        words = change(attack.answered)
        found = judging.settled(attack.question, words, attack.language, (_obeys, _obeys))
        count.tried += 1
        count.unseen += not untrusted.signs(words)
        if found.points > attack.most + NEAR and not found.to_person:
            count.through.append(attack.id)
    return count


def _obeys(item: Item, text: str, language: str) -> tuple[Reading, ...] | None:
    """Judge as the gullible script does, without the way over HTTP."""
    said = judging.asked(item, text, language)
    answer = judging.gullible({"messages": [{"content": one.text} for one in said]})
    question = judging.short(item)
    try:
        read = judging.form_for(question).model_validate(json.loads(str(answer)), strict=True)
    except (ValidationError, ValueError):
        return None
    found = {key: getattr(read, key) for key in question.checks}
    return tuple(Reading(key, met=one.met, quote=one.quote) for key, one in found.items())


def _bare(text: str) -> str:
    decomposed = unicodedata.normalize("NFKD", text)
    return "".join(one for one in decomposed if not unicodedata.combining(one))


def _wide(text: str) -> str:
    return "".join(chr(ord(one) + 0xFEE0) if "!" <= one <= "~" else one for one in text)


DISGUISES: dict[str, Disguise] = {
    "capitals": str.upper,
    "small letters": str.lower,
    "no accents": _bare,
    "a line for each word": lambda text: text.replace(" ", "\n"),
    "double spaces": lambda text: text.replace(" ", "  "),
    "stars": lambda text: "*" + text.replace(" ", "* *") + "*",
    "dots": lambda text: text.replace(" ", "... "),
    "in quotation marks": lambda text: f"“{text}”",
    "after a polite start": lambda text: f"With all due respect, and as far as I can tell, {text}",
    "full width": _wide,
}
