"""The part of the Hugging Face Hub's protocol that its clients need to read, with our tokens.

`HF_ENDPOINT` is the address of this instance. Refusals carry the status, header and words that the
clients read, and these words are never translated.
"""

from collections.abc import Callable
from http import HTTPStatus
from typing import Any
from urllib.parse import urlencode

from flask import Blueprint, Response, g, jsonify, request
from flask.typing import ResponseReturnValue

from accounts import tokens
from accounts.models import Organisation, User
from accounts.tokens import Principal, ScopeMissing, TokenNeeded, TokenRefused
from core.access import by_token, takes_json
from core.clock import now
from core.db import db_session
from core.errors import DomainError, NotFound, TooOften
from releases import croissant, downloads, handing_out, hub, serving
from releases.delivery_models import Way
from releases.downloads import Reader
from releases.hub import Repository
from releases.jobs import releases_folder
from releases.models import Release

bp = Blueprint("hub", __name__)
READ = "releases:read"
LONGEST = 500
REFUSED = "Invalid credentials in Authorization header"
View = Callable[..., ResponseReturnValue]


@bp.get("/api/whoami-v2")
@by_token("")
def whoami() -> ResponseReturnValue:
    """Say whom the token speaks for, as `hf auth whoami` reads it."""
    principal: Principal = g.principal
    session = db_session()
    ids = sorted(tokens.organisation_ids(session, principal))
    orgs = [one for number in ids if (one := session.get(Organisation, number)) is not None]
    user = session.get(User, principal.user_id) if principal.user_id is not None else None
    name = str(user.name or user.email) if user else orgs[0].slug
    return jsonify(
        type="user" if user else "org",
        id=principal.holder,
        name=name,
        fullname=name,
        isPro=False,
        orgs=[{"type": "org", "name": one.slug, "fullname": one.name} for one in orgs],
        auth={"type": "access_token", "accessToken": {"role": "read", "displayName": "Doyen"}},
    )


@bp.get("/api/datasets")
@by_token(READ)
def datasets() -> ResponseReturnValue:
    """List what the token may read, for `hf datasets ls`."""
    words, author = request.args.get("search", "")[:200], request.args.get("author")
    found = hub.listed(db_session(), _organisation_ids(), words, owner=author)
    loads = _downloads(*found)
    return jsonify([hub.info(one, one.newest, (), loads[one.id]) for one in found])


@bp.get("/api/datasets/<owner>/<name>")
@bp.get("/api/datasets/<owner>/<name>/revision/<path:revision>")
@by_token(READ)
def info(owner: str, name: str, revision: str = hub.MAIN) -> ResponseReturnValue:
    """Say what a repository is at a revision."""
    repository = _repository(owner, name)
    release = repository.at(revision)
    return jsonify(
        hub.info(repository, release, _entries(release), _downloads(repository)[repository.id])
    )


@bp.get("/api/datasets/<owner>/<name>/tree/<revision>")
@bp.get("/api/datasets/<owner>/<name>/tree/<revision>/<path:folder>")
@by_token(READ)
def tree(owner: str, name: str, revision: str, folder: str = "") -> ResponseReturnValue:
    """List the files of a revision, a page at a time."""
    release = _repository(owner, name).at(revision)
    recursive = request.args.get("recursive", "").lower() in ("1", "true")
    found = hub.tree(_entries(release), folder, recursive=recursive)
    skip = max(0, request.args.get("cursor", 0, type=int))
    response = jsonify(found[skip : skip + hub.PER_PAGE])
    if skip + hub.PER_PAGE < len(found):
        more = urlencode({**request.args.to_dict(), "cursor": skip + hub.PER_PAGE})
        response.headers["Link"] = f'<{request.base_url}?{more}>; rel="next"'
    return response


@bp.post("/api/datasets/<owner>/<name>/paths-info/<revision>")
@by_token(READ)
@takes_json
def paths_info(owner: str, name: str, revision: str) -> ResponseReturnValue:
    """Say what is at some paths of a revision."""
    release = _repository(owner, name).at(revision)
    return jsonify(list(hub.at_paths(_entries(release), _paths())))


@bp.get("/api/datasets/<owner>/<name>/refs")
@by_token(READ)
def refs(owner: str, name: str) -> ResponseReturnValue:
    """List the branch and the tags."""
    return jsonify(hub.refs(_repository(owner, name)))


@bp.get("/api/datasets/<owner>/<name>/commits/<revision>")
@by_token(READ)
def commits(owner: str, name: str, revision: str) -> ResponseReturnValue:
    """List a release and those before it."""
    repository = _repository(owner, name)
    return jsonify(hub.commits(repository, repository.at(revision)))


