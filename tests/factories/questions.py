"""Questions on tasks, valid by default."""

from typing import Any
from uuid import uuid4

from sqlmodel import Session

from annotation.models import Assignment
from annotation.question_models import About, AnswerFor, Question
from core.clock import now


def make_question(session: Session, lease: Assignment, **changes: Any) -> Question:
    """Make a question that waits for its answer; with `answer`, one that was answered."""
    values: dict[str, Any] = {
        "project_id": lease.project_id,
        "task_id": lease.task_id,
        "assignment_id": lease.id,
        "expert_id": lease.expert_id,
        "reference": uuid4(),
        "about": About.TASK,
        "guidelines_version": lease.terms["guidelines_version"],
        "words": "Is a waiver of claims a limit of liability?",
        "asked_at": now(),
    }
    if "answer" in changes:
        values |= {"answer_for": AnswerFor.ASKER, "answered_at": now()}
    question = Question(**(values | changes))
    session.add(question)
    session.flush()
    return question
