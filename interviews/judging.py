"""Judges read the answers of an interview that is near the line, and only ever add points.

Each answer is asked about once by each judge of a version. What both find, with words that stand in
the answer, counts. All else (they differ, nonsense, no model, no consent, no money, a closed gate)
goes to a person. Nothing here talks to a model: `interviews.judge_jobs` does, between transactions.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from sqlalchemy.dialects.postgresql import insert
from sqlmodel import Session, col, or_, select

from accounts import consents
from accounts.models import Purpose
from core import audit
from interviews import being_read, editions, evidence, gate, judges, outcome, rubrics, scoring
from interviews.evidence import Reading
from interviews.items import Bank, Item
from interviews.judge_models import AnswerJudging, BeingRead, Phase, Why
from interviews.judges import Heard, Judges
from interviews.models import Interview, Response, State

HELD = timedelta(minutes=15)
AGAIN_AFTER = timedelta(minutes=2)


@dataclass(frozen=True)
class Question:
    """What one judge is still to be asked."""

    response_id: int
    judge: int
    item: Item
    text: str
    language: str


@dataclass(frozen=True)
class Work:
    """What is to be asked about an interview."""

    interview_id: int
    questions: list[Question] = field(default_factory=list)


def subject(interview_id: int) -> str:
    """Return under which name the calls about an interview are counted."""
    return f"interview:{interview_id}"


def claim(session: Session, interview_id: int, having: Judges | None, at: datetime) -> Work | None:
    """Take an interview for the judges; None where nothing is to be asked (any more)."""
    interview, row = _locked(session, interview_id)
    if row is None or row.phase is not Phase.JUDGES:
        return None
    if row.held_until is not None and row.held_until > at:
        return None
    bank, responses = editions.of(session, interview), editions.responses(session, interview)
    left = being_read.open_answers(bank, responses)
    reason = _against(session, interview, bank, left, having, at)
    if interview.state is not State.REVIEW or reason or at >= row.due_at or having is None:
        row.why = reason or row.why
        finish(session, interview_id, at)
        return None
    row.version, row.held_until = judges.keep(session, having, at), at + HELD
    session.add(row)
    return Work(interview_id, _missing(session, row.version, bank, left))


def go_on(
    session: Session, interview_id: int, question: Question, version: str, at: datetime
) -> bool:
    """Say whether a judge may be asked still, and hold the interview for so long.

    Much may have happened since the claim: a consent withdrawn, a gate closed, a person erased.
    """
    interview = session.get(Interview, interview_id, with_for_update=True)
    row = session.get(BeingRead, interview_id, with_for_update=True)
    response = session.get(Response, question.response_id, populate_existing=True)
    if interview is None or row is None or response is None or response.answer is None:
        return False
    if row.phase is not Phase.JUDGES or row.version != version:
        return False
    bank, some = editions.of(session, interview), [response]
    if interview.state is not State.REVIEW or _shut(session, interview, bank, some, version):
        return False
    row.held_until = at + HELD
    session.add(row)
    return True


def store(session: Session, question: Question, version: str, heard: Heard, at: datetime) -> None:
    """Keep what a judge said, once; nothing where the answer was deleted meanwhile."""
    response = session.get(Response, question.response_id, with_for_update=True)
    if response is None or response.answer is None:
        return
    row = {
        "response_id": question.response_id,
        "version": version,
        "judge": question.judge,
        "outcome": heard.outcome,
        "readings": None if heard.outcome != "read" else [_kept(one) for one in heard.readings],
        "at": at,
    }
    session.execute(insert(AnswerJudging).values(row).on_conflict_do_nothing())


def finish(session: Session, interview_id: int, at: datetime, *, why: Why | None = None) -> bool:
    """Count what was read and let the outcome follow; False where it has to wait for the model."""
    interview, row = _locked(session, interview_id)
    if row is None or row.phase is not Phase.JUDGES:
        return True
    row.why = why or row.why
    bank, responses = editions.of(session, interview), editions.responses(session, interview)
    left = being_read.open_answers(bank, responses)
    if row.why is None and at < row.due_at and _missing(session, row.version, bank, left):
        row.held_until = at + AGAIN_AFTER
        session.add(row)
        return False
    shut = _shut(session, interview, bank, left, row.version) if row.version else None
    row.held_until, row.phase, row.why = None, Phase.PEOPLE, shut or row.why
    session.add(row)
    for response in left if shut is None else ():
        _add(session, response, bank.item(response.item_id), row.version)
    audit.record(
        session,
        "interview.judged",
        by=None,
        subject=subject(interview_id),
        details={"version": row.version, "why": row.why},
    )
    if interview.state is State.REVIEW:
        outcome.settle(session, interview, bank, responses, at=at)
    if interview.state is not State.REVIEW or not being_read.open_answers(bank, responses):
        row.phase, row.settled_at = Phase.READ, at
    return True


def waiting(session: Session, at: datetime) -> Sequence[int]:
    """Return the interviews that wait for judges whom nobody asks now."""
    free = or_(col(BeingRead.held_until).is_(None), col(BeingRead.held_until) <= at)
    query = select(BeingRead.interview_id).where(BeingRead.phase == Phase.JUDGES, free)
    return session.exec(query.order_by(col(BeingRead.due_at)).limit(100)).all()


def base_mark(session: Session, response: Response, item: Item) -> dict[str, object]:
    """Return what the forms found in an answer, and what two judges added to it."""
    question = rubrics.short(item)
    text = (response.answer or {}).get("text", "")
    readings = evidence.read(text, question.checks)
    version = response.mark.get("judged_by")
    if version is None:
        return scoring.in_words(question, text).model_dump(mode="json")
    found = being_read.agreed(being_read.judgings(session, response.id, version)) or {}
    return _with(item, readings, found, version)


def _add(session: Session, response: Response, item: Item, version: str | None) -> None:
    if version is None or response.mark.get("key_words"):
        return  # key words without a sentence count only once a person has read them
    found = being_read.agreed(being_read.judgings(session, response.id, version))
    if not found:
        return
    text = (response.answer or {}).get("text", "")
    readings = evidence.read(text, rubrics.short(item).checks)
    response.mark = _with(item, readings, found, version)
    response.points = float(str(response.mark["points"]))
    session.add(response)


def _with(
    item: Item, readings: Sequence[Reading], found: dict[str, str], version: str
) -> dict[str, object]:
    added = [one.check for one in readings if not one.met and one.check in found]
    every = tuple(
        Reading(one.check, met=True, quote=found[one.check]) if one.check in added else one
        for one in readings
    )
    mark = scoring.from_readings(rubrics.short(item), every)
    return mark.model_dump(mode="json") | {"judged_by": version, "judged": added}


def _against(
    session: Session,
    interview: Interview,
    bank: Bank,
    left: Sequence[Response],
    having: Judges | None,
    at: datetime,
) -> Why | None:
    """Say what stands against asking judges about this interview at all."""
    if having is None:
        return Why.NO_MODEL
    shut = _shut(session, interview, bank, left, having.version)
    return shut or (Why.DOWN if _over(session, interview, at) else None)


def _shut(
    session: Session, interview: Interview, bank: Bank, left: Sequence[Response], version: str
) -> Why | None:
    """Say why what judges of a version find in answers may not be used now, if it may not."""
    if not consents.given(session, interview.expert_id, Purpose.AI_INTERVIEW):
        return Why.CONSENT
    items = [bank.item(one.item_id) for one in left]
    allowed = all(gate.allows(session, version, interview.field, item) for item in items)
    return None if allowed else Why.GATE


def _over(session: Session, interview: Interview, at: datetime) -> bool:
    row = being_read.of(session, interview)
    return row is not None and at >= row.due_at


def _missing(
    session: Session, version: str | None, bank: Bank, left: Sequence[Response]
) -> list[Question]:
    if version is None:
        return []
    found = []
    for response in left:
        text = (response.answer or {}).get("text", "")
        asked = {one.judge for one in being_read.judgings(session, response.id, version)}
        assert response.id is not None
        for judge in judges.BOTH:
            if judge not in asked:
                item = bank.item(response.item_id)
                found.append(Question(response.id, judge, item, text, response.language))
    return found


def _locked(session: Session, interview_id: int) -> tuple[Interview, BeingRead | None]:
    """Hold an interview first and its reading second, as all do."""
    interview = session.get_one(Interview, interview_id, with_for_update=True)
    return interview, session.get(BeingRead, interview_id, with_for_update=True)


def _kept(reading: Reading) -> dict[str, object]:
    return {"check": reading.check, "met": reading.met, "quote": reading.quote}
