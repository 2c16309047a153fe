"""The API of releases, for programs with a token: what there is, its facts and its files.

What those may not read for whom a token speaks does not exist for it.
"""

from datetime import datetime
from typing import Any

from flask import Response, g, request
from pydantic import BaseModel, Field
from sqlmodel import col
from werkzeug.wrappers.response import Response as BaseResponse

from accounts import tokens
from accounts.tokens import Principal
from core import api as base
from core.access import by_token
from core.api import LARGEST_ID, ListAnswer, ListQuery, Problem, Sent
from core.clock import now
from core.db import db_session
from core.errors import NotFound
from core.settings import current_settings
from releases import (
    answer_api,
    dataset_api,
    downloads,
    formats_made,
    grants,
    handing_out,
    link_routes,
    links,
    serving,
)
from releases.delivery_models import ReleaseFormat, Way
from releases.jobs import releases_folder
from releases.models import Release

READ = "releases:read"
MORE_APIS = (dataset_api.api, answer_api.api)
api = base.blueprint("releases_api", __name__, "releases", "Datasets that the token may read")


class FileInfo(BaseModel):
    """A file of a release."""

    path: str
    size: int
    sha256: str
    url: str


class ReleaseInfo(BaseModel):
    """A release in a list."""

    id: int
    name: str = Field(description="organisation/name")
    title: str
    version: str
    commit: str
    rows: int
    splits: dict[str, int]
    licence: str
    as_of: datetime


class ReleaseDetails(ReleaseInfo):
    """A release with its files and its manifest."""

    files: list[FileInfo]
    manifest: dict[str, Any]


class ReleaseList(ListAnswer):
    """Some releases."""

    data: list[ReleaseInfo]


class FormatInfo(BaseModel):
    """A format, and what came of it."""

    name: str
    rows: int
    left_out: int = Field(description="Rows that lack what the format needs")
    reason: str | None = Field(description="Why it does not fit this release")
    files: list[FileInfo]


class FormatList(BaseModel):
    """The formats of a release."""

    data: list[FormatInfo]


class LinksWanted(Sent):
    """For how long links are asked."""

    hours: int = Field(24, ge=1, le=24 * 30, description="The instance may give fewer")


class Link(BaseModel):
    """A link to a file that needs no token."""

    path: str
    url: str
    size: int


class LinkList(BaseModel):
    """Links to the files of a release; those to its formats are below the same base."""

    base: str
    expires_at: datetime
    data: list[Link]


class ReleaseQuery(ListQuery):
    """Which releases to list."""

    project: int | None = Field(None, ge=1, le=LARGEST_ID, description="Only those of this project")


class ReleasePath(BaseModel):
    """A release by its number."""

    release_id: int


class FilePath(ReleasePath):
    """A file of a release."""

    path: str


REFUSALS: dict[Any, Any] = {422: Problem}
BINARY = {"schema": {"type": "string", "format": "binary"}}
CONTENT = dict.fromkeys(("application/octet-stream", *serving.TYPES.values(), "text/plain"), BINARY)


@api.get("/releases", responses={200: ReleaseList, **REFUSALS}, summary="Releases, newest first")
@by_token(READ)
def list_releases(query: ReleaseQuery) -> Response:
    """Those that the token's organisation may read, or for a person, all their organisations."""
    wanted = grants.readable(_organisation_ids())
    if query.project is not None:
        wanted = wanted.where(Release.project_id == query.project)
    part = base.part(wanted, col(Release.id), query)
    data = [_info(one) for one in part.rows]
    return base.answer(ReleaseList(data=data, next_cursor=part.next_cursor, next=part.next))


@api.get(
    "/releases/<int:release_id>", responses={200: ReleaseDetails, **REFUSALS}, summary="One release"
)
@by_token(READ)
def get_release(path: ReleasePath) -> Response:
    """Return a release with its files and its manifest."""
    found = _readable(path.release_id)
    files = [FileInfo(**one, url=_url(found, one["path"])) for one in serving.listed(found)]
    info = _info(found).model_dump()
    return base.answer(ReleaseDetails(**info, files=files, manifest=found.facts))


@api.get(
    "/releases/<int:release_id>/files/<path:path>",
    responses={
        200: {"content": CONTENT},
        206: {"content": CONTENT},
        304: {"description": "The file is the one that you have."},
        416: Problem,
        **REFUSALS,
    },
    summary="A file of a release",
    description="Takes Range and If-None-Match; the ETag is the file's SHA-256.",
)
@by_token(READ)
def get_file(path: FilePath) -> BaseResponse:
    """Download a file of a release, whole or in part."""
    found = _readable(path.release_id)
    reader = downloads.reader(
        db_session(), found, g.principal, organisation_ids=_organisation_ids(), way=Way.API
    )
    return handing_out.send(
        db_session(), releases_folder(), found, path.path, request.environ, reader=reader, at=now()
    )


@api.get(
    "/releases/<int:release_id>/formats",
    responses={200: FormatList, **REFUSALS},
    summary="Formats of a release",
    description="Made from the release after it is built; each file is below `files/formats`.",
)
@by_token(READ)
def list_formats(path: ReleasePath) -> Response:
    """Return which formats were made, with their files, and why others do not fit."""
    found = _readable(path.release_id)
    made = formats_made.of(db_session(), path.release_id)
    return base.answer(FormatList(data=[_format(found, one) for one in made]))


@api.post(
    "/releases/<int:release_id>/links",
    responses={200: LinkList, **REFUSALS},
    summary="Signed links to the files",
    description="They need no token, end by themselves, and with the right to read.",
)
@by_token(READ)
def make_links(path: ReleasePath, body: LinksWanted) -> Response:
    """Return links for programs that can send no token."""
    found, settings = _readable(path.release_id), current_settings()
    reader = downloads.reader(
        db_session(), found, g.principal, organisation_ids=_organisation_ids(), way=Way.LINK
    )
    until = links.until(body.hours, at=now(), most=settings.release_link_hours)
    address = link_routes.base(found, reader, until)
    data = [
        Link(path=one.path, url=f"{address}/{one.path}", size=one.size)
        for one in serving.entries(releases_folder(), found)
    ]
    return base.answer(LinkList(base=address, expires_at=until, data=data))


def _organisation_ids() -> set[int]:
    principal: Principal = g.principal
    return tokens.organisation_ids(db_session(), principal)


def _readable(release_id: int) -> Release:
    """Return a release that the token's organisation may read; others are not there."""
    wanted = grants.readable(_organisation_ids()).where(Release.id == release_id)
    found = db_session().exec(wanted).first() if release_id <= LARGEST_ID else None
    if found is None:
        raise NotFound
    return found


def _info(release: Release) -> ReleaseInfo:
    facts = release.facts
    return ReleaseInfo(
        id=release.id or 0,
        name=f"{facts['organisation']['slug']}/{facts['name']}",
        title=release.title,
        version=str(release.version),
        commit=str(release.commit),
        rows=release.row_count,
        splits=facts["splits"],
        licence=release.licence,
        as_of=release.asked_at,
    )


def _format(release: Release, made: ReleaseFormat) -> FormatInfo:
    files = [
        FileInfo(**one, url=_url(release, f"formats/{made.name}/{one['path']}"))
        for one in made.files or []
    ]
    return FormatInfo(
        name=made.name, rows=made.rows, left_out=made.left_out, reason=made.reason, files=files
    )


def _url(release: Release, path: str) -> str:
    return f"/api/v1/releases/{release.id}/files/{path}"
