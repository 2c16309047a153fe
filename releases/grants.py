"""Which organisations may read a project's releases: the owner's own, those it lets in, or all.

Whoever is let in may read all versions or some, for good or until a time. That time is asked of
the database, so that pages, the API, the Hub's clients and links go by one clock.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from sqlalchemy import any_, func, or_, true
from sqlmodel import Session, col, select
from sqlmodel.sql.expression import SelectOfScalar

from accounts import webhooks
from accounts.models import Organisation, User
from core import audit
from core.errors import Conflict, Invalid
from projects.models import Project
from releases.models import Release, ReleaseGrant, ReleaseSeries, State, Visibility


class NoSuchOrganisation(Invalid):
    """There is no organisation of this name here. Ask its people for the name in its address."""


class OwnOrganisation(Conflict):
    """Your own organisation reads its releases without being named."""


class ReasonNeeded(Invalid):
    """Say why; the other side reads it."""


class DayIsOver(Invalid):
    """Choose a day to come: this one is over."""


class DayTooFar(Invalid):
    """Choose a day before the year 2200, or none for good."""


@dataclass(frozen=True)
class Terms:
    """How far a grant goes: until when, and which versions. None is for good, and all."""

    until: datetime | None = None
    versions: tuple[str, ...] | None = None

    @classmethod
    def through(cls, day: date | None, versions: Sequence[str]) -> "Terms":
        """Return terms that hold through a day, which ends at midnight UTC; no versions are all."""
        until = datetime.combine(day + timedelta(days=1), time(), UTC) if day else None
        return cls(until, tuple(versions) or None)


ALL = Terms()
LAST_DAY = date(2199, 12, 31)


@dataclass(frozen=True)
class Readership:
    """Whom a release is for, as rules about permissions read it."""

    organisation_id: int
    reader_organisation_ids: frozenset[int]
    is_open: bool = False


def check_day(day: date, *, today: date) -> None:
    """Refuse a last day of reading that is over, or beyond all calendars."""
    if day < today:
        raise DayIsOver
    if day > LAST_DAY:
        raise DayTooFar


def readership(session: Session, release: Release) -> Readership:
    """Return who may read a release; what is not ready is the owner's alone."""
    if not release.is_ready:
        return Readership(release.organisation_id, frozenset())
    is_open = session.get_one(ReleaseSeries, release.project_id).visibility is Visibility.OPEN
    return Readership(release.organisation_id, frozenset(reader_ids(session, release)), is_open)


def readers(session: Session, project_id: int) -> list[tuple[ReleaseGrant, Organisation]]:
    """Return the organisations that a project lets in, by name, with their terms."""
    query = (
        select(ReleaseGrant, Organisation)
        .join(Organisation, col(Organisation.id) == col(ReleaseGrant.organisation_id))
        .where(ReleaseGrant.project_id == project_id, _holds())
        .order_by(Organisation.name)
    )
    return list(session.exec(query))


def grant(
    session: Session, project: Project, slug: str, *, by: User, at: datetime, terms: Terms = ALL
) -> Organisation:
    """Let an organisation read a project's releases; naming it twice changes its terms alone."""
    found = session.exec(
        select(Organisation).where(Organisation.slug == slug.strip().lower()).with_for_update()
    ).first()
    if found is None or found.id is None:
        raise NoSuchOrganisation
    if found.id == project.organisation_id:
        raise OwnOrganisation
    let_in(session, project, found.id, terms, by=by, at=at)
    return found


def let_in(
    session: Session,
    project: Project,
    organisation_id: int,
    terms: Terms,
    *,
    by: User,
    at: datetime,
) -> None:
    """Let an organisation read on some terms; one that reads already gets these terms."""
    assert project.id is not None
    assert by.id is not None
    versions = list(terms.versions) if terms.versions else None
    held = session.get(ReleaseGrant, (project.id, organisation_id), with_for_update=True)
    if held is not None and (held.until, held.versions) == (terms.until, versions):
        return
    is_new = held is None or (held.until is not None and held.until <= at)
    if held is None:
        held = ReleaseGrant(
            project_id=project.id, organisation_id=organisation_id, granted_by=by.id, granted_at=at
        )
        session.add(held)
    held.granted_by, held.granted_at = by.id, at
    held.until, held.versions = terms.until, versions
    said = {"until": terms.until.isoformat() if terms.until else None, "versions": versions}
    _record(session, "release.granted", project.id, organisation_id, by.id, **said)
    if is_new:
        _emit(session, "release.access_granted", project.id, organisation_id)


