"""Signals of how answers came: kept, shown to their person, and looked at by one; never deciding.

An interview whose signals weigh enough goes to a person, whatever its points; the person sees the
figures, how common they are, and what the candidate says of them. Points come from answers alone.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlmodel import Session, col, func, select

from accounts.models import User
from core import audit
from core.errors import Conflict, Invalid, NotAllowed
from core.settings import current_settings
from interviews import accommodations, prints, signals
from interviews.items import Item, Short
from interviews.models import Interview, Response, State
from interviews.scoring import Verdict
from interviews.signal_models import (
    WORDS_AT_MOST,
    AnswerPrint,
    AnswerSignal,
    Finding,
    IntegrityNote,
)
from interviews.signals import Measured, Rule

LOOK_BACK = timedelta(days=365)
NEAREST = 50  # prints that are compared; a band that more share tells nothing


class NothingNoted(Conflict):
    """Nothing was noted of how you answered, so there is nothing to explain."""


class Settled(Conflict):
    """A person has looked at it already. You can still contest the result."""


class WordsNeeded(Invalid):
    """Write something, in at most %(most)s characters."""


class NoReview(Conflict):
    """No review was opened for this interview, or it has been decided."""


class OwnInterview(NotAllowed):
    """It is your own interview, so another person looks at it."""


class NothingAgainst(Conflict):
    """The points are enough to pass. How answers were written is no reason to fail an interview."""


@dataclass(frozen=True)
class Rate:
    """How often a rule holds for answers in words."""

    rule: Rule
    found: int
    of: int

    @property
    def share(self) -> float | None:
        """Return the share, where enough answers are known."""
        return self.found / self.of if self.of >= signals.ENOUGH else None


@dataclass(frozen=True)
class Shown:
    """A rule that held in an interview: in which answers, and how common it is."""

    rule: Rule
    positions: list[int]
    rate: Rate


@dataclass(frozen=True)
class Reviews:
    """What reviews for signals came to."""

    opened: int
    waiting: int
    nothing: int
    something: int
    explained: int


@dataclass(frozen=True)
class OfItem:
    """How often each rule held for the answers to one item."""

    item_id: str
    answers: int
    found: dict[str, int] = field(default_factory=dict)


def read(
    session: Session, interview: Interview, sent: str | None, *, since: datetime, at: datetime
) -> Measured | None:
    """Return what a page measured of an answer, unless nothing is measured of its person."""
    if accommodations.is_unmeasured(session, interview):
        return None
    return signals.read(sent, took=at - since)


def keep(
    session: Session,
    interview: Interview,
    response: Response,
    item: Item,
    measured: Measured | None,
    *,
    at: datetime,
) -> None:
    """Keep what is known of how an answer in words came; of other answers nothing is."""
    text = (response.answer or {}).get("text", "")
    if not isinstance(item.question, Short) or not text:
        return
    session.flush()  # to get the id of the answer
    assert response.id is not None
    if accommodations.is_unmeasured(session, interview):
        measured = None
    times, share = _alike(session, interview, response, item, text, at)
    facts = signals.facts(measured, len(text), share)
    counts = measured.model_dump() if measured else {}
    session.add(
        AnswerSignal(
            response_id=response.id,
            item_id=item.id,
            rules=signals.RULES_NAME,
            measured=measured is not None,
            letters=len(text),
            alike=times,
            alike_share=share,
            found=signals.found(facts),
            at=at,
            **counts,
        )
    )


def opens(session: Session, interview: Interview, verdict: Verdict, *, at: datetime) -> bool:
    """Note the signals of an interview that ends, and say whether a person has to look at them.

    Once its answers were read it ends again, and what was noted stays.
    """
    known = note_of(session, interview)
    if known is not None:
        return known.opened_at is not None
    times = Counter(name for one in of(session, interview) for name in one.found)
    if not times:
        return False
    weight = signals.weight(times)
    if weight >= signals.OPENS_AT:
        weight = signals.weight(times, _common(session, at))
    is_open = weight >= signals.OPENS_AT
    note = IntegrityNote(
        interview_id=interview.key,
        rules=signals.RULES_NAME,
        found=dict(times),
        weight=weight,
        by_rule=str(verdict) if is_open else None,
        opened_at=at if is_open else None,
    )
    session.add(note)
    if is_open:
        details = {"found": dict(times), "weight": weight, "rules": signals.RULES_NAME}
        _record(session, interview, "signals_opened", by=None, **details)
    return is_open


def of(session: Session, interview: Interview) -> Sequence[AnswerSignal]:
    """Return the signals of an interview's answers, in their order."""
    query = (
        select(AnswerSignal)
        .join(Response, col(Response.id) == col(AnswerSignal.response_id))
        .where(Response.interview_id == interview.id)
    )
    return session.exec(query.order_by(col(Response.position))).all()


