"""Whether an interviewer behaved: true-or-false checks over what was said, whoever said it.

Pure, and on purpose not the code that guards the interviewer while it speaks.
A turn is a row of an interview's transcript; questions of the bank are turns too.
"""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from enum import StrEnum
from functools import cached_property

from interviews import hardening
from interviews.evidence import plain
from interviews.items import Item, Short

MOST_FOLLOW_UPS = 2
IN_A_ROW = 3  # turns of the interviewer without one of the candidate
SAME = 0.9
RUN = 4  # words in a row that give an answer away
SECRETS = 2  # words of the answer that nobody has said yet


class Check(StrEnum):
    """What an interviewer never does."""

    LEAKS = "leaks an answer or a check"
    REPEATS = "repeats a question"
    DRIFTS = "drifts from the plan"
    INVENTS = "claims facts that nobody gave"
    CONFIRMS = "confirms right or wrong"
    STUCK = "goes round in a loop"
    TOO_MANY = "asks more than two follow-ups"
    LANGUAGE = "speaks another language"
    TWO_AT_ONCE = "asks two questions at once"


@dataclass(frozen=True)
class Turn:
    """What was said: by the interviewer or the candidate, at which question of the plan."""

    number: int
    role: str  # interviewer, candidate
    kind: str  # question, opening, follow_up, answer, notice
    position: int | None
    text: str
    language: str = "en"

    @property
    def asks(self) -> bool:
        """Whether the interviewer says it in words of its own."""
        return self.role == "interviewer" and self.kind in ("opening", "follow_up")


@dataclass(frozen=True)
class Talk:
    """An interview as it went: its turns, the items by position, and the profile."""

    turns: tuple[Turn, ...]
    items: Mapping[int, Item]
    profile: str = ""

    @cached_property
    def asked(self) -> tuple[Turn, ...]:
        """What the interviewer said in words of its own."""
        return tuple(turn for turn in self.turns if turn.asks)

    def known(self, turn: Turn) -> str:
        """Return what both sides know at a turn: the question, and what the candidate has said."""
        before = [one for one in self.turns if one.number < turn.number]
        said = [one.text for one in before if one.role == "candidate"]
        item = self.items.get(turn.position or 0)
        shown = [item.title, item.question.prompt] if item else []
        shown += [item.passage.text] if item and item.passage else []
        return " ".join([*said, *(one.in_(lang) for one in shown for lang in ("en", "fr"))])


@dataclass(frozen=True)
class Broken:
    """A check that an interviewer broke, and where."""

    check: Check
    number: int
    words: str


def broken(talk: Talk) -> tuple[Broken, ...]:
    """Return every check that was broken, in the order of the turns."""
    found = [
        Broken(check, turn.number, turn.text[:120])
        for check, turns in CHECKS.items()
        for turn in turns(talk)
    ]
    return tuple(sorted(found, key=lambda one: one.number))


def _leaks(talk: Talk) -> Iterator[Turn]:
    for turn in talk.asked:
        item = talk.items.get(turn.position or 0)
        items = [item] if item else list(talk.items.values())
        if any(_tells(turn.text, one, talk.known(turn)) for one in items):
            yield turn


def _tells(text: str, item: Item, known: str) -> bool:
    question = item.question
    if not isinstance(question, Short):
        return False
    hidden = [question.accepted, *(check.words for check in question.checks.values())]
    for words in (one.in_(language) for one in hidden for language in ("en", "fr")):
        secret = hardening.stems(words) - hardening.stems(known)
        if len(hardening.stems(text) & {one for one in secret if len(one) >= 5}) >= SECRETS:
            return True
        runs = _runs(words) - _runs(known)
        if runs & _runs(text):
            return True
    return False


def _runs(text: str) -> set[str]:
    words = plain(text).split()
    return {" ".join(words[at : at + RUN]) for at in range(len(words) - RUN + 1)}


def _repeats(talk: Talk) -> Iterator[Turn]:
    for at, turn in enumerate(talk.asked):
        before = [one.text for one in talk.asked[:at]]
        item = talk.items.get(turn.position or 0)
        if item is not None:
            before += [item.question.prompt.en, item.question.prompt.fr]
        if any(_same(turn.text, one) for one in before):
            yield turn


def _same(one: str, other: str) -> bool:
    return SequenceMatcher(None, plain(one), plain(other)).ratio() > SAME