def take_back(
    session: Session, project: Project, organisation_id: int, *, by: User, reason: str
) -> bool:
    """Stop an organisation from reading, for a reason; return whether it could until now."""
    if not reason.strip():
        raise ReasonNeeded
    held = session.get(ReleaseGrant, (project.id, organisation_id), with_for_update=True)
    if held is None:
        return False
    end(session, held, by=by.id, reason=reason.strip())
    return True


def end(session: Session, held: ReleaseGrant, *, by: int | None, reason: str = "") -> None:
    """End a grant; nobody (None) does it when its time is over."""
    session.delete(held)
    session.flush()  # from here on it is over for every question
    project_id, organisation_id = held.project_id, held.organisation_id
    _record(session, "release.grant_ended", project_id, organisation_id, by, reason=reason)
    _emit(session, "release.access_ended", project_id, organisation_id)


def over(session: Session, *, limit: int = 100) -> list[ReleaseGrant]:
    """Return grants whose time is over, held until the end of the transaction."""
    query = (
        select(ReleaseGrant)
        .where(col(ReleaseGrant.until) <= func.now())
        .limit(limit)
        .with_for_update(skip_locked=True)
    )
    return list(session.exec(query))


def reader_ids(session: Session, release: Release) -> list[int]:
    """Return the organisations that were let in to a release."""
    held = select(ReleaseGrant.organisation_id).where(
        ReleaseGrant.project_id == release.project_id,
        _holds(),
        or_(
            col(ReleaseGrant.versions).is_(None),
            col(ReleaseGrant.versions).contains([release.version]),
        ),
    )
    return list(session.exec(held.order_by(col(ReleaseGrant.organisation_id))))


def told(session: Session, release: Release) -> list[int]:
    """Return the organisations that are told of a new release: all that may read it and listen."""
    found = {release.organisation_id, *reader_ids(session, release)}
    if session.get_one(ReleaseSeries, release.project_id).visibility is Visibility.OPEN:
        found.update(webhooks.listening(session, "release.published"))
    return sorted(found)


def readable(organisation_ids: Collection[int]) -> SelectOfScalar[Release]:
    """Select the ready releases that these organisations may read; none without one."""
    granted = select(ReleaseGrant.project_id).where(
        col(ReleaseGrant.project_id) == col(Release.project_id),
        col(ReleaseGrant.organisation_id).in_(organisation_ids),
        _holds(),
        or_(
            col(ReleaseGrant.versions).is_(None),
            col(Release.version) == any_(col(ReleaseGrant.versions)),
        ),
    )
    for_all = select(ReleaseSeries.project_id).where(
        ReleaseSeries.visibility == Visibility.OPEN, true() if organisation_ids else ~true()
    )
    return select(Release).where(
        col(Release.state) == State.READY,
        or_(
            col(Release.organisation_id).in_(organisation_ids),
            granted.exists(),
            col(Release.project_id).in_(for_all),
        ),
    )


def reading_for(session: Session, release: Release, organisation_ids: Collection[int]) -> int:
    """Return for which of some organisations a release is read: its owner, or one let in."""
    if release.organisation_id in organisation_ids:
        return release.organisation_id
    # What is open to all is read for the one that somebody is in.
    named = set(reader_ids(session, release)) & set(organisation_ids)
    return min(named or set(organisation_ids))


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


def _holds() -> Any:
    return or_(col(ReleaseGrant.until).is_(None), col(ReleaseGrant.until) > func.now())


def _emit(session: Session, event: str, project_id: int, organisation_id: int) -> None:
    webhooks.emit(session, organisation_id, event, {"project_id": project_id})


def _record(
    session: Session,
    action: str,
    project_id: int,
    organisation_id: int,
    by: int | None,
    **said: Any,
) -> None:
    audit.record(
        session,
        action,
        by=by,
        subject=f"project:{project_id}",
        details={
            "organisation_id": organisation_id,
            **{key: value for key, value in said.items() if value},
        },
    )
