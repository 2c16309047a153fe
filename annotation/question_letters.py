"""Letters about questions: several in one, never at once, and none about what was seen already.

A row says that its letter was written; both are one transaction, so that a crash neither loses a
letter nor writes it twice.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta

from sqlalchemy import func
from sqlmodel import Session, col, select

from accounts import organisations
from accounts.models import User
from annotation.question_models import Question
from core import messages
from projects.models import Project, id_of

# What is new may be changed still, and others may follow.
SETTLES = timedelta(minutes=15)
QUIET_FOR = timedelta(hours=4)


def tell_next(session: Session, *, at: datetime) -> bool:
    """Write one letter, or one to each member of an owner; say whether there was any to write."""
    return _tell_owner(session, at) or _tell_asker(session, at)


def _tell_owner(session: Session, at: datetime) -> bool:
    told = select(Question.project_id).where(col(Question.owner_told_at) > at - QUIET_FOR)
    first = session.exec(
        select(Question)
        .where(
            col(Question.answered_at).is_(None),
            col(Question.owner_told_at).is_(None),
            col(Question.asked_at) <= at - SETTLES,
            col(Question.project_id).not_in(told),
        )
        .order_by(col(Question.asked_at))
        .limit(1)
    ).first()
    if first is None:
        return False
    # The project is held: of two sweeps one tells, and the other finds nothing left.
    project = session.get_one(
        Project, first.project_id, with_for_update={"key_share": True}, populate_existing=True
    )
    new = _untold(session, project)
    if not new:  # somebody answers it at this moment
        return False
    for question in new:
        question.owner_told_at = at
        session.add(question)
    waiting = session.exec(
        select(func.count()).where(
            Question.project_id == project.id, col(Question.answered_at).is_(None)
        )
    ).one()
    for _membership, person in organisations.members(session, project.organisation_id):
        messages.write(
            session,
            to=person,
            template="annotation/questions_waiting",
            project=project,
            number=waiting,
        )
    return True


def _untold(session: Session, project: Project) -> Sequence[Question]:
    return session.exec(
        select(Question)
        .where(
            Question.project_id == id_of(project),
            col(Question.answered_at).is_(None),
            col(Question.owner_told_at).is_(None),
        )
        .order_by(col(Question.id))
        .with_for_update(skip_locked=True)
        .execution_options(populate_existing=True)
    ).all()


def _tell_asker(session: Session, at: datetime) -> bool:
    news = (
        col(Question.answered_at) <= at - SETTLES,
        col(Question.seen_at).is_(None),
        col(Question.asker_told_at).is_(None),
    )
    first = session.exec(
        select(Question)
        .where(*news)
        .order_by(col(Question.answered_at))
        .limit(1)
        .with_for_update(skip_locked=True)
    ).first()
    if first is None:
        return False
    same = session.exec(
        select(Question)
        .where(
            *news,
            Question.expert_id == first.expert_id,
            Question.project_id == first.project_id,
        )
        .order_by(col(Question.id))
        .with_for_update(skip_locked=True)
    ).all()
    for question in same:
        question.asker_told_at = at
        session.add(question)
    messages.write(
        session,
        to=session.get_one(User, first.expert_id),
        template="annotation/questions_answered",
        project=session.get_one(Project, first.project_id),
        number=len(same),
        assignment_id=first.assignment_id,
    )
    return True
