"""What is measured of how an answer in words reached the page, and the rules that look at it.

Pure. A page sends counts and nothing else, and whoever sends them may send anything: what is absent
or impossible is not known, and what is not known is never a signal. The rules are data; together
they may open a review by a person, and they decide nothing.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from flask_babel import LazyString
from flask_babel import lazy_gettext as _l
from pydantic import BaseModel, ConfigDict, Field, ValidationError

RULES_NAME = "SI-1/1"
OPENS_AT = 4  # the weight at which a person looks
COMMON = 0.2  # what so many answers show opens nothing: it tells nothing of anybody
ENOUGH = 50  # answers from which on it is known how common something is
LONGEST = 400  # characters of what a page sends
SLACK = timedelta(seconds=10)  # between a page's clock and ours
DAY_MS = 86_400_000


class Measured(BaseModel):
    """What the page of a question counted, within what is possible."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    pasted: int = Field(ge=0, le=100_000)  # characters
    pastes: int = Field(ge=0, le=1_000)
    bursts: int = Field(ge=0, le=10_000)
    away: int = Field(ge=0, le=10_000)
    away_ms: int = Field(ge=0, le=7 * DAY_MS)
    first_key_ms: int | None = Field(default=None, ge=0, le=7 * DAY_MS)


@dataclass(frozen=True)
class Facts:
    """What the rules look at: figures of one answer."""

    letters: int
    pasted_share: float = 0.0
    bursts: int = 0
    first_key_ms: int | None = None
    away_ms: int = 0
    alike_share: float = 0.0


@dataclass(frozen=True)
class Rule:
    """One rule: which figure, from or up to what, in answers of how many characters at least."""

    name: str
    figure: str
    letters: int
    weight: int
    words: LazyString
    means: LazyString
    means_not: LazyString
    least: float | None = None
    most: float | None = None

    def holds(self, facts: Facts) -> bool:
        """Say whether the rule holds for an answer."""
        value = getattr(facts, self.figure)
        if value is None or facts.letters < self.letters:
            return False
        above = self.least is None or value >= self.least
        return above and (self.most is None or value <= self.most)


RULES = (
    Rule(
        "pasted",
        "pasted_share",
        letters=200,
        weight=2,
        least=0.8,
        words=_l("Most of the answer was pasted"),
        means=_l("At least 80% of an answer of 200 characters or more came by pasting."),
        means_not=_l(
            "Many people write elsewhere and paste, or use their own notes, which is allowed."
        ),
    ),
    Rule(
        "burst",
        "bursts",
        letters=200,
        weight=2,
        least=1,
        words=_l("Text came all at once"),
        means=_l(
            "At least 120 characters appeared in one moment without being pasted or transcribed."
        ),
        means_not=_l(
            "Dictation, a keyboard that completes words, a translation tool or an extension of the"
            " browser can do this."
        ),
    ),
    Rule(
        "quick",
        "first_key_ms",
        letters=200,
        weight=1,
        most=1500,
        words=_l("The answer began at once"),
        means=_l("Writing began within 1.5 seconds of the question being shown."),
        means_not=_l(
            "Who opens a question again, or has read it before a break, begins at once too."
        ),
    ),
    Rule(
        "away",
        "away_ms",
        letters=200,
        weight=1,
        least=120_000,
        words=_l("Another window was in front for a while"),
        means=_l("The page was not in front for two minutes or more while it was being answered."),
        means_not=_l("Looking something up is allowed, and so is a break. It weighs little."),
    ),
    Rule(
        "alike",
        "alike_share",
        letters=0,
        weight=4,
        least=0.8,
        words=_l("Another candidate gave nearly the same text"),
        means=_l(
            "At least 80% of the word sequences of a longer answer are those of another person’s"
            " answer to the same question. What quotes the question is left out."
        ),
        means_not=_l(
            "Both may quote the same source, or the other person may have copied from this one."
        ),
    ),
)
BY_NAME = {rule.name: rule for rule in RULES}


def read(sent: str | None, *, took: timedelta) -> Measured | None:
    """Return what a page sent, where it is possible within the time that passed; else nothing."""
    if not sent or len(sent) > LONGEST:
        return None
    try:
        found = Measured.model_validate_json(sent)
    except (ValidationError, ValueError):
        return None
    most = (took + SLACK) / timedelta(milliseconds=1)
    if max(found.away_ms, found.first_key_ms or 0) > most:
        return None
    return found


def together(parts: Sequence[tuple[int, Measured | None]]) -> Measured | None:
    """Return the counts of an answer that was given in parts of so many characters each.

    What is not known of a part adds nothing. The first part alone tells how soon writing began:
    whoever is asked about their own answer may well know at once what to say.
    """
    known = [(letters, one) for letters, one in parts if one is not None]
    if not known:
        return None
    first = parts[0][1]
    return Measured.model_construct(
        pasted=sum(min(one.pasted, letters) for letters, one in known),
        pastes=sum(one.pastes for _, one in known),
        bursts=sum(one.bursts for _, one in known),
        away=sum(one.away for _, one in known),
        away_ms=sum(one.away_ms for _, one in known),
        first_key_ms=first.first_key_ms if first else None,
    )


def facts(measured: Measured | None, letters: int, alike_share: float) -> Facts:
    """Return what the rules look at."""
    if measured is None:
        return Facts(letters=letters, alike_share=alike_share)
    return Facts(
        letters=letters,
        pasted_share=min(measured.pasted, letters) / letters if letters else 0.0,
        bursts=measured.bursts,
        first_key_ms=measured.first_key_ms,
        away_ms=measured.away_ms,
        alike_share=alike_share,
    )


def found(facts: Facts) -> list[str]:
    """Return the names of the rules that hold."""
    return [rule.name for rule in RULES if rule.holds(facts)]


def weight(times: dict[str, int], common: frozenset[str] = frozenset()) -> int:
    """Return what rules weigh that held so many times, without those that are common."""
    return sum(
        BY_NAME[name].weight * count
        for name, count in times.items()
        if name in BY_NAME and name not in common
    )
