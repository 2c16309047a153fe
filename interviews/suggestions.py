"""What somebody said of themselves in an interview, offered for their profile: theirs to accept.

Every suggestion has the person's own words as its quote, and is made of words of that quote only.
A model may find them; where it finds nothing of use, the answer is offered as it stands.
"""

import re
from collections.abc import Sequence
from datetime import datetime
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict
from sqlalchemy.dialects.postgresql import insert
from sqlmodel import Session, col, delete, func, select

from core import audit
from core.errors import Invalid, NotFound
from experts import profile
from experts.models import Expert
from interviews.evidence import plain
from interviews.models import Interview
from interviews.talk_models import (
    ProfilePart,
    Speaker,
    Suggestion,
    SuggestionState,
    Turn,
    TurnKind,
)

QUOTE_AT_MOST, ABOUT_AT_MOST, LINE_AT_MOST = 600, 4000, 120
MOST = 4
# The part of a profile that an answer belongs to where nobody has read it.
BY_TOPIC = {"years": ProfilePart.YEARS}


class Full(Invalid):
    """Your profile has no room for all of it: shorten these words by %(over)s characters."""


class Offer(BaseModel):
    """What a model finds in an answer."""

    model_config = ConfigDict(extra="forbid")

    part: Literal["headline", "about", "years", "licence"]
    text: str
    issuer: str
    quote: str


class Offers(BaseModel):
    """The form in which a model answers."""

    model_config = ConfigDict(extra="forbid")

    offers: list[Offer]


def answered(session: Session, interview: Interview) -> list[tuple[int, Turn, Turn]]:
    """Return the questions of the opening that were answered: place, question, answer."""
    query = select(Turn).where(
        Turn.interview_id == interview.id,
        col(Turn.position).is_(None),
        Turn.kind != TurnKind.NOTICE,
    )
    said = session.exec(query.order_by(col(Turn.number))).all()
    asked = [one for one in said if one.kind is TurnKind.OPENING]
    answers = {one.number: one for one in said if one.role is Speaker.CANDIDATE and one.text}
    return [
        (place, one, answers[one.number + 1])
        for place, one in enumerate(asked)
        if one.number + 1 in answers
    ]


def checked(offer: Offer, answer: str) -> tuple[ProfilePart, dict[str, Any], str] | None:
    """Return an offer as it may be shown; None where the person has not said so."""
    quote = offer.quote.strip()
    if not quote or len(quote) > QUOTE_AT_MOST or quote not in answer:
        return None
    part, text, issuer = ProfilePart(offer.part), offer.text.strip(), offer.issuer.strip()
    match part:
        case ProfilePart.YEARS:
            return _years(text, quote)
        case ProfilePart.ABOUT:
            return part, {"text": quote}, quote
        case ProfilePart.HEADLINE if 0 < len(text) <= LINE_AT_MOST and _made_of(text, quote):
            return part, {"text": text}, quote
        case ProfilePart.LICENCE if text and issuer and _made_of(f"{text} {issuer}", quote):
            return part, {"title": text[:200], "issuer": issuer[:200]}, quote
    return None


def as_it_stands(topic: str, answer: str) -> tuple[ProfilePart, dict[str, Any], str] | None:
    """Return an answer as an offer that nobody has read."""
    quote = answer.strip()[:QUOTE_AT_MOST]
    if BY_TOPIC.get(topic) is ProfilePart.YEARS:
        number = re.search(r"\b\d{1,2}\b", quote)
        return _years(number.group(), quote) if number else None
    return ProfilePart.ABOUT, {"text": quote}, quote


def keep(
    session: Session,
    interview: Interview,
    answer: Turn,
    found: tuple[ProfilePart, dict[str, Any], str],
    *,
    llm_model: str | None,
    at: datetime,
) -> None:
    """Keep a suggestion, once for each part and answer; not what the profile says already."""
    part, value, quote = found
    expert = session.get(Expert, interview.expert_id)
    if expert is None or _is_there(session, expert, part, value):
        return
    session.execute(
        insert(Suggestion)
        .values(
            interview_id=interview.key,
            turn_id=answer.id,
            part=part,
            value=value,
            quote=quote,
            llm_model=llm_model,
            state=SuggestionState.OPEN,
            made_at=at,
        )
        .on_conflict_do_nothing()
    )


