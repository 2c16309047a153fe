"""An interview from its start to its last answer: one question at a time, at any pace.

An answer counts once: whatever arrives later for the same question changes nothing. The interview
stays open for some hours and can be left and taken up again; only the server's clock is used.
"""

import secrets
from collections.abc import Sequence
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from sqlalchemy import text
from sqlalchemy.dialects.postgresql import insert
from sqlmodel import Session, col, select

from accounts import consents
from accounts.models import Purpose
from core import audit
from core.errors import Conflict, Invalid
from experts import profile
from experts.fields import Field
from interviews import (
    accommodations,
    course,
    editions,
    integrity,
    letters,
    model_outages,
    outcome,
    plan,
    project_standing,
    scoring,
    standing,
    templates,
    turns,
)
from interviews.items import Bank
from interviews.models import Interview, Mode, Response, State
from interviews.signals import Measured
from interviews.talk_models import Speaker
from projects.models import Project

CONSENT_VERSION = "2026-11"
# A literal: with a parameter in its place a prepared statement no longer finds the index.
UNDER_WAY = text("state = 'active'")


class NotThisQuestion(Conflict):
    """Another question is open now. Nothing was stored; go on with the open one."""


class NotActive(Conflict):
    """The interview has ended. Its result page says how."""


class ConsentNeeded(Invalid):
    """An interview with a language model needs your agreement to it. The other ways need none."""


class NoModel(Conflict):
    """No language model can lead interviews here. Please choose one of the other ways."""


class NoSuchWay(Invalid):
    """Choose one of the ways that the page shows."""


class OnlyAway(Conflict):
    """An interview under way can leave the language model, and not begin with it."""


class Kept(StrEnum):
    """What came of an answer."""

    STORED = "stored"
    SAME = "same"
    FIRST = "first"
    ENDED = "ended"


def start(
    session: Session,
    expert_id: int,
    field: Field,
    *,
    consent_version: str,
    at: datetime,
    mode: Mode = Mode.STRUCTURED,
    llm_model: str | None = None,
    project: Project | None = None,
) -> Interview:
    """Start an interview, or return the one that is under way; with a project, what it asks."""
    profile.of(session, expert_id)
    _close_what_is_over(session, expert_id, field, at)
    found = project_standing.of(session, expert_id, project, at) if project else None
    found = found or standing.of(session, expert_id, field, at)
    if found.active is not None:
        return found.active
    bank = standing.check(found, at)
    row = _row(session, bank, found, consent_version, at)
    row |= _led(session, expert_id, mode, llm_model) | {"expert_id": expert_id}
    made = session.execute(
        insert(Interview)
        .values(row)
        # Two clicks at once: the second waits here, inserts nothing, and finds the first's.
        .on_conflict_do_nothing(index_elements=["expert_id", "field"], index_where=UNDER_WAY)
        .returning(col(Interview.id))
    ).scalar()
    if made is not None:
        _record(session, made, "started", by=expert_id, attempt=found.attempt, mode=str(mode))
    under_way = session.exec(standing.active(expert_id, field)).one()
    if under_way.id == made:
        accommodations.apply(session, under_way)
    if under_way.project_id != (project.id if project else None):
        raise standing.AnotherUnderWay
    return under_way


def position(session: Session, interview: Interview) -> int:
    """Return the number of the open question, from 1."""
    return len(editions.responses(session, interview)) + 1


def is_ahead(session: Session, interview: Interview, place: int) -> bool:
    """Say whether a question has not been shown yet, or never will be: nothing of it is told."""
    answered = len(editions.responses(session, interview))
    shown = answered + 1 if interview.state is State.ACTIVE else answered
    return place > shown


def answer(
    session: Session,
    interview: Interview,
    place: int,
    given: dict[str, Any] | None,
    *,
    language: str,
    remark: str,
    at: datetime,
    measured: Measured | None = None,
) -> Kept:
    """Store the answer to a question, once; `interview` is locked by the caller."""
    so_far = editions.responses(session, interview)
    if 1 <= place <= len(so_far):
        return Kept.SAME if so_far[place - 1].answer == given else Kept.FIRST
    if interview.state is not State.ACTIVE:
        raise NotActive
    if not interview.is_open(at):
        expire(session, interview, at)
        return Kept.ENDED
    if place != len(so_far) + 1:
        raise NotThisQuestion
    bank = editions.of(session, interview)
    _step, item = editions.asked(bank, interview, place)
    mark = scoring.mark(item.question, given)
    shown_at = so_far[-1].answered_at if so_far else interview.started_at
    response = Response(
        interview_id=interview.key,
        position=place,
        item_id=item.id,
        language=language,
        answer=given,
        points=mark.points,
        mark=mark.model_dump(mode="json"),
        remark=remark.strip(),
        shown_at=shown_at,
        answered_at=max(at, shown_at),
    )
    session.add(response)
    integrity.keep(session, interview, response, item, measured, at=at)
    _go_on(session, interview, bank, [*so_far, response])
    if place == interview.length:
        outcome.settle(session, interview, bank, [*so_far, response], at=at)
    return Kept.STORED