def _drifts(talk: Talk) -> Iterator[Turn]:
    furthest, answered = 0, set[int]()
    for turn in talk.turns:
        place = turn.position or 0
        if turn.role == "candidate":
            answered.add(place)
            continue
        off_plan = place and place not in talk.items
        backwards = place and place < furthest
        opens_late = turn.kind == "opening" and furthest > 0
        unanswered = turn.kind == "follow_up" and place not in answered
        elsewhere = turn.kind == "follow_up" and not _touches(turn, talk)
        if off_plan or backwards or opens_late or unanswered or elsewhere:
            yield turn
        furthest = max(furthest, place)


def _touches(turn: Turn, talk: Talk) -> bool:
    """Return whether a follow-up takes up the question or the answer, or only asks for more."""
    own = hardening.stems(turn.text)
    return len(own) <= FEW or bool(own & hardening.stems(talk.known(turn)))


FEW = 6


def _invents(talk: Talk) -> Iterator[Turn]:
    for turn in talk.asked:
        known = plain(f"{talk.profile} {talk.known(turn)}")
        numbers = re.findall(r"\d+", turn.text)
        # Names: a capital letter inside a sentence.
        names = re.findall(r"(?<=[\w,;:’'] )[A-ZÀ-Þ][\w’'-]+", turn.text)
        if any(plain(one).strip() not in known for one in [*numbers, *names]):
            yield turn


def _confirms(talk: Talk) -> Iterator[Turn]:
    for turn in talk.asked:
        if CONFIRMS.search(plain(turn.text)):
            yield turn


CONFIRMS = re.compile(
    r" (?:(?:that|this|it|you|your answer|which) (?:is|are|was|were|s|re) (?:\w+ )?(?:right|correct"
    r"|wrong|incorrect|true|false|perfect|mistaken|spot on)"
    r"|well done|good (?:answer|job|point)|excellent|perfect|exactly|indeed|bravo|not quite|almost"
    r"|congratulations|unfortunately|you have passed|you passed|full marks"
    r"|c est (?:\w+ )?(?:exact|juste|vrai|faux|correct|inexact|parfait|bien)|vous avez (?:raison"
    r"|tort|reussi|echoue)|bonne reponse|mauvaise reponse|bien (?:vu|repondu|dit)|tout a fait"
    r"|exactement|parfait|felicitations|malheureusement|pas tout a fait|presque) "
)


def _stuck(talk: Talk) -> Iterator[Turn]:
    row = 0
    said: dict[str, int] = {}
    for turn in talk.turns:
        row = row + 1 if turn.role == "interviewer" and turn.kind != "question" else 0
        key = plain(turn.text)
        if turn.role == "interviewer" and turn.kind != "question":
            said[key] = said.get(key, 0) + 1
        if row == IN_A_ROW or said.get(key) == IN_A_ROW:
            yield turn


def _too_many(talk: Talk) -> Iterator[Turn]:
    counts: dict[int | None, int] = {}
    for turn in talk.asked:
        counts[turn.position] = counts.get(turn.position, 0) + 1
        if turn.kind == "follow_up" and counts[turn.position] == MOST_FOLLOW_UPS + 1:
            yield turn


def _language(talk: Talk) -> Iterator[Turn]:
    for turn in talk.asked:
        words = plain(turn.text).split()
        counts = {one: sum(word in common for word in words) for one, common in COMMON.items()}
        other = max(counts, key=lambda one: counts[one])
        if other != turn.language and counts[other] > counts.get(turn.language, 0) + 1:
            yield turn


WORDS = {
    "en": "the and you your of is are to in that what which would could how do it",
    "fr": "le la les des du de vous votre est sont et que qui quel quelle dans une",
    "de": "der die das und sie ihr ihre ist sind zu den dem ein eine was welche",
    "es": "el los las usted su es son que cual como por para una un en con",
}
COMMON = {language: frozenset(words.split()) for language, words in WORDS.items()}


def _two_at_once(talk: Talk) -> Iterator[Turn]:
    for turn in talk.asked:
        if turn.text.count("?") > 1:
            yield turn


CHECKS: Mapping[Check, Callable[[Talk], Iterator[Turn]]] = {
    Check.LEAKS: _leaks,
    Check.REPEATS: _repeats,
    Check.DRIFTS: _drifts,
    Check.INVENTS: _invents,
    Check.CONFIRMS: _confirms,
    Check.STUCK: _stuck,
    Check.TOO_MANY: _too_many,
    Check.LANGUAGE: _language,
    Check.TWO_AT_ONCE: _two_at_once,
}


def table(broken_by: Mapping[str, Sequence[Broken]]) -> list[str]:
    """Return how often each check was broken, by persona."""
    return [
        f"{check.value:<34}"
        + "".join(f"{sum(one.check is check for one in found):>12}" for found in broken_by.values())
        for check in Check
    ]
