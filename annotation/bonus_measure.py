"""How often experts gave the same answer as others of their tasks, for bonuses by rule."""

from sqlmodel import Session, col, select

from annotation import progress
from experts.models import Expert
from projects.models import Project


def by_expert(session: Session, project_id: int) -> dict[int, float]:
    """Return the share by expert, over the newest answers; without others to compare, nothing."""
    project = session.get(Project, project_id)
    if project is None:
        return {}
    _whole, rows = progress.measures(session, project)
    shares = {row.pseudonym: row.agreement for row in rows if row.agreement is not None}
    experts = session.exec(select(Expert).where(col(Expert.pseudonym).in_(shares)))
    return {one.user_id: shares[one.pseudonym] for one in experts}


AGREEMENT = by_expert
