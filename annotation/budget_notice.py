"""A project whose budget covers no further task pauses, and goes on when money is there again.

Work in hand is not touched: its pay is reserved. Owners are told when it pauses, at most once a
day, since leases that end give money back and take it again.
"""

from datetime import datetime, timedelta

from sqlmodel import Session, and_, col, or_, select

from accounts import organisations, webhooks
from annotation.models import Task
from core import audit, jobs, messages
from core.models import AuditEvent
from core.money import Money
from payouts import budgets
from payouts.models import Account, AccountKind
from projects import lifecycle
from projects.models import PausedFor, Project, State, id_of

ACTION = "project.budget_short"
QUIET_FOR = timedelta(days=1)


def later(session: Session, project: Project) -> None:
    """Let a job pause the project and tell; however many experts ask, one job waits."""
    project_id = id_of(project)
    name = f"budget-short:{project_id}"
    jobs.defer(
        session,
        "annotation.tell_budget_is_short",
        lock=name,
        queueing_lock=name,
        project_id=project_id,
    )


def to_follow(session: Session) -> list[int]:
    """Return the projects that are open without money, or paused for it and have it again."""
    account = and_(
        col(Account.kind) == AccountKind.PROJECT_BUDGET,
        col(Account.owner_id) == col(Project.id),
        col(Account.currency) == col(Project.currency),
    )
    question = (
        select(Project, col(Account.balance))
        .join(Account, account, isouter=True)
        .where(or_(Project.state == State.OPEN, col(Project.paused_for) == PausedFor.BUDGET))
        .order_by(col(Project.id))
    )
    return [
        id_of(project)
        for project, balance in session.exec(question)
        if (project.state is State.OPEN)
        != (lifecycle.affordable(Money(balance or 0, project.currency), project) > 0)
    ]


def follow(session: Session, project_id: int, *, at: datetime) -> str:
    """Pause a project or let it go on, as its budget says now; say what was done.

    The project is held, so that of two sweeps one acts. What an expert claims meanwhile is
    covered or refused by the ledger, whatever is decided here.
    """
    project = session.get_one(
        Project, project_id, with_for_update={"key_share": True}, populate_existing=True
    )
    covered = lifecycle.covers_a_task(session, project)
    if project.state is State.OPEN and not covered and _is_work_left(session, project_id):
        lifecycle.pause_for_budget(session, project, at=at)
        return "paused" if _was_told(session, project_id, at) else _tell(session, project)
    if project.paused_for is PausedFor.BUDGET and covered:
        lifecycle.resume_funded(session, project, at=at)
        return "resumed"
    return "as it was"


def _tell(session: Session, project: Project) -> str:
    project_id = id_of(project)
    left = budgets.available(session, project_id)
    for _membership, person in organisations.members(session, project.organisation_id):
        messages.write(
            session, to=person, template="annotation/budget_short", project=project, left=left
        )
    audit.record(session, ACTION, by=None, subject=f"project:{project_id}")
    webhooks.emit(session, project.organisation_id, "budget.low", {"project_id": project_id})
    return "paused and told"


def _is_work_left(session: Session, project_id: int) -> bool:
    # A budget that was just enough for all tasks is not short of anything.
    open_task = select(Task.id).where(Task.project_id == project_id, col(Task.slots_left) > 0)
    return session.exec(open_task.limit(1)).first() is not None


def _was_told(session: Session, project_id: int, at: datetime) -> bool:
    told = select(AuditEvent.id).where(
        AuditEvent.action == ACTION,
        AuditEvent.subject == f"project:{project_id}",
        col(AuditEvent.at) > at - QUIET_FOR,
    )
    return session.exec(told.limit(1)).first() is not None
