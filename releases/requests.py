"""Requests to read: a team asks, the owner lets it in or says why not, and either can end it.

A request is answered once; whoever is too late reads what came of it. To whom an owner gives its
data is the owner's own choice and no decision about a person: it needs a reason all the same, and
the team may ask again at once.
"""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func
from sqlmodel import Session, col, select

from accounts import organisations, webhooks
from accounts.models import Organisation, User
from core import audit, messages
from core.errors import Conflict, Invalid, NotFound
from core.settings import current_settings
from projects.models import Project
from releases import grants, summaries
from releases.catalogue_models import ReleaseRequest, RequestState, Use
from releases.grants import Terms
from releases.models import Release, ReleaseSeries, State, Visibility

ENDED = (RequestState.ENDED, RequestState.EXPIRED)


class NotListed(NotFound):
    """There is no dataset here that your organisation may ask for."""


class ReadsAlready(Conflict):
    """Your organisation may read this dataset already."""


class AnsweredAlready(Conflict):
    """This request was answered or withdrawn in the meantime. Nothing more was changed."""


class NoSuchVersion(Invalid):
    """One of these versions is not there. Choose among the versions that are ready."""


@dataclass(frozen=True)
class Asked:
    """What a team says when it asks."""

    use: Use
    purpose: str


def ask(
    session: Session,
    series: ReleaseSeries,
    organisation: Organisation,
    asked: Asked,
    *,
    by: User,
    at: datetime,
) -> ReleaseRequest:
    """Ask to read; an organisation that has asked already finds its open request."""
    assert organisation.id is not None
    assert by.id is not None
    session.refresh(series, with_for_update=True)
    newest = _newest(session, series.project_id)
    if series.visibility is Visibility.PRIVATE or newest is None:
        raise NotListed
    if session.exec(grants.readable([organisation.id]).where(Release.id == newest.id)).first():
        raise ReadsAlready
    waiting = open_of(session, series.project_id, organisation.id)
    if waiting is not None:
        return waiting
    made = ReleaseRequest(
        project_id=series.project_id,
        organisation_id=organisation.id,
        asked_by=by.id,
        asked_at=at,
        use=asked.use,
        purpose=asked.purpose.strip(),
        licence=newest.licence,
    )
    session.add(made)
    session.flush()  # the audit names it
    _record(session, "release.access_asked", made, by.id)
    data = {"project_id": series.project_id, "request_id": made.id}
    webhooks.emit(session, series.organisation_id, "release.access_requested", data)
    project = session.get_one(Project, series.project_id)
    for admin in organisations.admins(session, series.organisation_id):
        _write(session, admin, "releases/access_asked", made, project, _readers_page(project))
    return made


def withdraw(session: Session, request: ReleaseRequest, *, by: User, at: datetime) -> None:
    """Take a request back; twice is the same as once."""
    session.refresh(request, with_for_update=True)
    if request.state is RequestState.WITHDRAWN:
        return
    _require_open(request)
    request.state, request.answered_at = RequestState.WITHDRAWN, at
    _record(session, "release.access_withdrawn", request, by.id)


def let_in(
    session: Session, request: ReleaseRequest, terms: Terms, *, by: User, at: datetime
) -> None:
    """Grant a request on some terms; a second click changes nothing."""
    project = session.get_one(Project, request.project_id)
    _require_versions(session, request.project_id, terms)
    session.refresh(request, with_for_update=True)
    if request.state is RequestState.GRANTED:
        return
    _require_open(request)
    request.state, request.answered_by, request.answered_at = RequestState.GRANTED, by.id, at
    grants.let_in(session, project, request.organisation_id, terms, by=by, at=at)
    _record(session, "release.access_given", request, by.id)
    _tell_asker(session, request, "releases/access_granted", project, terms=terms)


