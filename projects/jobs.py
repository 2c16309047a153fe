"""Invitations are sent by jobs: one for a project that has just opened, and a sweep over all."""

from sqlmodel import col, select

from core.clock import now
from core.db import transaction
from core.jobs import Tasks
from projects import invitations
from projects.models import Project, State

tasks = Tasks("projects")


@tasks.task()
def offer(project_id: int) -> str:
    """Invite experts to one project, as many as it needs."""
    with transaction() as session:
        return f"{invitations.offer_needed(session, project_id, now())} invited"


@tasks.task()
def offer_open() -> str:
    """Invite experts to every open project that still needs some.

    This is how those are found who have passed an interview since, and how the places of
    invitations that nobody answered are offered again.
    """
    with transaction() as session:
        query = select(Project.id).where(Project.state == State.OPEN)
        found = session.exec(query.order_by(col(Project.id))).all()
    invited = 0
    for project_id in found:
        with transaction() as session:
            invited += invitations.offer_needed(session, project_id or 0, now())
    return f"{invited} invited to {len(found)} open projects"