def _go_on(
    session: Session, interview: Interview, bank: Bank, responses: Sequence[Response]
) -> None:
    """Let the next question follow from the answers, where it does and enough is not known yet."""
    if not interview.is_adaptive:
        return
    step = course.following(session, interview, bank, responses)
    if step is not None:
        interview.plan = [*interview.plan, step.model_dump(mode="json")]


def switch(session: Session, interview: Interview, mode: Mode, at: datetime) -> bool:
    """Go on in another way; False when nothing changes. What was answered stays as it is."""
    if not interview.is_open(at):
        raise NotActive
    if mode is interview.mode:
        return False
    if mode is Mode.LLM:
        raise OnlyAway
    before, interview.mode = interview.mode, mode
    session.add(interview)
    model_outages.end(session, interview, at)
    close_said(session, interview, at)
    details = {"before": str(before), "mode": str(mode)}
    _record(session, interview.id, "switched", by=interview.expert_id, **details)
    return True


def close_said(session: Session, interview: Interview, at: datetime) -> None:
    """Take what was said to the open question as its answer, unless more is being asked of it."""
    place = position(session, interview)
    said = turns.of(session, interview, place)
    if not said or said[-1].role is Speaker.INTERVIEWER:
        return
    words, first = turns.joined(said), said[0]
    answer(
        session,
        interview,
        place,
        {"text": words} if words else None,
        language=first.language,
        remark=first.remark,
        at=at,
        measured=turns.measured(said),
    )


def leave(session: Session, interview: Interview, at: datetime) -> None:
    """End an interview at its person's wish; a second time changes nothing."""
    if interview.state is not State.ACTIVE:
        return
    interview.state, interview.finished_at = State.ABANDONED, at
    session.add(interview)
    _record(session, interview.id, "left", by=interview.expert_id)


def expire(session: Session, interview: Interview, at: datetime) -> None:
    """Close an interview whose time is over. Nothing is scored or held against anybody."""
    if interview.state is not State.ACTIVE or interview.is_open(at):
        return
    interview.state, interview.finished_at = State.EXPIRED, interview.expires_at
    session.add(interview)
    answered = len(editions.responses(session, interview))
    is_spoiled = model_outages.open_of(session, interview) is not None
    letters.tell(session, interview, "expired", answered=answered, is_spoiled=is_spoiled)
    _record(session, interview.id, "expired", by=None, answered=answered)


def expire_next(session: Session, at: datetime) -> bool:
    """Close one interview that is over, if there is one that nobody holds."""
    query = select(Interview).where(Interview.state == State.ACTIVE, Interview.expires_at <= at)
    found = session.exec(query.limit(1).with_for_update(skip_locked=True)).first()
    if found is not None:
        expire(session, found, at)
    return found is not None


def _close_what_is_over(session: Session, expert_id: int, field: Field, at: datetime) -> None:
    query = standing.active(expert_id, field).where(Interview.expires_at <= at)
    for over in session.exec(query.with_for_update()):
        expire(session, over, at)


def _row(
    session: Session,
    bank: Bank,
    found: standing.Standing,
    consent_version: str,
    at: datetime,
) -> dict[str, Any]:
    seed = found.seed or secrets.token_hex(8)
    if bank.template.adaptive is None:
        steps = plan.draw(bank, seed, attempt=found.attempt, seen=found.seen)
    else:
        steps = [course.first(session, bank, seed, attempt=found.attempt, seen=found.seen, at=at)]
    return {
        "field": bank.field,
        "attempt": found.attempt,
        "state": State.ACTIVE,
        "edition": editions.freeze(session, bank, at),
        **templates.columns(found.template, bank),
        "seed": seed,
        "plan": [step.model_dump(mode="json") for step in steps],
        "consent_version": consent_version,
        "consented_at": at,
        "started_at": at,
        "expires_at": at + timedelta(hours=bank.template.open_hours),
    }


def _led(session: Session, expert_id: int, mode: Mode, llm_model: str | None) -> dict[str, Any]:
    """Return how an interview is led, with the consent that a language model needs."""
    chosen: dict[str, Any] = {"mode": mode, "begun_as": mode}
    if mode is not Mode.LLM:
        return chosen
    if llm_model is None:
        raise NoModel
    consents.hold(session, expert_id)
    consent = consents.in_force(session, expert_id, Purpose.AI_INTERVIEW)
    if consent is None:
        raise ConsentNeeded
    return chosen | {"llm_model": llm_model, "ai_consent_id": consent.id}


def _record(
    session: Session, interview_id: int | None, what: str, *, by: int | None, **details: Any
) -> None:
    audit.record(
        session, f"interview.{what}", by=by, subject=f"interview:{interview_id}", details=details
    )