def refuse(
    session: Session, request: ReleaseRequest, reason: str, *, by: User, at: datetime
) -> None:
    """Refuse a request, with a reason that the team reads; a second click changes nothing."""
    if not reason.strip():
        raise grants.ReasonNeeded
    session.refresh(request, with_for_update=True)
    if request.state is RequestState.REFUSED:
        return
    _require_open(request)
    request.reason = reason.strip()
    request.state, request.answered_by, request.answered_at = RequestState.REFUSED, by.id, at
    _record(session, "release.access_refused", request, by.id)
    project = session.get_one(Project, request.project_id)
    data = {"project_id": request.project_id, "request_id": request.id}
    webhooks.emit(session, request.organisation_id, "release.access_refused", data)
    _tell_asker(session, request, "releases/access_refused", project)


def name(
    session: Session, project: Project, slug: str, terms: Terms, *, by: User, at: datetime
) -> Organisation:
    """Let an organisation read that has not asked, or change its terms."""
    _require_versions(session, project.id, terms)
    named = grants.grant(session, project, slug, by=by, at=at, terms=terms)
    waiting = open_of(session, project.id, named.id)
    if waiting is not None:
        let_in(session, waiting, terms, by=by, at=at)
    return named


def take_back(
    session: Session,
    project: Project,
    organisation_id: int,
    reason: str,
    *,
    by: User,
    at: datetime,
) -> bool:
    """Stop an organisation from reading, and tell it why; return whether it could until now."""
    if not grants.take_back(session, project, organisation_id, by=by, reason=reason):
        return False
    _close(session, project.id, organisation_id, RequestState.ENDED, reason.strip(), at)
    _tell_organisation(session, project, organisation_id, reason.strip())
    return True


def end_expired(session: Session, *, at: datetime) -> int:
    """End the grants whose time is over, and tell who read by them; return how many there are."""
    found = grants.over(session)
    for held in found:
        project = session.get_one(Project, held.project_id)
        organisation_id = held.organisation_id
        grants.end(session, held, by=None)
        _close(session, project.id, organisation_id, RequestState.EXPIRED, "", at)
        _tell_organisation(session, project, organisation_id, "")
    return len(found)


def set_visibility(
    session: Session,
    series: ReleaseSeries,
    visibility: Visibility,
    description: str,
    *,
    by: User,
) -> None:
    """Choose who finds a project's releases, and what the catalogue says of them."""
    session.refresh(series, with_for_update=True)
    if series.description != description.strip():
        series.description = description.strip()
        summaries.describe(session, series)
    if series.visibility is visibility:
        return
    series.visibility = visibility
    audit.record(
        session,
        "release.visibility_changed",
        by=by.id,
        subject=f"project:{series.project_id}",
        details={"visibility": str(visibility)},
    )


def open_of(
    session: Session, project_id: int | None, organisation_id: int | None
) -> ReleaseRequest | None:
    """Return the open request of an organisation, if there is one."""
    query = select(ReleaseRequest).where(
        ReleaseRequest.project_id == project_id,
        ReleaseRequest.organisation_id == organisation_id,
        ReleaseRequest.state == RequestState.OPEN,
    )
    return session.exec(query).first()


def of_readers(
    session: Session, project_id: int, organisation_ids: Collection[int]
) -> list[ReleaseRequest]:
    """Return what some organisations have asked of a project, the newest first."""
    query = (
        select(ReleaseRequest)
        .where(
            ReleaseRequest.project_id == project_id,
            col(ReleaseRequest.organisation_id).in_(organisation_ids),
        )
        .order_by(col(ReleaseRequest.id).desc())
    )
    return list(session.exec(query))


def of_project(
    session: Session, project_id: int, *, limit: int = 50
) -> list[tuple[ReleaseRequest, Organisation]]:
    """Return the requests to read a project's releases: open ones first, then the newest."""
    query = (
        select(ReleaseRequest, Organisation)
        .join(Organisation, col(Organisation.id) == col(ReleaseRequest.organisation_id))
        .where(ReleaseRequest.project_id == project_id)
        .order_by(col(ReleaseRequest.state) != RequestState.OPEN, col(ReleaseRequest.id).desc())
        .limit(limit)
    )
    return list(session.exec(query))


