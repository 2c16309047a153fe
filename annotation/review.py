"""Verdicts: a person or a rule accepts or refuses what was handed in, once.

An acceptance and its pay are one transaction, and so are a refusal, its reason and the letter.
No adverse verdict without a reason code and words; only a person refuses.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from fractions import Fraction

from sqlmodel import Session

from accounts import decisions, webhooks
from accounts.models import User
from annotation import beside_pay, mirror_verdicts, refusal, rules, slots
from annotation.models import Assignment, State, Verdict
from core import audit, messages
from core.errors import Conflict, Invalid, NotAllowed
from core.money import Money
from payouts import budgets, earnings, policy
from projects.models import Project, id_of


class AlreadyReviewed(Conflict):
    """This work already has a verdict."""


class NotHandedIn(Conflict):
    """This work has not been handed in, so there is nothing to review."""


class OwnWork(NotAllowed):
    """Nobody reviews their own work."""


class ReasonNeeded(Invalid):
    """Choose a reason, name the clause and explain it in at least %(letters)s characters."""


class ShareNeeded(Invalid):
    """Say how many percent of the pay are earned: from 1 to 99, and at least the smallest coin."""


@dataclass(frozen=True)
class Ruling:
    """What a reviewer says: a verdict, and where it is adverse the reason.

    The reason is a code of the table, the clause of the guidelines and words. An acceptance in
    part also says how many percent of the pay are earned.
    """

    verdict: Verdict
    reason_code: str | None = None
    words: str = ""
    clause: str = ""
    percent: int | None = None

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
    if _is_second_click(session, assignment, ruling, by):
        return
    _check_open(assignment)
    if assignment.expert_id == by.id:
        raise OwnWork
    if ruling.verdict is not Verdict.ACCEPTED and not ruling.has_reason:
        raise ReasonNeeded(letters=rules.WORDS_AT_LEAST)
    if ruling.verdict is not Verdict.ACCEPTED:
        _give_reasons(session, assignment, ruling, by=id_of(by), at=at)
    _set(assignment, ruling, at, by=by.id)
    FOLLOWS[ruling.verdict](session, assignment, ruling, at)
    project = session.get_one(Project, assignment.project_id)
    beside_pay.pay_review(session, project, id_of(assignment), by, at)
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


def part_of(assignment: Assignment, ruling: Ruling) -> tuple[Money, Money]:
    """What of an assignment's pay is earned by an acceptance in part, and what is not."""
    percent = ruling.percent if ruling.percent is not None else 0
    split = policy.paid_in_part(assignment.pay, percent) if 0 < percent < 100 else None
    if split is None:
        raise ShareNeeded
    return split


def _is_second_click(session: Session, assignment: Assignment, ruling: Ruling, by: User) -> bool:
    if assignment.verdict != ruling.verdict or assignment.decided_by != by.id:
        return False
    if ruling.verdict is not Verdict.PARTLY_ACCEPTED:
        return True
    return earnings.of_assignment(session, id_of(assignment)) == part_of(assignment, ruling)[0]


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
        refusal.Ground(
            ruling.reason_code or "",
            ruling.clause.strip(),
            ruling.words.strip(),
            part_of(assignment, ruling) if ruling.verdict is Verdict.PARTLY_ACCEPTED else None,
        ),
        by=by,
        at=at,
    )
    assignment.decision_id = decision.id


def _pay(session: Session, assignment: Assignment, at: datetime) -> None:
    earnings.earn(session, assignment.project_id, id_of(assignment), assignment.expert_id, at)


def _accept(session: Session, assignment: Assignment, _ruling: Ruling, at: datetime) -> None:
    _pay(session, assignment, at)


def _accept_in_part(session: Session, assignment: Assignment, ruling: Ruling, at: datetime) -> None:
    """Pay a part, give the rest back, and write why. The slot stays taken: the work counts."""
    paid, rest = part_of(assignment, ruling)
    earnings.earn(
        session,
        assignment.project_id,
        id_of(assignment),
        assignment.expert_id,
        at,
        part=Fraction(ruling.percent or 0, 100),
    )
    _write(session, assignment, "annotation/work_accepted_in_part", at, paid=paid, rest=rest)


def _refuse(session: Session, assignment: Assignment, _ruling: Ruling, at: datetime) -> None:
    slots.reopen(session, assignment.task_id)
    budgets.release(session, assignment.project_id, id_of(assignment), at)
    _write(session, assignment, "annotation/work_not_accepted", at)


def _write(
    session: Session, assignment: Assignment, template: str, at: datetime, **amounts: Money
) -> None:
    messages.write(
        session,
        to=session.get_one(User, assignment.expert_id),
        template=template,
        assignment=assignment,
        project=session.get_one(Project, assignment.project_id),
        reason=rules.REASONS[assignment.reason_code or ""],
        contest_until=refusal.contest_until(assignment, at),
        reviewer=decisions.reviewer(assignment.decided_by),
        **amounts,
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
    mirror_verdicts.changed(session, assignment)
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


FOLLOWS = {
    Verdict.ACCEPTED: _accept,
    Verdict.PARTLY_ACCEPTED: _accept_in_part,
    Verdict.REJECTED: _refuse,
}
