"""Verdicts: a person or a rule accepts or refuses what was handed in, once.

An acceptance and its pay are one transaction, and so are a refusal, its reason and the letter.
No adverse verdict without a reason code and words; only a person refuses.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from sqlmodel import Session

from accounts import decisions, webhooks
from accounts.models import User
from annotation import assignment as leases
from annotation import refusal, rules
from annotation.models import Assignment, State, Verdict
from core import audit, messages
from core.errors import Conflict, Invalid, NotAllowed
from payouts import budgets, earnings
from projects.models import Project, id_of


class AlreadyReviewed(Conflict):
    """This work already has a verdict."""


class NotHandedIn(Conflict):
    """This work has not been handed in, so there is nothing to review."""


class OwnWork(NotAllowed):
    """Nobody reviews their own work."""


class ReasonNeeded(Invalid):
    """Choose a reason, name the clause and explain it in at least %(letters)s characters."""


@dataclass(frozen=True)
class Ruling:
    """What a reviewer says: a verdict, and where it is adverse the reason.

    The reason is a code of the table, the clause of the guidelines and words.
    """

    verdict: Verdict
    reason_code: str | None = None
    words: str = ""
    clause: str = ""

    @property
    def has_reason(self) -> bool:
        """Whether the reason is one of the table, names a clause and is said in words."""
        return (
            self.reason_code in rules.REASONS
            and bool(self.clause.strip())
            and len(self.words.strip()) >= rules.WORDS_AT_LEAST
        )


ACCEPT = Ruling(Verdict.ACCEPTED)


def decide(
    session: Session, assignment: Assignment, ruling: Ruling, *, by: User, at: datetime
) -> None:
    """Record a person's verdict, once; `assignment` is locked by the caller.

    The same verdict by the same person again is their second click and changes nothing.
    """
    if assignment.verdict == ruling.verdict and assignment.decided_by == by.id:
        return
    _check_open(assignment)
    if assignment.expert_id == by.id:
        raise OwnWork
    if ruling.verdict is not Verdict.ACCEPTED and not ruling.has_reason:
        raise ReasonNeeded(letters=rules.WORDS_AT_LEAST)
    if ruling.verdict is not Verdict.ACCEPTED:
        _give_reasons(session, assignment, ruling, by=id_of(by), at=at)
    _set(assignment, ruling, at, by=by.id)
    if ruling.verdict is Verdict.ACCEPTED:
        _pay(session, assignment, at)
    else:
        _refuse(session, assignment, at)
    _record(session, assignment)


def accept_by_rule(session: Session, assignment: Assignment, rule: str, *, at: datetime) -> None:
    """Accept by a rule of the table; `assignment` is locked and was handed in."""
    _check_open(assignment)
    assignment.decision_id = refusal.record_by_rule(session, assignment, rule, at=at).id
    _set(assignment, ACCEPT, at, rule=rule)
    _pay(session, assignment, at)
    _record(session, assignment)


def in_order_of_pay(assignments: Iterable[Assignment]) -> list[Assignment]:
    """Return assignments in the order in which several are accepted in one transaction.

    Two transactions that credit the same experts then never wait for each other in a circle.
    """
    return sorted(assignments, key=lambda one: (one.project_id, one.expert_id, one.id or 0))


def _check_open(assignment: Assignment) -> None:
    if assignment.verdict is not None:
        raise AlreadyReviewed
    if assignment.state is not State.SUBMITTED:
        raise NotHandedIn


def _set(
    assignment: Assignment,
    ruling: Ruling,
    at: datetime,
    *,
    by: int | None = None,
    rule: str | None = None,
) -> None:
    # All facts at once: the database refuses a verdict without the one who took it.
    assignment.state = State(ruling.verdict)
    assignment.verdict = ruling.verdict
    assignment.reason_code = ruling.reason_code
    assignment.reason_clause = ruling.clause.strip() or None
    assignment.reason_words = ruling.words.strip() or None
    assignment.decided_by = by
    assignment.decided_rule = rule
    assignment.decided_at = at


def _give_reasons(
    session: Session, assignment: Assignment, ruling: Ruling, *, by: int, at: datetime
) -> None:
    decision = refusal.record(
        session,
        assignment,
        ruling.verdict,
        reason_code=ruling.reason_code or "",
        clause=ruling.clause.strip(),
        words=ruling.words.strip(),
        by=by,
        at=at,
    )
    assignment.decision_id = decision.id


def _pay(session: Session, assignment: Assignment, at: datetime) -> None:
    earnings.earn(session, assignment.project_id, id_of(assignment), assignment.expert_id, at)


def _refuse(session: Session, assignment: Assignment, at: datetime) -> None:
    leases.reopen_slot(session, assignment.task_id)
    budgets.release(session, assignment.project_id, id_of(assignment), at)
    messages.write(
        session,
        to=session.get_one(User, assignment.expert_id),
        template="annotation/work_not_accepted",
        assignment=assignment,
        project=session.get_one(Project, assignment.project_id),
        reason=rules.REASONS[assignment.reason_code or ""],
        contest_until=refusal.contest_until(assignment, at),
        reviewer=decisions.reviewer(assignment.decided_by),
    )


def _record(session: Session, assignment: Assignment) -> None:
    audit.record(
        session,
        f"assignment.{assignment.verdict}",
        by=assignment.decided_by,
        subject=f"assignment:{assignment.id}",
        details={
            "rule": assignment.decided_rule,
            "reason_code": assignment.reason_code,
            "decision_id": assignment.decision_id,
        },
    )
    _emit(session, assignment)


def _emit(session: Session, assignment: Assignment) -> None:
    """Tell the owner's servers of a verdict; nothing of it is about the expert."""
    project = session.get_one(Project, assignment.project_id)
    data = {
        "assignment_id": assignment.id,
        "task_id": assignment.task_id,
        "project_id": assignment.project_id,
    }
    webhooks.emit(session, project.organisation_id, f"assignment.{assignment.verdict}", data)
