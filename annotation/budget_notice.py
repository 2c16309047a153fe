"""Telling owners that experts are ready to work and the budget does not cover another task."""

from datetime import datetime, timedelta

from sqlmodel import Session, col, select

from accounts import organisations, webhooks
from core import audit, jobs, messages
from core.models import AuditEvent
from payouts import budgets, policy
from projects.models import Project, id_of

ACTION = "project.budget_short"
QUIET_FOR = timedelta(days=1)


def later(session: Session, project: Project) -> None:
    """Let a job write to the owners; however many experts ask, one job waits."""
    project_id = id_of(project)
    name = f"budget-short:{project_id}"
    jobs.defer(
        session,
        "annotation.tell_budget_is_short",
        lock=name,
        queueing_lock=name,
        project_id=project_id,
    )


def write(session: Session, project_id: int, *, at: datetime) -> str:
    """Write to each member of the organisation, unless that was done within a day."""
    project = session.get_one(Project, project_id)
    left = budgets.available(session, project_id)
    if not left < policy.cost(project.price, project.fee_bps):
        return "funded meanwhile"
    if _was_told(session, project_id, at):
        return "told before"
    for _membership, person in organisations.members(session, project.organisation_id):
        messages.write(
            session, to=person, template="annotation/budget_short", project=project, left=left
        )
    audit.record(session, ACTION, by=None, subject=f"project:{project_id}")
    webhooks.emit(session, project.organisation_id, "budget.low", {"project_id": project_id})
    return "told"


def _was_told(session: Session, project_id: int, at: datetime) -> bool:
    told = select(AuditEvent.id).where(
        AuditEvent.action == ACTION,
        AuditEvent.subject == f"project:{project_id}",
        col(AuditEvent.at) > at - QUIET_FOR,
    )
    return session.exec(told.limit(1)).first() is not None
