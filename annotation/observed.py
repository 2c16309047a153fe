"""How long accepted answers take: what the sweep reads of them for `projects/rates.py`."""

from datetime import datetime

from sqlmodel import Session, col, select

from annotation.models import Assignment, State
from payouts import rates as rules
from projects import rates
from projects.models import Project
from projects.models import State as ProjectState

# The newest answers tell what the work is like now; more of them would tell nothing else.
NEWEST = 1000
ACCEPTED = (State.ACCEPTED, State.PARTLY_ACCEPTED)


def projects(session: Session) -> list[int]:
    """Return the projects that experts work in."""
    running = col(Project.state).in_((ProjectState.OPEN, ProjectState.PAUSED))
    found = session.exec(select(Project.id).where(running).order_by(col(Project.id)))
    return [one for one in found if one is not None]


def observe(session: Session, project_id: int, *, at: datetime) -> bool:
    """Bring what was observed of a project up to date; False while too little was."""
    question = (
        select(Assignment.expert_id, col(Assignment.lead_seconds))
        .where(
            Assignment.project_id == project_id,
            col(Assignment.state).in_(ACCEPTED),
            col(Assignment.lead_seconds).is_not(None),
        )
        .order_by(col(Assignment.id).desc())
        .limit(NEWEST)
    )
    times = rules.observed((expert, seconds or 0) for expert, seconds in session.exec(question))
    if times is not None:
        rates.record(session, session.get_one(Project, project_id), times, at=at)
    return times is not None
