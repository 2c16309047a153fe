"""What the pages show of a finished interview: levels as ranges, answers in the person's own words.

Points of every answer are shown, since they are what a result rests on. Keys and explanations are
shown to the expert only for items that say so (`reveal`); the others stay in rotation.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

from flask_babel import gettext as _
from sqlmodel import Session, col, func, select

from accounts import decisions
from accounts.models import Appeal, AppealOutcome
from core import formats
from experts.fields import Field
from experts.models import Skill
from interviews import corrections, editions, evidence, outcome, scoring
from interviews.evidence import Reading
from interviews.items import (
    Bank,
    Case,
    Item,
    Multiple,
    Numeric,
    Ordering,
    Question,
    Sentence,
    Short,
    Single,
)
from interviews.models import AnswerCorrection, Interview, Response, State
from interviews.scoring import Level, Mark, Scorecard

LOOK_BACK = timedelta(days=90)
ENOUGH = 10  # under so many, figures would speak of single persons


@dataclass(frozen=True)
class ShownLevel:
    """A level as the page draws it, all of 100."""

    words: str
    points: str
    of: int
    low: float
    high: float
    cut: float
    reading: str
    tone: str
    icon: str
    under_floor: bool


@dataclass(frozen=True)
class ShownPart:
    """What was asked and answered, in words; a case has several."""

    prompt: str
    lines: list[str]
    right: list[str]
    points: str


@dataclass(frozen=True)
class ShownAnswer:
    """One answer on a result page."""

    position: int
    item: Item
    title: str
    competency: str
    passage: str
    prompt: str
    parts: list[ShownPart]
    points: str
    tone: str
    is_unknown: bool
    text: str
    language: str
    checks: list[dict[str, Any]] = field(default_factory=list)
    explanation: str = ""
    remark: str = ""
    corrections: Sequence[AnswerCorrection] = ()
    is_deleted: bool = False
    is_key_words: bool = False  # and nobody has read them yet
    is_hidden: bool = False  # what was found, from those who may still read it
    took: timedelta = timedelta(0)


@dataclass(frozen=True)
class Others:
    """How others fared in a field lately."""

    decided: int
    passed: int
    contested: int
    changed: int


def levels(card: Scorecard, bank: Bank, language: str) -> list[ShownLevel]:
    """Return the level of each competency, and of the whole."""
    shown = [
        _level(competency.label.in_(language), card.competencies[key], bank, key)
        for key, competency in bank.competencies.items()
    ]
    return [*shown, _level(_("All questions"), card.total, bank, None)]


def answers(
    bank: Bank,
    responses: Sequence[Response],
    language: str,
    *,
    corrected: Mapping[int, Sequence[AnswerCorrection]] | None = None,
    is_deleted: bool = False,
) -> list[ShownAnswer]:
    """Return the answers of an interview in words, with what their person corrected."""
    beside = corrected or {}
    shown = [_answer(bank, response, language) for response in responses]
    if is_deleted:
        return [
            replace(one, is_unknown=False, is_deleted=True, text="", checks=[]) for one in shown
        ]
    return [replace(one, corrections=beside.get(one.position, ())) for one in shown]


def proof(session: Session, interview: Interview) -> Skill | None:
    """Return the skill that an interview has proven."""
    return session.exec(select(Skill).where(Skill.interview_id == interview.id)).first()


def others(session: Session, knowledge: Field, at: datetime) -> Others | None:
    """Return how others fared, unless they are too few to be nobody in particular."""
    decided = col(Interview.decided_at)
    row = session.exec(
        select(
            func.count(),
            func.count().filter(col(Interview.state) == State.PASSED),
            func.count(col(Appeal.id)),
            func.count().filter(col(Appeal.outcome) == AppealOutcome.CHANGED),
        )
        .outerjoin(Appeal, col(Appeal.decision_id) == col(Interview.decision_id))
        .where(
            Interview.field == knowledge,
            col(Interview.project_id).is_(None),
            decided > at - LOOK_BACK,
        )
    ).one()
    found = Others(*row)
    return found if found.decided >= ENOUGH else None


def words_of(session: Session, interview: Interview, language: str) -> dict[str, Any]:
    """Return what both the expert and the person who reads see of an interview."""
    bank, responses = editions.of(session, interview), editions.responses(session, interview)
    card = outcome.card_of(interview) if interview.scorecard else None
    return {
        "bank": bank,
        "rule": bank.rule,
        "card": card,
        "levels": levels(card, bank, language) if card else [],
        "answers": answers(
            bank,
            responses,
            language,
            corrected=corrections.of(session, interview),
            is_deleted=interview.texts_deleted_at is not None,
        ),
        "why": decisions.in_language(interview.reason_words or {"en": ""}, language),
        "change": decisions.in_language(interview.would_change or {"en": ""}, language),
        "points": outcome.points,
        "read_by": interview.finished_at + outcome.READ_WITHIN if interview.finished_at else None,
    }


def _level(words: str, level: Level, bank: Bank, key: str | None) -> ShownLevel:
    mark = bank.rule.pass_mark
    if level.low >= mark:
        reading, tone, icon = _("Clearly above"), "ok", "check-circle"
    elif not scoring.below(level, mark):
        reading, tone, icon = _("Above, within the range"), "ok", "check-circle"
    elif level.high >= mark:
        reading, tone, icon = _("Near the line"), "wait", "dash-circle"
    else:
        reading, tone, icon = _("Below"), "wait", "dash-circle"
    return ShownLevel(
        words=words,
        points=outcome.points(level.points),
        of=level.of,
        low=round(level.low * 100, 1),
        high=round(level.high * 100, 1),
        cut=round(mark * 100, 1),
        reading=reading,
        tone=tone,
        icon=icon,
        under_floor=key is not None and scoring.below(level, bank.rule.floor_of(key)),
    )


def _answer(bank: Bank, response: Response, language: str) -> ShownAnswer:
    item, mark = bank.item(response.item_id), Mark.model_validate(response.mark)
    question, given = item.question, response.answer
    text = given["text"] if given and isinstance(question, Short) else ""
    return ShownAnswer(
        position=response.position,
        item=item,
        title=item.title.in_(language),
        competency=bank.competencies[item.competency].label.in_(language),
        passage=item.passage.text.in_(language) if item.passage else "",
        prompt=question.prompt.in_(language),
        parts=_parts(question, given, mark, language),
        points=outcome.points(response.points),
        tone="ok" if response.points > 1 - scoring.NOTHING else "wait",
        is_unknown=given is None,
        text=text,
        language=response.language,
        checks=_checks(question, text, mark, response, language),
        explanation=item.explanation.in_(language) if item.reveal else "",
        remark=response.remark,
        is_key_words=mark.key_words,
        took=response.answered_at - response.shown_at,
    )


def _parts(
    question: Question, given: dict[str, Any] | None, mark: Mark, language: str
) -> list[ShownPart]:
    if isinstance(question, Case):
        return [
            ShownPart(
                prompt=part.prompt.in_(language),
                lines=_lines(part, given["parts"].get(key) if given else None, language),
                right=_right(part, language),
                points=outcome.points(mark.parts.get(key, 0)),
            )
            for key, part in question.parts.items()
        ]
    lines, right = _lines(question, given, language), _right(question, language)
    return [ShownPart(prompt="", lines=lines, right=right, points="")]


def _lines(question: Question, given: dict[str, Any] | None, language: str) -> list[str]:
    """Return what somebody answered, as lines of words."""
    if given is None or isinstance(question, Short):
        return []
    if isinstance(question, Numeric):
        unit, read = question.unit.in_(language), formats.number(given["number"])
        return [_("%(number)s (%(unit)s)", number=read, unit=unit)]
    if isinstance(question, Case):
        return []
    return [question.options[key].in_(language) for key in _keys(given)]


def _right(question: Question, language: str) -> list[str]:
    if isinstance(question, Short):
        return [question.accepted.in_(language)]
    if isinstance(question, Numeric):
        return [formats.number(question.answer)]
    if isinstance(question, Single | Sentence):
        return [question.options[question.answer].in_(language)]
    if isinstance(question, Multiple | Ordering):
        return [question.options[key].in_(language) for key in question.answer]
    return []


def _keys(given: dict[str, Any]) -> list[str]:
    if "choice" in given:
        return [given["choice"]]
    return list(given.get("choices") or given.get("order") or ())


def _checks(
    question: Question, text: str, mark: Mark, response: Response, language: str
) -> list[dict[str, Any]]:
    """Return the checks of an answer in words, each with the words that met it."""
    if not isinstance(question, Short):
        return []
    said = evidence.sentences(text)
    by_person = bool(response.mark.get("read_by"))
    judged = set(response.mark.get("judged") or ())
    shown = [
        _check(question, reading, said, language, response.language, by_person)
        for reading in mark.readings
    ]
    by_model = {"note": _("Found by both readings of the language model.")}
    return [one | by_model if one["key"] in judged else one for one in shown]


def _check(
    question: Short,
    reading: Reading,
    said: list[str],
    language: str,
    spoken: str,
    by_person: bool,
) -> dict[str, Any]:
    shown: dict[str, Any] = {
        "key": reading.check,
        "met": reading.met,
        "words": question.checks[reading.check].words.in_(language),
    }
    if reading.quote:
        place = next((n for n, one in enumerate(said, 1) if reading.quote in one), 1)
        source = _("Sentence %(number)s of the answer", number=place)
        shown |= {"quote": reading.quote, "source": source, "lang": spoken}
    elif reading.met and by_person:
        shown["note"] = _("Found by the person who read the answer.")
    else:
        shown["note"] = _("Not found in the answer.")
    return shown
