"""What work is left in a project, for the page of its budget."""

from sqlalchemy import func, select
from sqlmodel import Session, col

from annotation.models import Task
from payouts.outlook import Work
from projects import pricing
from projects.models import Project, State


def left(session: Session, project_id: int) -> Work | None:
    """Return the answers that nobody has taken yet, and what each costs; None for a draft."""
    project = session.get(Project, project_id)
    if project is None or project.price_minor <= 0 or project.state is State.COMPLETED:
        return None
    slots = select(func.coalesce(func.sum(col(Task.slots_left)), 0))
    number = session.execute(slots.where(col(Task.project_id) == project_id)).scalar_one()
    return Work(pricing.of(project).cost, project.overlap, int(number))


WORK = left
