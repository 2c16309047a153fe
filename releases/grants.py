"""Which organisations may read a project's releases: the owner's own, and those it names."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, or_
from sqlmodel import Session, col, select
from sqlmodel.sql.expression import SelectOfScalar

from accounts import webhooks
from accounts.models import Organisation, User
from core import audit
from core.errors import Conflict, Invalid
from projects.models import Project
from releases.models import Release, ReleaseGrant, ReleaseSeries, State


class NoSuchOrganisation(Invalid):
    """There is no organisation of this name here. Ask its people for the name in its address."""


class OwnOrganisation(Conflict):
    """Your own organisation reads its releases without being named."""


@dataclass(frozen=True)
class Readership:
    """Whom a release is for, as rules about permissions read it."""

    organisation_id: int
    reader_organisation_ids: frozenset[int]


def readership(session: Session, release: Release) -> Readership:
    """Return who may read a release; what is not ready is the owner's alone."""
    readers = select(ReleaseGrant.organisation_id).where(
        ReleaseGrant.project_id == release.project_id
    )
    named = frozenset(session.exec(readers)) if release.is_ready else frozenset[int]()
    return Readership(release.organisation_id, named)


def readers(session: Session, project_id: int) -> list[Organisation]:
    """Return the organisations that a project names as readers, by name."""
    query = (
        select(Organisation)
        .join(ReleaseGrant, col(ReleaseGrant.organisation_id) == col(Organisation.id))
        .where(ReleaseGrant.project_id == project_id)
        .order_by(Organisation.name)
    )
    return list(session.exec(query))


def grant(session: Session, project: Project, slug: str, *, by: User, at: datetime) -> Organisation:
    """Let an organisation read a project's releases; naming it twice changes nothing."""
    assert project.id is not None
    assert by.id is not None
    found = session.exec(
        select(Organisation).where(Organisation.slug == slug.strip().lower()).with_for_update()
    ).first()
    if found is None or found.id is None:
        raise NoSuchOrganisation
    if found.id == project.organisation_id:
        raise OwnOrganisation
    if session.get(ReleaseGrant, (project.id, found.id)) is None:
        session.add(
            ReleaseGrant(
                project_id=project.id, organisation_id=found.id, granted_by=by.id, granted_at=at
            )
        )
        _record(session, "release.granted", project, found.id, by)
        webhooks.emit(session, found.id, "release.access_granted", {"project_id": project.id})
    return found


def take_back(session: Session, project: Project, organisation_id: int, *, by: User) -> None:
    """Stop an organisation from reading a project's releases."""
    held = session.get(ReleaseGrant, (project.id, organisation_id), with_for_update=True)
    if held is not None:
        session.delete(held)
        _record(session, "release.grant_ended", project, organisation_id, by)
        data = {"project_id": project.id}
        webhooks.emit(session, organisation_id, "release.access_ended", data)


def reader_ids(session: Session, release: Release) -> list[int]:
    """Return the organisations that were let in to a release's project."""
    held = select(ReleaseGrant.organisation_id).where(ReleaseGrant.project_id == release.project_id)
    return list(session.exec(held.order_by(col(ReleaseGrant.organisation_id))))


def readable(organisation_ids: Collection[int]) -> SelectOfScalar[Release]:
    """Select the ready releases that these organisations may read."""
    granted = select(ReleaseGrant.project_id).where(
        col(ReleaseGrant.organisation_id).in_(organisation_ids)
    )
    return select(Release).where(
        col(Release.state) == State.READY,
        or_(
            col(Release.organisation_id).in_(organisation_ids),
            col(Release.project_id).in_(granted),
        ),
    )


def reading_for(session: Session, release: Release, organisation_ids: Collection[int]) -> int:
    """Return for which of some organisations a release is read: its owner, or one let in."""
    if release.organisation_id in organisation_ids:
        return release.organisation_id
    return min(set(reader_ids(session, release)) & set(organisation_ids))


def newest_readable(organisation_ids: Collection[int], words: str) -> SelectOfScalar[Release]:
    """Select the newest readable release of each project whose title or name holds some words."""
    newest = (
        readable(organisation_ids)
        .with_only_columns(func.max(Release.id))
        .group_by(col(Release.project_id))
    )
    query = (
        select(Release)
        .join(ReleaseSeries, col(ReleaseSeries.project_id) == col(Release.project_id))
        .join(Organisation, col(Organisation.id) == col(Release.organisation_id))
        .where(col(Release.id).in_(newest))
        .order_by(col(Release.id).desc())
    )
    for word in words.split():
        query = query.where(
            or_(
                *(
                    column.icontains(word, autoescape=True)
                    for column in (
                        col(Release.title),
                        col(ReleaseSeries.name),
                        col(Organisation.name),
                        col(Organisation.slug),
                    )
                )
            )
        )
    return query


def _record(
    session: Session, action: str, project: Project, organisation_id: int, by: User
) -> None:
    audit.record(
        session,
        action,
        by=by.id,
        subject=f"project:{project.id}",
        details={"organisation_id": organisation_id},
    )
