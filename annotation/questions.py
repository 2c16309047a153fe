"""Questions to the owner: asked beside the task, answered once, for the asker or for all.

Nobody but the owner learns who asked. What is hidden is hidden from the other experts only, with a
reason that the asker reads and may contest (`question_hiding`); it touches neither work nor pay.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import func
from sqlalchemy import select as select_columns
from sqlmodel import Session, and_, col, or_, select

from accounts.models import User
from annotation.models import Assignment, State, Task
from annotation.question_models import About, AnswerFor, Question
from core import audit
from core.errors import Conflict, NotFound
from experts.models import Expert
from projects.models import Project, id_of

# So long whoever wrote a question or an answer may change its words.
CHANGEABLE = timedelta(minutes=15)
WAITING_AT_MOST = 20
BESIDE_AT_MOST = 50


class NotInHand(Conflict):
    """You can ask about a task while you have it in hand. What was asked before stays here."""


class TooManyWaiting(Conflict):
    """%(most)s questions of yours wait for an answer in this project.

    Ask again once some of them are answered, or take one back.
    """


class QuestionGone(NotFound):
    """This question is no longer there: whoever asked it took it back."""


class AnsweredAlready(Conflict):
    """This question is answered already, so it can no longer be changed or taken back."""


class AnsweredByOther(Conflict):
    """Somebody at your organisation has answered this question already. Their answer stands."""


class TooLateToChange(Conflict):
    """This can be changed for 15 minutes only: others may have read it."""


class NotAnswered(Conflict):
    """This question has no answer yet."""


@dataclass(frozen=True)
class Beside:
    """What an expert reads of questions: on their task, and the rest of the project's."""

    of_task: Sequence[Question]
    waiting: int
    unseen: int


def ask(
    session: Session, lease: Assignment, *, about: About, words: str, reference: UUID, at: datetime
) -> Question:
    """Ask the owner; the same reference again is the same question."""
    before = session.exec(
        select(Question).where(
            Question.expert_id == lease.expert_id, Question.reference == reference
        )
    ).first()
    if before is not None:
        return before
    if lease.state is not State.ACTIVE:
        raise NotInHand
    if _waiting_of(session, lease) >= WAITING_AT_MOST:
        raise TooManyWaiting(most=WAITING_AT_MOST)
    question = Question(
        project_id=lease.project_id,
        task_id=lease.task_id,
        assignment_id=id_of(lease),
        expert_id=lease.expert_id,
        reference=reference,
        about=about,
        guidelines_version=lease.terms["guidelines_version"],
        words=words.strip(),
        asked_at=at,
    )
    session.add(question)
    session.flush()  # the trail names it
    _record(session, "question.asked", question, by=lease.expert_id)
    return question


def change(session: Session, question: Question, words: str, *, at: datetime) -> None:
    """Put a question in other words, while nobody has answered it; the caller holds the row."""
    if question.answered_at is not None:
        raise AnsweredAlready
    if not may_change(question, at):
        raise TooLateToChange
    if question.words != words.strip():
        question.words = words.strip()
        question.changed_at = at
        session.add(question)
        _record(session, "question.changed", question, by=question.expert_id)


def take_back(session: Session, question: Question) -> None:
    """Take a question back, while nobody has answered it; nothing of it stays."""
    if question.answered_at is not None:
        raise AnsweredAlready
    _record(session, "question.taken_back", question, by=question.expert_id)
    session.delete(question)


def answer(
    session: Session,
    question: Question,
    words: str,
    *,
    answer_for: AnswerFor,
    by: User,
    at: datetime,
) -> None:
    """Answer a question, once; the caller holds the row. The same answer again changes nothing."""
    if question.answered_at is not None:
        if (question.answer, question.answered_by) == (words.strip(), by.id):
            return
        raise AnsweredByOther
    question.answer = words.strip()
    question.answer_for = answer_for
    question.answered_by = by.id
    question.answered_at = at
    session.add(question)
    _record(session, "question.answered", question, by=by.id, answer_for=str(answer_for))


def change_answer(
    session: Session,
    question: Question,
    words: str,
    *,
    answer_for: AnswerFor,
    by: User,
    at: datetime,
) -> None:
    """Correct an answer shortly after it was given; who had read it is shown it again."""
    if question.answered_at is None:
        raise NotAnswered
    if not may_change_answer(question, at):
        raise TooLateToChange
    if (question.answer, question.answer_for) != (words.strip(), answer_for):
        question.answer = words.strip()
        question.answer_for = answer_for
        question.changed_at = at
        question.seen_at = None
        session.add(question)
        _record(session, "question.answer_changed", question, by=by.id)


