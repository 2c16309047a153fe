"""Pay beside the price of a task: the first tasks of an expert, and verdicts of paid reviewers.

A qualification task is any of an expert's first ones in a project: a fixed amount is reserved with
its lease and earned on handing in, whatever becomes of the work; the price comes on top of it.
A review is paid where the project says so and the reviewer is an expert as well.
"""

from datetime import datetime

from sqlalchemy import func
from sqlmodel import Session, col, select

from accounts.models import RoleName, User
from annotation.models import Assignment, State
from annotation.sample_models import SampleAnswer, WorkSample
from core.money import Money
from payouts import budgets, extra_pay, policy
from payouts.extra_pay import Extra
from payouts.extra_pay_models import ExtraKind
from projects.models import Project, id_of


class ReviewNotCovered(budgets.OutOfBudget):
    """The project's budget does not cover the pay of this review. The verdict was not recorded.

    Whoever funds the project can add money; a member whose reviews are not paid can give it now.
    """


COUNTS = (State.SUBMITTED, State.ACCEPTED, State.REJECTED, State.PARTLY_ACCEPTED)


def qualification_pay(session: Session, project: Project, expert_id: int) -> int:
    """Return what an expert's next task pays on handing in, in minor units; 0 for later ones."""
    if not project.qualification_tasks:
        return 0
    handed_in = session.exec(
        select(func.count()).where(
            col(Assignment.project_id) == project.id,
            col(Assignment.expert_id) == expert_id,
            col(Assignment.state).in_(COUNTS),
        )
    ).one()
    handed_in += _in_samples(session, project, expert_id)
    return project.qualification_minor if handed_in < project.qualification_tasks else 0


def _in_samples(session: Session, project: Project, expert_id: int) -> int:
    """Count the tasks of a paid work sample: they were qualification tasks already."""
    return session.exec(
        select(func.count())
        .select_from(SampleAnswer)
        .join(WorkSample, col(WorkSample.id) == col(SampleAnswer.sample_id))
        .where(
            WorkSample.project_id == project.id,
            WorkSample.expert_id == expert_id,
            WorkSample.pay_minor > 0,
            col(SampleAnswer.result).is_not(None),
        )
    ).one()


def of_lease(lease: Assignment) -> Money | None:
    """Return what a lease pays on handing in; None where it is no qualification task."""
    minor = int(lease.terms.get("qualification_minor") or 0)
    return Money(minor, lease.currency) if minor else None


def reserve(session: Session, lease: Assignment, at: datetime) -> None:
    """Set aside what a lease pays on handing in; raises `budgets.OutOfBudget`."""
    pay = of_lease(lease)
    if pay is not None:
        extra = Extra(
            ExtraKind.QUALIFICATION,
            lease.project_id,
            lease.expert_id,
            pay,
            policy.fee(pay, int(lease.terms["fee_bps"])),
            assignment_id=lease.id,
        )
        extra_pay.reserve(session, extra, _name(lease), at=at)


def earn(session: Session, lease: Assignment, at: datetime) -> None:
    """Credit it: the work is handed in."""
    if of_lease(lease) is not None:
        extra_pay.earn(session, _name(lease), at=at)


def release(session: Session, lease: Assignment, at: datetime) -> None:
    """Give it back: nothing was handed in."""
    if of_lease(lease) is not None:
        extra_pay.release(session, _name(lease), at=at)


def review_pay(project: Project, reviewer: User) -> Money | None:
    """Return what a person gets for a verdict; None where reviews are not paid, or not to them."""
    if not project.review_minor or not reviewer.has(RoleName.EXPERT):
        return None
    return Money(project.review_minor, project.currency)


def pay_review(
    session: Session, project: Project, assignment_id: int, reviewer: User, at: datetime
) -> None:
    """Reserve and credit the pay of a verdict; raises `budgets.OutOfBudget`."""
    pay = review_pay(project, reviewer)
    if pay is None:
        return
    extra = Extra(
        ExtraKind.REVIEW,
        id_of(project),
        id_of(reviewer),
        pay,
        policy.fee(pay, project.fee_bps),
        assignment_id=assignment_id,
    )
    name = extra_pay.review_reference(assignment_id, id_of(reviewer))
    try:
        extra_pay.reserve(session, extra, name, at=at)
    except budgets.OutOfBudget as short:
        raise ReviewNotCovered from short
    extra_pay.earn(session, name, at=at)


def _name(lease: Assignment) -> str:
    return extra_pay.qualification_reference(id_of(lease))
