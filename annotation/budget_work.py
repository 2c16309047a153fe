"""What work is left in a project, for the page of its budget."""

from sqlmodel import Session

from annotation import tally
from payouts.outlook import Work
from projects import pricing
from projects.models import Project, State


def left(session: Session, project_id: int) -> Work | None:
    """Return the answers that nobody has taken yet, and what each costs; None for a draft."""
    project = session.get(Project, project_id)
    if project is None or project.price_minor <= 0 or project.state is State.COMPLETED:
        return None
    slots_left = tally.of(session, project_id).slots_left
    return Work(pricing.of(project).cost, project.overlap, slots_left)


WORK = left