def may_change(question: Question, at: datetime) -> bool:
    """Say whether the asker may still put it in other words."""
    return question.answered_at is None and at < question.asked_at + CHANGEABLE


def may_change_answer(question: Question, at: datetime) -> bool:
    """Say whether the answer may still be corrected."""
    return question.answered_at is not None and at < question.answered_at + CHANGEABLE


def held(session: Session, question_id: int) -> Question:
    """Return a question, locked."""
    question = session.get(Question, question_id, with_for_update=True, populate_existing=True)
    if question is None:
        raise QuestionGone
    return question


def beside(session: Session, lease: Assignment) -> Beside:
    """Return what stands beside a task: its questions, and how many of one's own wait."""
    of_task = session.exec(
        select(Question)
        .where(Question.task_id == lease.task_id, Question.about == About.TASK, _readable(lease))
        .order_by(col(Question.id).desc())
        .limit(BESIDE_AT_MOST)
    ).all()
    unseen = session.exec(select(func.count()).where(*_unseen(lease))).one()
    return Beside(of_task, _waiting_of(session, lease), unseen)


def of_project(lease: Assignment) -> Any:
    """Select the other questions that an expert may read in the project, newest first."""
    own_task = and_(col(Question.task_id) == lease.task_id, col(Question.about) == About.TASK)
    return (
        select(Question)
        .where(Question.project_id == lease.project_id, _readable(lease), ~own_task)
        .order_by(func.coalesce(col(Question.answered_at), col(Question.asked_at)).desc())
    )


def see(session: Session, lease: Assignment, *, at: datetime) -> None:
    """Note that the asker has the answers to their questions before them."""
    for question in session.exec(select(Question).where(*_unseen(lease)).with_for_update()):
        question.seen_at = at
        session.add(question)


def newest(session: Session, lease: Assignment) -> datetime | None:
    """Return when something last was answered, or corrected, that an expert may read."""
    last = func.greatest(col(Question.answered_at), col(Question.changed_at))
    found: datetime | None = session.execute(
        select_columns(func.max(last)).where(
            col(Question.project_id) == lease.project_id,
            col(Question.answered_at).is_not(None),
            _readable(lease),
        )
    ).scalar_one()
    return found


def count_waiting(session: Session, project_id: int) -> tuple[int, datetime | None]:
    """Count the questions of a project that wait for an answer, and say since when."""
    number, first = session.exec(
        select(func.count(), func.min(Question.asked_at)).where(*_waits(project_id))
    ).one()
    return number, first


def listed(project: Project, which: str) -> Any:
    """Select the questions of a project with who asked and about which task, for its owner."""
    asked = (
        select(Question, col(Expert.pseudonym), Task)
        .join(Expert, col(Expert.user_id) == col(Question.expert_id))
        .join(Task, col(Task.id) == col(Question.task_id))
        .where(Question.project_id == project.id)
    )
    if which == "hidden":
        return asked.where(col(Question.hidden_at).is_not(None)).order_by(col(Question.id).desc())
    if which == "answered":
        answered = asked.where(
            col(Question.answered_at).is_not(None), col(Question.hidden_at).is_(None)
        )
        return answered.order_by(col(Question.answered_at).desc())
    return asked.where(*_waits(id_of(project))).order_by(col(Question.asked_at))


def _waits(project_id: int) -> tuple[Any, ...]:
    return (
        Question.project_id == project_id,
        col(Question.answered_at).is_(None),
    )


def _readable(lease: Assignment) -> Any:
    """Say which questions an expert may read: their own, and those that are answered for all."""
    for_all = and_(col(Question.answer_for) == AnswerFor.ALL, col(Question.hidden_at).is_(None))
    return or_(col(Question.expert_id) == lease.expert_id, for_all)


def _unseen(lease: Assignment) -> tuple[Any, ...]:
    return (
        Question.expert_id == lease.expert_id,
        Question.project_id == lease.project_id,
        col(Question.answered_at).is_not(None),
        col(Question.seen_at).is_(None),
    )


def _waiting_of(session: Session, lease: Assignment) -> int:
    return session.exec(
        select(func.count()).where(*_waits(lease.project_id), Question.expert_id == lease.expert_id)
    ).one()


def _record(
    session: Session, action: str, question: Question, *, by: int | None, **details: Any
) -> None:
    audit.record(
        session,
        action,
        by=by,
        subject=f"task_question:{question.id}",
        details={"project_id": question.project_id, **details},
    )
