"""When the contents of media files go: some time after a project's end, and never unannounced.

The period is the operator's (`RETENTION_DAYS`, rule `media`; none by default). Members of the owner
get a letter at least thirty days before. Nothing goes while a verdict is to come, or one against
somebody's work can be contested or is. The names and fingerprints stay for good, since releases
name files by them.
"""

from datetime import datetime, timedelta

from sqlalchemy import func, text, update
from sqlmodel import Session, col, select

from accounts import organisations
from annotation.media_models import MediaEnd, TaskMedia
from core import audit, messages, periods
from core.clock import now
from core.settings import Settings
from projects.models import Project, State

RULE = "media"
TOLD_BEFORE = timedelta(days=30)
# With `:before` and `:at`; a project is found while it has contents, and nothing needs them.
OVER = """
    FROM project p WHERE p.state = 'completed' AND p.state_at < :before
    AND EXISTS (SELECT FROM task_media m WHERE m.project_id = p.id AND m.removed_at IS NULL)
    AND NOT EXISTS (
        SELECT FROM assignment a
        WHERE a.project_id = p.id AND a.state IN ('active', 'waiting', 'submitted'))
    AND NOT EXISTS (
        SELECT FROM work_sample s WHERE s.project_id = p.id AND s.state IN ('active', 'review'))
    AND NOT EXISTS (
        SELECT FROM (
            SELECT decision_id FROM assignment a WHERE a.project_id = p.id
            UNION ALL SELECT decision_id FROM work_sample s WHERE s.project_id = p.id
        ) about JOIN decision d ON d.id = about.decision_id
        LEFT JOIN appeal l ON l.decision_id = d.id
        WHERE CASE WHEN l.id IS NULL THEN d.contest_until > now() ELSE l.outcome IS NULL END)
"""
DUE = f"""{OVER}
    AND EXISTS (SELECT FROM media_end e WHERE e.project_id = p.id AND e.due_at < now())
"""
FOUND = text(f"SELECT p.id {DUE} ORDER BY p.id FOR UPDATE OF p SKIP LOCKED")
UNTOLD = text(f"""
    SELECT p.id {OVER} AND NOT EXISTS (SELECT FROM media_end e WHERE e.project_id = p.id)
    ORDER BY p.id LIMIT 1 FOR UPDATE OF p SKIP LOCKED
""")  # noqa: S608 - our own words


def planned(session: Session, project: Project, settings: Settings) -> datetime | None:
    """Return when the contents of a project's files go, at the earliest; None where they stay."""
    days = periods.days(settings.retention_days, RULE)
    if not days or project.state is not State.COMPLETED:
        return None
    end = session.get(MediaEnd, project.id)
    over = project.state_at + timedelta(days=days)
    return max(over, end.due_at) if end else max(over, now() + TOLD_BEFORE)


def removed_at(session: Session, project: Project) -> datetime | None:
    """Return when the contents of a project's files went; None while they are there."""
    end = session.get(MediaEnd, project.id)
    return end.removed_at if end else None


def tell_next(session: Session, settings: Settings, *, at: datetime) -> bool:
    """Write to the members of the next owner whose files go soon; say whether there was one."""
    days = periods.days(settings.retention_days, RULE)
    if not days:
        return False
    before = at - timedelta(days=days) + TOLD_BEFORE
    found = session.execute(UNTOLD, {"before": before}).scalar()
    if found is None:
        return False
    project = session.get_one(Project, found)
    due = max(project.state_at + timedelta(days=days), at + TOLD_BEFORE)
    session.add(MediaEnd(project_id=found, told_at=at, due_at=due))
    mine = select(func.count()).where(
        TaskMedia.project_id == found, col(TaskMedia.removed_at).is_(None)
    )
    for _membership, person in organisations.members(session, project.organisation_id):
        messages.write(
            session,
            to=person,
            template="annotation/media_ends",
            project=project,
            number=session.exec(mine).one(),
            due=due,
        )
    return True


def remove(session: Session, before: datetime) -> int:
    """Give up the contents of projects whose time is over; the sweep takes them from the disk."""
    found = session.execute(FOUND, {"before": before}).scalars().all()
    gone, at = 0, now()
    for project_id in found:
        files = session.execute(
            update(TaskMedia)
            .where(col(TaskMedia.project_id) == project_id, col(TaskMedia.removed_at).is_(None))
            .values(removed_at=at, trouble=None)
        )
        number = int(files.rowcount)  # type: ignore[attr-defined]
        session.get_one(MediaEnd, project_id).removed_at = at
        audit.record(
            session,
            "media.ended",
            by=None,
            subject=f"project:{project_id}",
            details={"files": number},
        )
        gone += number
    return gone
