"""Hiding a question from the other experts: a decision about whoever asked, which they may contest.

It touches neither work nor pay, and the words stay with the asker. But what an owner hides nobody
else reads, and a reason alone could be any: so somebody who did not decide looks again where the
asker wants that. What an appeal has shown again stays shown.
"""

from datetime import datetime, timedelta

from flask_babel import gettext as _
from sqlmodel import Session, col, select

from accounts import decisions
from accounts.decisions import About, Evidence, Reason, Taken
from accounts.models import Appeal, AppealOutcome, Decision, DecisionKind, User
from annotation.question_models import Question
from core import audit
from core.errors import Conflict
from projects.models import Project, id_of
from projects.terms import CONTEST_DAYS


class ShownOnAppeal(Conflict):
    """This question was hidden before, and an appeal has shown it again. It stays shown."""


def hide(session: Session, question: Question, reason: str, *, by: User, at: datetime) -> None:
    """Keep a question with its answer from the other experts; the caller holds the row."""
    if question.hidden_at is not None:
        return
    if _was_shown_on_appeal(session, question):
        raise ShownOnAppeal
    project = session.get_one(Project, question.project_id)
    made = decisions.record(
        session,
        DecisionKind.QUESTION_HIDDEN,
        _about(question, project),
        taken=Taken(by=id_of(by)),
        reason=Reason(
            code="question_hidden",
            words={project.language: reason.strip()},
            evidence=[_asked(question, project)],
            would_change=decisions.said(
                lambda: _(
                    "A question that names nobody, gives no answer away and insults nobody. You"
                    " may ask again in other words."
                )
            ),
        ),
        at=at,
        contest_until=at + timedelta(days=CONTEST_DAYS),
    )
    question.hidden_at, question.hidden_by, question.hidden_reason = at, by.id, reason.strip()
    question.decision_id = made.id
    session.add(question)
    _record(session, "question.hidden", question, by)


def show(session: Session, question: Question, *, by: User) -> None:
    """Undo `hide`; the decision stays on record."""
    if question.hidden_at is not None:
        question.hidden_at = question.hidden_by = question.hidden_reason = None
        session.add(question)
        _record(session, "question.shown", question, by)


def is_hidden_by(session: Session, decision: Decision) -> bool:
    """Say whether a decision still keeps its question from the others."""
    question = of(session, decision)
    return (
        question is not None
        and question.hidden_at is not None
        and question.decision_id == decision.id
    )


def of(session: Session, decision: Decision, *, lock: bool = False) -> Question | None:
    """Return the question that a decision is about; none where its asker has taken it back."""
    number = int(decision.subject.removeprefix("task_question:"))
    return session.get(Question, number, with_for_update=lock, populate_existing=lock)


def _was_shown_on_appeal(session: Session, question: Question) -> bool:
    changed = (
        select(Appeal.id)
        .join(Decision, col(Decision.id) == col(Appeal.decision_id))
        .where(
            Decision.kind == DecisionKind.QUESTION_HIDDEN,
            Decision.subject == f"task_question:{question.id}",
            Decision.person_id == question.expert_id,
            Appeal.outcome == AppealOutcome.CHANGED,
        )
    )
    return session.exec(changed.limit(1)).first() is not None


def _about(question: Question, project: Project) -> About:
    return About(
        person_id=question.expert_id,
        subject=f"task_question:{question.id}",
        title=decisions.said(
            lambda: _("A question of yours in “%(project)s”", project=project.title)
        ),
        path=f"/work/{question.assignment_id}",
        organisation_id=project.organisation_id,
    )


def _asked(question: Question, project: Project) -> Evidence:
    return Evidence(
        words=decisions.said(lambda: _("What was asked.")),
        quote=question.words,
        language=project.language,
        path=f"/work/{question.assignment_id}",
        at=question.asked_at,
    )


def _record(session: Session, action: str, question: Question, by: User) -> None:
    audit.record(
        session,
        action,
        by=by.id,
        subject=f"task_question:{question.id}",
        details={"project_id": question.project_id},
    )