def note_of(session: Session, interview: Interview, *, lock: bool = False) -> IntegrityNote | None:
    """Return what was noted of an interview."""
    return session.get(IntegrityNote, interview.key, with_for_update=lock)


def measured(session: Session, interview: Interview) -> tuple[bool, bool]:
    """Return whether anything was measured of answers in words, and whether they were compared."""
    query = (
        select(AnswerSignal.measured)
        .join(Response, col(Response.id) == col(AnswerSignal.response_id))
        .where(Response.interview_id == interview.id)
    )
    found = session.exec(query).all()
    return any(found), bool(found)


def shown(session: Session, interview: Interview, at: datetime) -> list[Shown]:
    """Return the rules that held in an interview, for its person and for who looks at it."""
    query = (
        select(Response.position, AnswerSignal.found)
        .join(AnswerSignal, col(AnswerSignal.response_id) == col(Response.id))
        .where(Response.interview_id == interview.id)
        .order_by(col(Response.position))
    )
    places: dict[str, list[int]] = {}
    for position, names in session.exec(query):
        for name in names:
            places.setdefault(name, []).append(position)
    if not places:
        return []
    known = {rate.rule.name: rate for rate in rates(session, at)}
    return [
        Shown(rule, places[rule.name], known[rule.name])
        for rule in signals.RULES
        if rule.name in places
    ]


def explain(session: Session, interview: Interview, words: str, *, at: datetime) -> bool:
    """Keep what a candidate says of the signals; `interview` is locked by the caller."""
    note = note_of(session, interview)
    if interview.state is State.ACTIVE or note is None or interview.texts_deleted_at:
        raise NothingNoted
    kept = words.strip()
    if not 1 <= len(kept) <= WORDS_AT_MOST:
        raise WordsNeeded(most=WORDS_AT_MOST)
    if note.words == kept:
        return False
    if note.finding is not None:
        raise Settled
    note.words, note.words_at = kept, at
    session.add(note)
    _record(session, interview, "signals_explained", by=interview.expert_id)
    return True


def conclude(
    session: Session, interview: Interview, finding: Finding, *, by: User, at: datetime
) -> bool:
    """Keep what a person found; it changes no points. `interview` is locked by the caller."""
    if by.id == interview.expert_id:
        raise OwnInterview
    note = note_of(session, interview)
    if note is None or note.opened_at is None:
        raise NoReview
    if note.finding is finding and note.noted_by == by.id:
        return False
    if note.finding is not None and interview.state is not State.REVIEW:
        raise NoReview
    note.finding, note.noted_by, note.noted_at = finding, by.id, at
    session.add(note)
    _record(session, interview, "signals_concluded", by=by.id, finding=str(finding))
    return True


def check_against(session: Session, interview: Interview) -> None:
    """Refuse a result against somebody whom the rule lets pass and only signals held up."""
    note = note_of(session, interview)
    if note is not None and note.by_rule == Verdict.PASSED:
        raise NothingAgainst


def forget_words(session: Session, interview: Interview) -> None:
    """Let what a candidate said of the signals go, with the answers that it is about."""
    note = note_of(session, interview)
    if note is not None and note.words is not None:
        note.words = note.words_at = None
        session.add(note)


