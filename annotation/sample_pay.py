"""Pay for work samples: the project's paid qualification, on handing in, whatever the result.

It is reserved when an attempt begins and earned with each task that is handed in, once: a later
attempt pays nothing, and the tasks count among the qualification tasks of the project.
"""

from datetime import datetime

from sqlmodel import Session

from annotation.sample import Standing
from annotation.sample_models import WorkSample
from core.money import Money
from payouts import budgets, extra_pay, policy
from payouts.extra_pay import Extra
from payouts.extra_pay_models import ExtraKind
from projects.models import Project


def each(session: Session, project: Project, here: Standing) -> int:
    """Return what each task of the next attempt pays, in minor units; 0 where none does."""
    if here.rule is None or not here.rule.paid or any(one.pay_minor for one in here.past):
        return 0
    return project.qualification_minor if project.qualification_tasks else 0


def amount(rule_paid: bool, project: Project, tasks: int) -> Money | None:
    """Return what a whole sample pays, for the words before it; None where nothing."""
    if not rule_paid or not project.qualification_tasks:
        return None
    paid = min(tasks, project.qualification_tasks)
    return Money(project.qualification_minor * paid, project.currency)


def reserve(
    session: Session, project: Project, found: WorkSample, tasks: int, at: datetime
) -> None:
    """Set aside what the attempt pays; raises `budgets.OutOfBudget`."""
    if not found.pay_minor or found.expert_id is None:
        return
    budgets.check_not_frozen(session, found.project_id)
    for position in range(1, min(tasks, project.qualification_tasks) + 1):
        extra = Extra(
            ExtraKind.QUALIFICATION,
            found.project_id,
            found.expert_id,
            found.pay,
            policy.fee(found.pay, project.fee_bps),
        )
        extra_pay.reserve(session, extra, _name(found, position), at=at)


def earn(session: Session, found: WorkSample, position: int, at: datetime) -> None:
    """Credit the pay of a task that is handed in."""
    if found.pay_minor and _is_paid(session, found, position):
        extra_pay.earn(session, _name(found, position), at=at)


def release(session: Session, found: WorkSample, position: int, at: datetime) -> None:
    """Give back the pay of a task that was not handed in."""
    if found.pay_minor and _is_paid(session, found, position):
        extra_pay.release(session, _name(found, position), at=at)


def _is_paid(session: Session, found: WorkSample, position: int) -> bool:
    """Say whether a task is among those that pay: not more than the qualification has tasks."""
    return extra_pay.is_known(session, _name(found, position))


def _name(found: WorkSample, position: int) -> str:
    return extra_pay.sample_reference(found.key, position)