def waiting(
    session: Session, organisation_ids: Collection[int] | None
) -> list[tuple[ReleaseRequest, Organisation, Project]]:
    """Return the open requests to some organisations, or to all (None), the oldest first."""
    query = (
        select(ReleaseRequest, Organisation, Project)
        .join(Organisation, col(Organisation.id) == col(ReleaseRequest.organisation_id))
        .join(Project, col(Project.id) == col(ReleaseRequest.project_id))
        .where(ReleaseRequest.state == RequestState.OPEN)
        .order_by(col(ReleaseRequest.id))
        .limit(200)
    )
    if organisation_ids is not None:
        query = query.where(col(Project.organisation_id).in_(organisation_ids))
    return list(session.exec(query))


def count_open(session: Session, project_id: int) -> int:
    """Return how many requests to read a project's releases wait."""
    query = select(func.count()).where(
        ReleaseRequest.project_id == project_id, ReleaseRequest.state == RequestState.OPEN
    )
    return session.exec(query).one()


def count_all_open(session: Session) -> int:
    """Return how many requests wait for their owners."""
    query = select(func.count()).where(ReleaseRequest.state == RequestState.OPEN)
    return session.exec(query).one()


def versions(session: Session, project_id: int) -> list[str]:
    """Return the versions of a project that are ready, the newest first."""
    query = (
        select(Release.version)
        .where(Release.project_id == project_id, Release.state == State.READY)
        .order_by(col(Release.id).desc())
    )
    return [str(one) for one in session.exec(query)]


def _newest(session: Session, project_id: int) -> Release | None:
    query = (
        select(Release)
        .where(Release.project_id == project_id, Release.state == State.READY)
        .order_by(col(Release.id).desc())
    )
    return session.exec(query).first()


def _require_open(request: ReleaseRequest) -> None:
    if request.state is not RequestState.OPEN:
        raise AnsweredAlready


def _require_versions(session: Session, project_id: int | None, terms: Terms) -> None:
    if terms.versions and not set(terms.versions) <= set(versions(session, project_id or 0)):
        raise NoSuchVersion


def _close(
    session: Session,
    project_id: int | None,
    organisation_id: int,
    state: RequestState,
    reason: str,
    at: datetime,
) -> None:
    query = (
        select(ReleaseRequest)
        .where(
            ReleaseRequest.project_id == project_id,
            ReleaseRequest.organisation_id == organisation_id,
            ReleaseRequest.state == RequestState.GRANTED,
        )
        .with_for_update()
    )
    for request in session.exec(query):
        request.state, request.reason, request.ended_at = state, reason, at


def _tell_asker(
    session: Session,
    request: ReleaseRequest,
    template: str,
    project: Project,
    terms: Terms = grants.ALL,
) -> None:
    asker = session.get_one(User, request.asked_by)
    _write(session, asker, template, request, project, _dataset_page(project), terms=terms)


def _tell_organisation(
    session: Session, project: Project, organisation_id: int, reason: str
) -> None:
    for admin in organisations.admins(session, organisation_id):
        messages.write(
            session,
            to=admin,
            template="releases/access_ended",
            project=project,
            reason=reason,
            url=f"{current_settings().public_url}/releases",
        )


def _write(
    session: Session,
    to: User,
    template: str,
    request: ReleaseRequest,
    project: Project,
    url: str,
    terms: Terms = grants.ALL,
) -> None:
    organisation = session.get_one(Organisation, request.organisation_id)
    messages.write(
        session,
        to=to,
        template=template,
        request=request,
        project=project,
        organisation=organisation,
        terms=terms,
        url=url,
    )


def _readers_page(project: Project) -> str:
    return f"{current_settings().public_url}/projects/{project.id}/releases/readers"


def _dataset_page(project: Project) -> str:
    return f"{current_settings().public_url}/releases/datasets/{project.id}"


def _record(session: Session, action: str, request: ReleaseRequest, by: int | None) -> None:
    audit.record(
        session,
        action,
        by=by,
        subject=f"project:{request.project_id}",
        details={"organisation_id": request.organisation_id, "request_id": request.id},
    )
