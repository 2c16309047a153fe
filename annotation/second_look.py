"""Contested verdicts: the expert asks, and a person who did not decide looks again.

The first verdict stays on record with the request, whatever comes of it. Where the organisation
has nobody else, the same person may look again, and the operator is told that it is so.
"""

from datetime import datetime, timedelta

from sqlmodel import Session, col, select

from accounts import organisations
from accounts.models import Role, RoleName, User, UserRole
from annotation import assignment as leases
from annotation import rules
from annotation.models import Assignment, Outcome, ReviewRequest, State, Task, Verdict
from core import audit, messages
from core.errors import Conflict, Invalid, NotAllowed
from payouts import budgets, earnings
from projects.models import Project, id_of

ANSWER_DAYS = 14


class NothingToContest(Conflict):
    """Only work that was not accepted can be looked at again."""


class TooLate(Conflict):
    """The time to contest this decision is over."""


class WordsNeeded(Invalid):
    """Say why in at least %(letters)s characters: the other side reads your words."""


class AlreadyAnswered(Conflict):
    """Somebody has looked at this again already."""


class OwnDecision(NotAllowed):
    """You took the first decision, so another member of your organisation looks at it again."""


def until(assignment: Assignment) -> datetime:
    """Return until when a verdict can be contested."""
    assert assignment.decided_at is not None
    return assignment.decided_at + timedelta(days=assignment.terms["contest_days"])


def answer_by(request: ReviewRequest) -> datetime:
    """Return until when the expert hears."""
    return request.asked_at + timedelta(days=ANSWER_DAYS)


def of(session: Session, assignment_id: int) -> ReviewRequest | None:
    """Return the request to look at an assignment again, if there is one."""
    return session.exec(
        select(ReviewRequest).where(ReviewRequest.assignment_id == assignment_id)
    ).first()


def ask(session: Session, assignment: Assignment, words: str, *, at: datetime) -> ReviewRequest:
    """Contest a refusal, once; `assignment` is locked. A second click returns the first request."""
    earlier = of(session, id_of(assignment))
    if earlier is not None:
        return earlier
    if assignment.state is not State.REJECTED:
        raise NothingToContest
    if at > until(assignment):
        raise TooLate
    _check_words(words)
    request = _request(assignment, words, at)
    session.add(request)
    session.flush()  # the letters name the request
    _tell_those_who_answer(session, request)
    _record(session, request, "contested", by=assignment.expert_id)
    return request


def may_answer(session: Session, request: ReviewRequest, user_id: int | None) -> bool:
    """Say whether a member of the organisation may take the second look."""
    others = others_than(session, request.project_id, request.first_decided_by)
    return request.first_decided_by != user_id or not others


def others_than(session: Session, project_id: int, decided_by: int | None) -> list[User]:
    """Return the members of a project's organisation who did not take a decision."""
    project = session.get_one(Project, project_id)
    found = organisations.members(session, project.organisation_id)
    return [user for _, user in found if user.id != decided_by]


def answer(
    session: Session,
    request: ReviewRequest,
    outcome: Outcome,
    words: str,
    *,
    by: User,
    at: datetime,
) -> None:
    """Say what the second look has come to, once; `request` is locked by the caller."""
    if request.outcome == outcome and request.answered_by == by.id:
        return  # the second click
    if request.outcome is not None:
        raise AlreadyAnswered
    if not may_answer(session, request, by.id):
        raise OwnDecision
    _check_words(words)
    request.outcome, request.answer_words = outcome, words.strip()
    request.answered_by, request.answered_at = by.id, at
    session.add(request)
    if outcome is Outcome.CHANGED:
        _accept_after_all(session, request, by, at)
    _tell_expert(session, request)
    _record(session, request, f"second_look_{outcome}", by=by.id)


def _accept_after_all(session: Session, request: ReviewRequest, by: User, at: datetime) -> None:
    assignment = session.get_one(Assignment, request.assignment_id, with_for_update=True)
    assignment.state, assignment.verdict = State.ACCEPTED, Verdict.ACCEPTED
    assignment.reason_code = assignment.reason_clause = assignment.reason_words = None
    assignment.decided_by, assignment.decided_at = by.id, at
    session.add(assignment)
    leases.take_back_slot(session, assignment.task_id)
    budgets.reserve_again(session, assignment.project_id, request.assignment_id, at)
    earnings.earn(session, assignment.project_id, request.assignment_id, assignment.expert_id, at)


def _request(assignment: Assignment, words: str, at: datetime) -> ReviewRequest:
    assert assignment.reason_code
    assert assignment.reason_words
    assert assignment.decided_at
    return ReviewRequest(
        assignment_id=id_of(assignment),
        project_id=assignment.project_id,
        words=words.strip(),
        asked_at=at,
        first_reason_code=assignment.reason_code,
        first_reason_clause=assignment.reason_clause,
        first_reason_words=assignment.reason_words,
        first_decided_by=assignment.decided_by,
        first_decided_at=assignment.decided_at,
    )


def _check_words(words: str) -> None:
    if len(words.strip()) < rules.WORDS_AT_LEAST:
        raise WordsNeeded(letters=rules.WORDS_AT_LEAST)


def _tell_those_who_answer(session: Session, request: ReviewRequest) -> None:
    others = others_than(session, request.project_id, request.first_decided_by)
    for person in others or _operators(session):
        messages.write(
            session,
            to=person,
            template="annotation/verdict_contested",
            request=request,
            project=session.get_one(Project, request.project_id),
            task=_task(session, request),
            answer_by=answer_by(request),
            nobody_else=not others,
        )


def _operators(session: Session) -> list[User]:
    return list(
        session.exec(
            select(User)
            .join(UserRole, col(UserRole.user_id) == col(User.id))
            .join(Role, col(Role.id) == col(UserRole.role_id))
            .where(Role.name == RoleName.OPERATOR)
        )
    )


def _tell_expert(session: Session, request: ReviewRequest) -> None:
    assignment = session.get_one(Assignment, request.assignment_id)
    messages.write(
        session,
        to=session.get_one(User, assignment.expert_id),
        template="annotation/second_look_answered",
        request=request,
        assignment=assignment,
        project=session.get_one(Project, request.project_id),
        changed=request.outcome is Outcome.CHANGED,
    )


def _task(session: Session, request: ReviewRequest) -> Task:
    return session.get_one(Task, session.get_one(Assignment, request.assignment_id).task_id)


def _record(session: Session, request: ReviewRequest, what: str, *, by: int | None) -> None:
    audit.record(
        session,
        f"assignment.{what}",
        by=by,
        subject=f"assignment:{request.assignment_id}",
        details={"request_id": request.id, "words": request.answer_words or request.words},
    )