def rates(session: Session, at: datetime) -> list[Rate]:
    """Return how often each rule held in the last year; what was not measured is left out."""
    count = [_held(rule).label(rule.name) for rule in signals.RULES]
    measured = func.count().filter(col(AnswerSignal.measured))
    row = session.execute(sa.select(func.count(), measured, *count).where(_lately(at))).one()
    every, known = row[0], row[1]
    return [
        Rate(rule, found, every if rule.figure == "alike_share" else known)
        for rule, found in zip(signals.RULES, row[2:], strict=True)
    ]


def by_item(session: Session, at: datetime) -> list[OfItem]:
    """Return how often each rule held for each item, those with most signals first."""
    count = [_held(rule) for rule in signals.RULES]
    query = (
        sa.select(col(AnswerSignal.item_id), func.count(), *count)
        .where(_lately(at))
        .group_by(col(AnswerSignal.item_id))
    )
    rows = [
        OfItem(row[0], row[1], dict(zip(signals.BY_NAME, row[2:], strict=True)))
        for row in session.execute(query)
    ]
    return sorted(rows, key=lambda one: (-sum(one.found.values()) / one.answers, one.item_id))


def reviews(session: Session, at: datetime) -> Reviews:
    """Return what the reviews of the last year came to."""
    finding = col(IntegrityNote.finding)
    row = session.execute(
        sa.select(
            func.count(),
            func.count().filter(finding.is_(None)),
            func.count().filter(finding == Finding.NOTHING),
            func.count().filter(finding == Finding.SOMETHING),
            func.count().filter(col(IntegrityNote.words).is_not(None)),
        ).where(col(IntegrityNote.opened_at) > at - LOOK_BACK)
    ).one()
    return Reviews(*row)


def _alike(
    session: Session,
    interview: Interview,
    response: Response,
    item: Item,
    text: str,
    at: datetime,
) -> tuple[int, float]:
    """Keep the print of an answer; return how many others are like it, and how much the nearest."""
    secret = current_settings().secret_key.get_secret_value().encode()
    made = prints.of(text, question=_question(item), item_id=item.id, key=secret)
    if made is None or response.id is None:
        return 0, 0.0
    others = session.exec(
        select(AnswerPrint.marks)
        .join(Response, col(Response.id) == col(AnswerPrint.response_id))
        .join(Interview, col(Interview.id) == col(Response.interview_id))
        .where(
            col(AnswerPrint.bands).op("&&")(made.bands),
            Interview.expert_id != interview.expert_id,
        )
        .order_by(col(AnswerPrint.response_id).desc())
        .limit(NEAREST)
    ).all()
    session.add(AnswerPrint(response_id=response.id, marks=made.marks, bands=made.bands, at=at))
    shares = [prints.alike(made.marks, other) for other in others]
    least = signals.BY_NAME["alike"].least or 0.0
    return sum(share >= least for share in shares), max(shares, default=0.0)


def _question(item: Item) -> list[str]:
    texts = [item.title, item.question.prompt]
    if item.passage:
        texts += [item.passage.text, item.passage.source]
    return [text.in_(language) for text in texts for language in ("en", "fr")]


def _common(session: Session, at: datetime) -> frozenset[str]:
    """Return the rules that hold for so many that they tell nothing of anybody."""
    return frozenset(
        rate.rule.name
        for rate in rates(session, at)
        if rate.share is not None and rate.share > signals.COMMON
    )


def _held(rule: Rule) -> Any:
    return func.count().filter(col(AnswerSignal.found).contains([rule.name]))


def _lately(at: datetime) -> Any:
    return col(AnswerSignal.at) > at - LOOK_BACK


def _record(
    session: Session, interview: Interview, what: str, *, by: int | None, **details: Any
) -> None:
    audit.record(
        session,
        f"interview.{what}",
        by=by,
        subject=f"interview:{interview.id}",
        details=details,
    )
