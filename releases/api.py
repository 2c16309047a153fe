"""The API of releases, for programs with a token: what there is, its facts and its files.

A token speaks for one organisation. What that organisation may not read does not exist for it.
"""

import base64
import binascii
from datetime import datetime
from typing import Any

from flask import Response, current_app, g, jsonify, request
from flask.blueprints import BlueprintSetupState
from flask_babel import gettext as _
from flask_openapi3.blueprint import APIBlueprint
from flask_openapi3.models.tag import Tag
from pydantic import BaseModel, Field, ValidationError
from sqlmodel import col
from werkzeug.wrappers.response import Response as BaseResponse

from accounts.models import Organisation, User
from accounts.tokens import Principal
from core.access import by_token, public
from core.db import db_session, find
from core.errors import Invalid, NotFound
from core.web import json_problem
from releases import grants, serving
from releases.jobs import releases_folder
from releases.models import Release

READ = "releases:read"
LARGEST_ID = 2**31 - 1
api = APIBlueprint(
    "releases_api",
    __name__,
    url_prefix="/api/v1",
    abp_tags=[Tag(name="releases")],
    abp_security=[{"token": []}],
)


class BadCursor(Invalid):
    """The cursor is not one that this API gave. Begin without one."""


class Problem(BaseModel):
    """What went wrong, as RFC 9457 writes it."""

    type: str = "about:blank"
    status: int
    title: str


class Me(BaseModel):
    """Whom a token speaks for."""

    name: str
    organisation: str = Field(description="The organisation's name in addresses")
    scopes: list[str]


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


class ReleaseList(BaseModel):
    """Some releases, and where to go on."""

    data: list[ReleaseInfo]
    next_cursor: str | None


class ListQuery(BaseModel):
    """Which releases to list."""

    project: int | None = Field(None, ge=1, le=LARGEST_ID, description="Only those of this project")
    limit: int = Field(50, ge=1, le=200)
    cursor: str | None = Field(None, max_length=200, description="next_cursor of the page before")


class ReleasePath(BaseModel):
    """A release by its number."""

    release_id: int


class FilePath(ReleasePath):
    """A file of a release."""

    path: str


REFUSALS: dict[Any, Any] = {401: Problem, 403: Problem, 404: Problem, 422: Problem}


@api.get("/me", responses={200: Me, **REFUSALS}, summary="Whom the token speaks for")
@by_token(READ)
def me() -> Response:
    """Say whom the token speaks for, and what it may do."""
    principal = _principal()
    user, organisation = (
        find(User, principal.user_id),
        find(Organisation, principal.organisation_id),
    )
    scopes = sorted(principal.scopes)
    return _json(Me(name=user.name, organisation=organisation.slug, scopes=scopes))


@api.get("/releases", responses={200: ReleaseList, **REFUSALS}, summary="Releases, newest first")
@by_token(READ)
def list_releases(query: ListQuery) -> Response:
    """List the releases that the token's organisation may read."""
    wanted = grants.readable([_principal().organisation_id]).order_by(col(Release.id).desc())
    if query.project is not None:
        wanted = wanted.where(Release.project_id == query.project)
    if query.cursor is not None:
        wanted = wanted.where(col(Release.id) < _read_cursor(query.cursor))
    found = list(db_session().exec(wanted.limit(query.limit + 1)))
    shown = found[: query.limit]
    more = _cursor(shown[-1]) if len(found) > query.limit else None
    return _json(ReleaseList(data=[_info(one) for one in shown], next_cursor=more))


@api.get(
    "/releases/<int:release_id>", responses={200: ReleaseDetails, **REFUSALS}, summary="One release"
)
@by_token(READ)
def get_release(path: ReleasePath) -> Response:
    """Return a release with its files and its manifest."""
    found = _readable(path.release_id)
    files = [FileInfo(**one, url=_url(found, one["path"])) for one in serving.listed(found)]
    info = _info(found).model_dump()
    return _json(ReleaseDetails(**info, files=files, manifest=found.facts))


@api.get(
    "/releases/<int:release_id>/files/<path:path>",
    responses={
        200: {
            "content": {
                "application/octet-stream": {"schema": {"type": "string", "format": "binary"}}
            }
        },
        **REFUSALS,
    },
    summary="A file of a release",
    description="Takes Range and If-None-Match; the ETag is the file's SHA-256.",
)
@by_token(READ)
def get_file(path: FilePath) -> BaseResponse:
    """Download a file of a release, whole or in part."""
    return serving.send(releases_folder(), _readable(path.release_id), path.path, request.environ)


@api.get("/openapi.json", doc_ui=False)
@public
def openapi() -> Response:
    """Describe the API as OpenAPI 3.1."""
    return jsonify(current_app.api_doc)  # type: ignore[attr-defined]


def unreadable(error: ValidationError) -> Response:
    """Answer parameters that cannot be read, as problem+json."""
    errors = [
        {"field": ".".join(map(str, one["loc"])), "problem": one["msg"]}
        for one in error.errors(include_url=False, include_input=False, include_context=False)
    ]
    return json_problem(422, _("What was sent cannot be used."), errors=errors)


def _set_up(state: BlueprintSetupState) -> None:
    state.app.validation_error_callback = unreadable  # type: ignore[attr-defined]
    state.app.validation_error_model = Problem  # type: ignore[attr-defined]


api.record_once(_set_up)


def _principal() -> Principal:
    principal: Principal = g.principal
    return principal


def _readable(release_id: int) -> Release:
    """Return a release that the token's organisation may read; others are not there."""
    wanted = grants.readable([_principal().organisation_id]).where(Release.id == release_id)
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


def _url(release: Release, path: str) -> str:
    return f"/api/v1/releases/{release.id}/files/{path}"


def _json(model: BaseModel) -> Response:
    return Response(model.model_dump_json(), mimetype="application/json")


def _cursor(release: Release) -> str:
    return base64.urlsafe_b64encode(f"r{release.id}".encode()).decode()


def _read_cursor(cursor: str) -> int:
    try:
        text = base64.urlsafe_b64decode(cursor.encode()).decode()
        if not text.startswith("r"):
            raise BadCursor
        return max(0, min(int(text[1:20]), LARGEST_ID))
    except (binascii.Error, ValueError):
        raise BadCursor from None
