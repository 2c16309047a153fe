"""What a judge is given of an item, and what tells one edition of it from another."""

import hashlib
import json

from interviews.items import Bank, Item, Short


def in_words(bank: Bank) -> list[Item]:
    """Return the items of a bank that are answered in words."""
    return [item for item in bank.items if isinstance(item.question, Short)]


def short(item: Item) -> Short:
    """Return the question of an item that is answered in words."""
    if not isinstance(item.question, Short):
        raise TypeError(item.kind)
    return item.question


def digest(item: Item) -> str:
    """Return the version of a rubric: the question, its text and its checks, in both languages.

    The forms by which `interviews.evidence` reads are not part of it: no judge sees them.
    """
    question = short(item)
    whole = {
        "prompt": question.prompt.model_dump(),
        "passage": item.passage.text.model_dump() if item.passage else None,
        "checks": [[key, check.words.model_dump()] for key, check in question.checks.items()],
        "needed": question.needed,
    }
    return hashlib.sha256(json.dumps(whole, sort_keys=True).encode()).hexdigest()


def points(item: Item, met: int) -> float:
    """Return what so many met checks earn."""
    return min(1.0, met / short(item).needed)
