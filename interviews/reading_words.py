"""What the pages say of readings: why a person reads, and how readings of one answer compare."""

from dataclasses import dataclass
from typing import Any

from flask_babel import lazy_gettext as _l
from sqlmodel import Session

from interviews import being_read, quotes, rubrics
from interviews.judge_models import AnswerJudging, Judged, PersonReading, Why
from interviews.reading_queue import Found

WHY = {
    Why.POINTS: _l("points were not found by the program"),
    Why.NOT_FOUND: _l("the judges did not find all points either"),
    Why.DISAGREE: _l("the two judges do not agree"),
    Why.DOUBT: _l("a judge may have been steered by the answer"),
    Why.NONSENSE: _l("a judge gave no answer that can be read"),
    Why.REFUSED: _l("the language model refused the question"),
    Why.DOWN: _l("the language model was away for too long"),
    Why.BUDGET: _l("the limit for the language model is reached"),
    Why.GATE: _l("the gate of the judges is closed"),
    Why.NO_MODEL: _l("there is no language model here"),
    Why.CONSENT: _l("the consent to the language model was withdrawn"),
    Why.KEY_WORDS: _l("it lists key words without a sentence, which only a person may count"),
    Why.FROZEN: _l("a second reading for the frozen set"),
}
OUTCOMES = {
    Judged.READ: _l("read"),
    Judged.DOUBTED: _l("not used: the answer may have steered it"),
    Judged.NONSENSE: _l("no answer that can be read"),
    Judged.REFUSED: _l("refused by the endpoint"),
}


@dataclass(frozen=True)
class Compared:
    """What each reader says of one check, None where one has not read."""

    words: str
    mine: bool
    quote: str | None
    forms: bool
    judges: list[bool | None]
    quotes: list[str | None]

    @property
    def differs(self) -> bool:
        """Whether anything else reads it in another way than the person."""
        others = [self.forms, *(one for one in self.judges if one is not None)]
        return any(one != self.mine for one in others)


def compared(
    session: Session, found: Found, reading: PersonReading, language: str
) -> dict[str, Any]:
    """Return the readings of an answer side by side, and its words in pieces."""
    version = reading.version
    judgings = being_read.judgings(session, found.response.id, version) if version else []
    mine = {one["check"]: one for one in reading.readings}
    rows = [
        Compared(
            words=check.words.in_(language),
            mine=mine[key]["met"],
            quote=mine[key]["quote"],
            forms=reading.forms.get(key, False),
            judges=[_said(one, key, "met") for one in judgings],
            quotes=[_said(one, key, "quote") for one in judgings],
        )
        for key, check in rubrics.short(found.item).checks.items()
    ]
    every = [quote for row in rows for quote in (row.quote, *row.quotes) if quote]
    return {
        "rows": rows,
        "pieces": quotes.marked(found.text, every),
        "judgings": judgings,
        "outcomes": OUTCOMES,
        "points": reading.points,
        "needed": rubrics.short(found.item).needed,
    }


def _said(judging: AnswerJudging, key: str, what: str) -> Any:
    said = next((one for one in judging.readings or () if one["check"] == key), None)
    return said[what] if said else None