@bp.get("/api/datasets/<owner>/<name>/auth-check")
@by_token(READ)
def auth_check(owner: str, name: str) -> ResponseReturnValue:
    """Say whether the token may read a repository."""
    _repository(owner, name)
    return jsonify(ok=True)


@bp.get("/api/datasets/<owner>/<name>/croissant")
@by_token(READ)
def croissant_file(owner: str, name: str) -> ResponseReturnValue:
    """Describe a release in Croissant: the newest, or the one of `?revision=`."""
    repository = _repository(owner, name)
    release = repository.at(request.args.get("revision", hub.MAIN))
    return Response(
        croissant.text(release.facts, _files_address(repository, release)),
        content_type=croissant.MEDIA_TYPE,
    )


@bp.get("/datasets/<owner>/<name>/resolve/<revision>/<path:path>")
@by_token(READ)
def resolve(owner: str, name: str, revision: str, path: str) -> ResponseReturnValue:
    """Send a file of a revision; `HEAD` says what it is."""
    release = _repository(owner, name).at(revision)
    g.hub_commit = str(release.commit)
    entry = serving.entry(releases_folder(), release, path)
    response = handing_out.send(
        db_session(),
        releases_folder(),
        release,
        path,
        request.environ,
        reader=_reader(release),
        at=now(),
    )
    # Clients ask for the bytes as they are, and count what they get.
    response.headers["X-Linked-Size"] = str(entry.size)
    response.headers["X-Linked-Etag"] = f'"{entry.etag}"'
    return response


@bp.errorhandler(DomainError)
def refused(error: DomainError) -> ResponseReturnValue:
    """Refuse as the clients read it."""
    db_session().rollback()
    code, words = _code(error)
    response = jsonify(error=words)
    response.status_code = error.status
    response.headers["X-Error-Message"] = _in_a_head(words)
    if code:
        response.headers["X-Error-Code"] = code
    if code == hub.NoSuchEntry.code and "hub_commit" in g:
        # That it is not there is cached by the client, for this commit.
        response.headers["X-Repo-Commit"] = g.hub_commit
    if error.status == HTTPStatus.UNAUTHORIZED:
        response.headers["WWW-Authenticate"] = 'Bearer realm="Doyen"'
    if isinstance(error, TooOften):
        response.headers["Retry-After"] = str(error.seconds)
    return response


def _code(error: DomainError) -> tuple[str, str]:
    if isinstance(error, TokenNeeded):
        # Whether it is there is nobody's business without a token.
        return hub.NoSuchRepository.code, "Repository not found"
    if isinstance(error, TokenRefused):
        return "", REFUSED  # to the letter: with a full stop, clients say that nothing is there
    code = getattr(error, "code", "")
    if code:
        return code, str(error)
    if isinstance(error, ScopeMissing):
        return "", str(error)
    if isinstance(error, NotFound):
        return hub.NoSuchEntry.code, "Entry not found"
    return "", str(error)


def _in_a_head(words: str) -> str:
    """Return words as a head can hold them, whatever a stranger's address has put into them."""
    is_plain = words.isprintable() and words.isascii()
    return (words if is_plain else ascii(words)[1:-1])[:LONGEST]


def _paths() -> list[str]:
    """Return the paths that are asked for: as a form, as clients do, or as JSON."""
    try:
        said = request.get_json(silent=True) if request.is_json else None
    except RecursionError:  # lists in lists in lists
        said = None
    listed = said.get("paths") if isinstance(said, dict) else request.form.getlist("paths")
    # Each once: nobody is told of a file a thousand times for asking so.
    return list(dict.fromkeys(map(str, listed))) if isinstance(listed, list) else []


def _repository(owner: str, name: str) -> Repository:
    return hub.repository(db_session(), owner, name, _organisation_ids())


def _organisation_ids() -> set[int]:
    principal: Principal = g.principal
    return tokens.organisation_ids(db_session(), principal)


def _entries(release: Release) -> list[serving.Entry]:
    return serving.entries(releases_folder(), release)


def _downloads(*repositories: Repository) -> dict[str, int]:
    """Return the whole loads of some repositories, as pages count them."""
    used = downloads.usage(db_session(), [one.newest.project_id for one in repositories])
    return {one.id: used.get(one.newest.project_id, downloads.UNUSED).loads for one in repositories}


def _reader(release: Release) -> Reader:
    principal: Principal = g.principal
    return downloads.reader(
        db_session(), release, principal, organisation_ids=_organisation_ids(), way=Way.HUB
    )


def _files_address(repository: Repository, release: Release) -> str:
    root = request.url_root.rstrip("/")
    return f"{root}/datasets/{repository.id}/resolve/{release.commit}"


READS_FORMS: tuple[Any, ...] = (paths_info,)
