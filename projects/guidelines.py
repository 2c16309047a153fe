"""Guidelines and their versions. A published version is never changed; terms name it by number."""

from datetime import datetime

from sqlmodel import Session, col, select

from accounts.models import User
from core import audit
from core.errors import Conflict, Invalid
from projects.models import GuidelineVersion, Project, State, id_of


class Unchanged(Conflict):
    """These are the words of the guidelines as they stand. No new version was made."""


class NoGuidelines(Invalid):
    """Write what the experts shall do."""


class Over(Conflict):
    """A completed project keeps its guidelines as they were."""


def publish(
    session: Session, project: Project, text: str, *, by: User, at: datetime
) -> GuidelineVersion:
    """Add a version; it counts for tasks that are started from now on."""
    if project.state is State.COMPLETED:
        raise Over
    if not text.strip():
        raise NoGuidelines
    if project.guidelines_version and text == project.guidelines:
        raise Unchanged
    project.guidelines = text
    project.guidelines_version += 1
    version = GuidelineVersion(
        project_id=id_of(project),
        version=project.guidelines_version,
        text=text,
        written_by=id_of(by),
        written_at=at,
    )
    session.add(version)
    audit.record(
        session,
        "guidelines.published",
        by=by.id,
        subject=f"project:{project.id}",
        details={"version": version.version},
    )
    return version


def versions(session: Session, project_id: int) -> list[GuidelineVersion]:
    """Return the versions of a project's guidelines, the last first."""
    query = select(GuidelineVersion).where(GuidelineVersion.project_id == project_id)
    return list(session.exec(query.order_by(col(GuidelineVersion.version).desc())))


def version(session: Session, project_id: int, number: int) -> GuidelineVersion | None:
    """Return one version of a project's guidelines."""
    query = select(GuidelineVersion).where(
        GuidelineVersion.project_id == project_id, GuidelineVersion.version == number
    )
    return session.exec(query).first()
