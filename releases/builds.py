"""A release from being asked for to being fixed: what is written to its row, and by whom.

One build at a time for each project. A worker holds a release for a while and moves the time on
as it works; what a dead worker held is taken up again by the sweep.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import distinct, func
from sqlmodel import Session, col, select

from accounts import webhooks
from accounts.models import User
from annotation.models import Assignment
from annotation.validated import VALIDATED
from core import audit, jobs, messages
from core.errors import Conflict
from core.settings import current_settings
from projects.models import Project
from releases import grants, series
from releases.assembly import Built
from releases.models import Release, ReleaseSeries, State

HELD = timedelta(minutes=2)
ATTEMPTS = 5
GAVE_UP, NOTHING = "gave_up", "nothing"


class NothingToRelease(Conflict):
    """No answer in this project is final yet, so there is nothing to release."""


@dataclass(frozen=True)
class Wish:
    """What an owner says of a release when asking for it."""

    changelog: str
    licence: str
    limits: str
    with_gold: bool


def ask(session: Session, project: Project, wish: Wish, *, by: User, at: datetime) -> Release:
    """Ask for a release; while one is being built, asking again returns that one."""
    assert project.id is not None
    assert by.id is not None
    series.ensure(session, project, at=at)
    waiting = building(session, project.id)
    if waiting is not None:
        return waiting
    if not final_tasks(session, project.id):
        raise NothingToRelease
    release = Release(
        project_id=project.id,
        organisation_id=project.organisation_id,
        title=project.title,
        changelog=wish.changelog.strip(),
        licence=wish.licence,
        limits=wish.limits.strip(),
        with_gold=wish.with_gold,
        asked_by=by.id,
        asked_at=at,
    )
    session.add(release)
    session.flush()  # the job needs the id
    _defer(session, release)
    audit.record(session, "release.asked", by=by.id, subject=f"release:{release.id}")
    return release


def building(session: Session, project_id: int) -> Release | None:
    """Return the release of a project that is being built, if one is."""
    return session.exec(
        select(Release).where(Release.project_id == project_id, Release.state == State.BUILDING)
    ).first()


def of(session: Session, project_id: int) -> list[Release]:
    """Return a project's releases, the newest first."""
    query = select(Release).where(Release.project_id == project_id).order_by(col(Release.id).desc())
    return list(session.exec(query))


def final_tasks(session: Session, project_id: int) -> int:
    """Return how many tasks of a project have an accepted answer."""
    accepted = select(func.count(distinct(col(Assignment.task_id)))).where(
        Assignment.project_id == project_id, col(Assignment.state).in_(VALIDATED)
    )
    return session.exec(accepted).one()


def take(session: Session, release_id: int, *, at: datetime) -> Release | None:
    """Hold a release for building; None when it needs no building or another worker holds it."""
    release = session.get(Release, release_id, with_for_update=True)
    if release is None or release.state is not State.BUILDING or _is_held(release, at):
        return None
    if release.attempts >= ATTEMPTS:
        fail(session, release, GAVE_UP, at=at)
        return None
    release.attempts += 1
    release.held_until = at + HELD
    return release


def keep(session: Session, release_id: int, rows: int, *, at: datetime) -> None:
    """Show how far a build has come, and hold it for longer."""
    release = session.get(Release, release_id, with_for_update=True)
    if release is not None and release.state is State.BUILDING:
        release.rows_read, release.held_until = rows, at + HELD


def give_back(session: Session, release_id: int) -> None:
    """Let go of a release whose build has stopped, so that it can be taken up at once."""
    release = session.get(Release, release_id, with_for_update=True)
    if release is not None and release.state is State.BUILDING:
        release.held_until = None


def finish(session: Session, release_id: int, built: Built, *, at: datetime) -> None:
    """Fix a release for good and tell who asked for it; doing it again changes nothing."""
    release = session.get(Release, release_id, with_for_update=True)
    if release is None or release.state is not State.BUILDING:
        return
    kept = session.get_one(ReleaseSeries, release.project_id, with_for_update=True)
    kept.split_salt = kept.split_salt or built.salt
    release.version, release.commit, release.manifest = built.version, built.commit, built.manifest
    release.row_count, release.size_bytes = built.rows, built.size
    release.state, release.ended_at, release.held_until = State.READY, at, None
    _tell(session, release, "releases/release_ready")
    _emit_published(session, release)
    audit.record(
        session,
        "release.built",
        by=release.asked_by,
        subject=f"release:{release.id}",
        details={"version": built.version, "commit": built.commit, "rows": built.rows},
    )


def fail(session: Session, release: Release, trouble: str, *, at: datetime) -> None:
    """Give up on a release and tell who asked for it."""
    release.state, release.ended_at, release.held_until = State.FAILED, at, None
    release.trouble = trouble
    _tell(session, release, "releases/release_failed")
    data = {"release_id": release.id, "project_id": release.project_id}
    webhooks.emit(session, release.organisation_id, "release.failed", data)
    audit.record(
        session,
        "release.failed",
        by=None,
        subject=f"release:{release.id}",
        details={"trouble": trouble},
    )


def stuck(session: Session, *, at: datetime) -> list[Release]:
    """Return the releases that are being built and that no worker holds."""
    waiting = select(Release).where(Release.state == State.BUILDING).order_by(col(Release.id))
    return [release for release in session.exec(waiting) if not _is_held(release, at)]


def take_up(session: Session, *, at: datetime) -> int:
    """Defer the build of each release that no worker holds; return how many there are."""
    left = stuck(session, at=at)
    for release in left:
        _defer(session, release)
    return len(left)


def _is_held(release: Release, at: datetime) -> bool:
    return release.held_until is not None and release.held_until > at


def _defer(session: Session, release: Release) -> None:
    jobs.defer(
        session,
        "releases.build",
        queue="releases",
        queueing_lock=f"release:{release.id}",
        release_id=release.id,
    )


def _emit_published(session: Session, release: Release) -> None:
    """Tell the owner's organisation and each that may read the project's releases."""
    facts = release.facts
    data = {
        "release_id": release.id,
        "project_id": release.project_id,
        "name": f"{facts['organisation']['slug']}/{facts['name']}",
        "version": release.version,
        "url": f"{current_settings().public_url}/api/v1/releases/{release.id}",
    }
    for organisation_id in (release.organisation_id, *grants.reader_ids(session, release)):
        webhooks.emit(session, organisation_id, "release.published", data)


def _tell(session: Session, release: Release, template: str) -> None:
    asker = session.get_one(User, release.asked_by)
    path = (
        f"releases/{release.id}" if release.is_ready else f"projects/{release.project_id}/releases"
    )
    url = f"{current_settings().public_url}/{path}"
    messages.write(session, to=asker, template=template, release=release, url=url)