def of(session: Session, interview: Interview) -> Sequence[Suggestion]:
    """Return the suggestions of an interview, open ones first."""
    query = select(Suggestion).where(Suggestion.interview_id == interview.id)
    is_answered = col(Suggestion.answered_at).is_not(None)
    return session.exec(query.order_by(is_answered, col(Suggestion.id))).all()


def waiting(session: Session, interview: Interview) -> int:
    """Return how many suggestions of an interview are not answered."""
    query = select(func.count()).where(
        Suggestion.interview_id == interview.id, Suggestion.state == SuggestionState.OPEN
    )
    return session.exec(query).one()


def check_of(suggestion: Suggestion, interview: Interview) -> None:
    """Refuse a suggestion of another interview."""
    if suggestion.interview_id != interview.id:
        raise NotFound


def accept(
    session: Session, interview: Interview, one: Suggestion, value: dict[str, Any], at: datetime
) -> bool:
    """Take into the profile what its person made of a suggestion; False when it was answered.

    It is locked. The quote and what was found stay as they are.
    """
    if one.state is not SuggestionState.OPEN:
        return False
    expert = profile.of(session, interview.expert_id)
    # Two windows may add to the same words.
    session.refresh(expert, with_for_update=True)
    match one.part:
        case ProfilePart.HEADLINE:
            profile.change(session, expert, at, headline=value["text"])
        case ProfilePart.ABOUT:
            profile.change(session, expert, at, about=_added(expert, value["text"]))
        case ProfilePart.YEARS:
            profile.change(session, expert, at, years=value["years"])
        case ProfilePart.LICENCE:
            profile.declare(
                session,
                expert.user_id,
                title=value["title"],
                issuer=value["issuer"],
                jurisdiction=None,
                number="",
                valid_until=None,
                at=at,
            )
    one.own = value if value != one.value else None
    _answer(session, interview, one, SuggestionState.ACCEPTED, at)
    return True


def decline(session: Session, interview: Interview, one: Suggestion, at: datetime) -> bool:
    """Leave a suggestion out of the profile; False when it was answered before."""
    if one.state is not SuggestionState.OPEN:
        return False
    _answer(session, interview, one, SuggestionState.DECLINED, at)
    return True


def forget(session: Session, interview: Interview) -> None:
    """Delete suggestions with the answers that they quote; what was accepted stays accepted."""
    session.exec(delete(Suggestion).where(col(Suggestion.interview_id) == interview.id))


def _added(expert: Expert, words: str) -> str:
    told = "\n\n".join(filter(None, [expert.about.strip(), words]))
    if len(told) > ABOUT_AT_MOST:
        raise Full(over=len(told) - ABOUT_AT_MOST)
    return told


def _answer(
    session: Session, interview: Interview, one: Suggestion, state: SuggestionState, at: datetime
) -> None:
    one.state, one.answered_at = state, at
    session.add(one)
    audit.record(
        session,
        f"profile.suggestion_{state}",
        by=interview.expert_id,
        subject=f"expert:{interview.expert_id}",
        details={"part": one.part, "interview_id": interview.id, "is_edited": one.own is not None},
    )


def _years(text: str, quote: str) -> tuple[ProfilePart, dict[str, Any], str] | None:
    if not text.isdecimal() or int(text) > 70 or f" {int(text)} " not in plain(quote):
        return None
    return ProfilePart.YEARS, {"years": int(text)}, quote


def _made_of(text: str, quote: str) -> bool:
    return set(plain(text).split()) <= set(plain(quote).split())


def _is_there(session: Session, expert: Expert, part: ProfilePart, value: dict[str, Any]) -> bool:
    match part:
        case ProfilePart.HEADLINE:
            return bool(expert.headline == value["text"])
        case ProfilePart.ABOUT:
            return value["text"] in expert.about
        case ProfilePart.YEARS:
            return bool(expert.years == value["years"])
        case ProfilePart.LICENCE:
            held = profile.licences(session, expert.user_id)
            return any(plain(one.title) == plain(value["title"]) for one in held)
