"""Media files: the links that lead to them, and the page where owners keep them."""

import io
from http import HTTPStatus
from typing import Any

from flask import (
    Blueprint,
    Response,
    flash,
    jsonify,
    redirect,
    render_template,
    request,
    send_file,
    url_for,
)
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from flask_babel import ngettext
from flask_login import current_user
from flask_wtf import FlaskForm
from flask_wtf.file import FileRequired, MultipleFileField
from werkzeug.datastructures import FileStorage
from werkzeug.exceptions import BadRequest
from wtforms import BooleanField

from annotation import media, media_end, media_kinds, media_links
from annotation.media_links import Holder
from annotation.media_models import MediaUpload, TaskMedia
from annotation.storable import is_storable
from core.access import public, require, requires, takes_json
from core.clock import now
from core.db import db_session, find, transaction
from core.errors import DomainError, NotFound
from core.settings import current_settings
from core.web import Problems, page_of, read
from projects.models import Project, id_of

bp = Blueprint("media", __name__)
PIECE_MOST = 8_000_000
TOLD = 10  # messages that the next page holds


class FilesForm(FlaskForm):  # type: ignore[misc]
    """Files for a project, without JavaScript; with it they come in pieces."""

    files = MultipleFileField(_l("Files"), validators=[FileRequired(_l("Choose a file."))])
    replaces = BooleanField(_l("Replace files of the same name"))


@bp.get("/media/<token>/<path:name>")
@public
def serve(token: str, name: str) -> ResponseReturnValue:
    """Serve a file to whoever has a link that works; the name is only for people."""
    settings = current_settings()
    file = media_links.open_(db_session(), token, settings, at=now())
    response = send_file(
        media.path_of(file, settings),
        mimetype=file.kind,
        as_attachment=True,
        download_name=file.name.rpartition("/")[2],
        etag=file.sha256,
        conditional=True,
        max_age=60,
    )
    if response.status_code == HTTPStatus.NOT_MODIFIED or request.method == "HEAD":
        response.close()  # nothing is sent, so nobody else would close the file
    return _guarded(response)


def link_for(holder: Holder, holder_id: int) -> media_links.Link:
    """Return how files are linked for a holder, from now on."""
    settings, at = current_settings(), now()

    def link(file: TaskMedia) -> str:
        made = media_links.token(settings, file, holder, holder_id, at=at)
        origin = request.host_url.rstrip("/")  # the frame's policy names the same
        return origin + url_for("media.serve", token=made, name=file.name, _external=False)

    return link


@bp.get("/projects/<int:project_id>/media")
@requires("project.see")
def files(project_id: int) -> ResponseReturnValue:
    """List the files of a project, with the form for more."""
    project = find(Project, project_id)
    require("project.see", project)
    return _page(project, FilesForm(formdata=None))


@bp.post("/projects/<int:project_id>/media")
@requires("project.manage")
def add(project_id: int) -> ResponseReturnValue:
    """Take files in as a form sends them; what is wrong with one leaves the others in."""
    project = _managed(project_id)
    form = read(FilesForm)
    if isinstance(form, Problems):
        return _page(project, form.form), 422
    added, refused = 0, []
    for sent in form.files.data:
        words = _take_in(project, sent, replaces=form.replaces.data)
        added += words is None
        refused += [words] if words else []
    if not added:
        return _page(project, form, refused=refused), 422
    flash(ngettext("%(num)s file is here.", "%(num)s files are here.", added), "success")
    for words in refused[:TOLD]:  # what is in stays, so this is no page of errors
        flash(words, "error")
    if more := len(refused[TOLD:]):
        flash(
            ngettext(
                "%(num)s more file was not taken.", "%(num)s more files were not taken.", more
            ),
            "error",
        )
    return redirect(url_for(".files", project_id=project_id))


@bp.post("/projects/<int:project_id>/media/uploads")
@requires("project.manage")
@takes_json
def begin(project_id: int) -> ResponseReturnValue:
    """Begin to take a file in, or say how much of it is here already."""
    project = _managed(project_id)
    upload = media.begin(
        db_session(), project, _wanted(), by=current_user.id, settings=current_settings(), at=now()
    )
    return jsonify(
        received=upload.received,
        pieces=url_for(".piece", key=upload.key),
        finish=url_for(".finish", key=upload.key),
    )


@bp.post("/media-uploads/<key>")
@requires("project.manage")
def piece(key: str) -> ResponseReturnValue:
    """Take a piece of a file in; the same piece twice is one."""
    _check_mine(media.begun(db_session(), key))
    if (request.content_length or 0) > PIECE_MOST or request.mimetype != "application/octet-stream":
        raise BadRequest
    sent = request.get_data()  # before anything is locked: networks are slow
    start = request.args.get("start", type=int)
    if start is None or start < 0:
        raise BadRequest
    upload, _project = _upload(key)
    store = media.root(current_settings())
    stream = io.BytesIO(sent)
    received = media.receive(db_session(), upload, stream, start=start, store=store, at=now())
    return jsonify(received=received)


@bp.post("/media-uploads/<key>/finish")
@requires("project.manage")
@takes_json
def finish(key: str) -> ResponseReturnValue:
    """Make a file of what came in; where it can never be one, forget it.

    Asked again, for an answer that the network has lost, it answers the same.
    """
    # Asked for under its lock: whoever comes while it is being made waits until it is.
    coming = media.coming(db_session(), key)
    there = media.finished(db_session(), key) if coming is None else None
    if there is not None:
        _managed(there.project_id)
        return jsonify(name=there.name, kind=there.kind)
    upload, project = _upload(key)
    replaces = _sent().get("replaces") is True
    settings = current_settings()
    try:
        file = media.finish(
            db_session(), project, upload, replaces=replaces, settings=settings, at=now()
        )
    except (media.WrongKind, media.TooLarge, media.WorkedWith):
        _forget(key)
        raise
    return jsonify(name=file.name, kind=file.kind)


@bp.get("/media-files/<int:media_id>")
@requires("project.see")
def open_file(media_id: int) -> ResponseReturnValue:
    """Lead to a file by a link that runs out."""
    file, _project = _file(media_id, "project.see")
    return redirect(link_for(Holder.MEMBER, current_user.id)(file))


@bp.post("/media-files/<int:media_id>/delete")
@requires("project.manage")
def delete(media_id: int) -> ResponseReturnValue:
    """Delete a file that no task shows."""
    file, project = _file(media_id, "project.manage")
    try:
        media.remove(db_session(), media_id, by=current_user.id)
    except media.InUse as used:
        flash(used.words, "error")
    else:
        flash(_("“%(name)s” is deleted.", name=file.name), "success")
    return redirect(url_for(".files", project_id=project.id))


def _guarded(response: Response) -> Response:
    """Say what may be done with a file: shown inside another page, and nothing else."""
    headers = response.headers
    headers["Content-Security-Policy"] = "default-src 'none'; sandbox"
    headers["X-Content-Type-Options"] = "nosniff"
    headers["Referrer-Policy"] = "no-referrer"
    headers["Cache-Control"] = "private, max-age=60"
    # The editor's frame has no origin, so it is a stranger; the link alone says who may.
    headers["Access-Control-Allow-Origin"] = "*"
    headers["Access-Control-Expose-Headers"] = "Accept-Ranges, Content-Length, Content-Range, ETag"
    headers["Cross-Origin-Resource-Policy"] = "cross-origin"
    return response


def _page(project: Project, form: FilesForm, refused: list[str] | None = None) -> str:
    session, settings = db_session(), current_settings()
    words = request.args.get("q", "")[:200]
    listing = page_of(media.listed(id_of(project), words), per=50)
    return render_template(
        "annotation/media_files.html",
        project=project,
        form=form,
        listing=listing,
        uses=media.uses(session, listing.rows),
        words=words,
        room=media.room(session, project.organisation_id, settings),
        most=settings.media_most_mb,
        link_minutes=settings.media_link_minutes,
        family=media_kinds.family,
        refused=refused or [],
        ends=media_end.planned(session, project, settings),
        ended=media_end.removed_at(session, project),
    )


def _managed(project_id: int) -> Project:
    project = find(Project, project_id)
    require("project.manage", project)
    return project


def _upload(key: str) -> tuple[MediaUpload, Project]:
    """Return what somebody sends, locked; it is nobody else's."""
    found = _check_mine(media.coming(db_session(), key))
    return found, _managed(found.project_id)


def _check_mine(found: MediaUpload | None) -> MediaUpload:
    if found is None or found.by_user_id != current_user.id:
        raise NotFound
    return found


def _file(media_id: int, permission: str) -> tuple[TaskMedia, Project]:
    file = find(TaskMedia, media_id)
    project = find(Project, file.project_id)
    require(permission, project)
    return file, project


def _wanted() -> media.Wanted:
    sent = _sent()
    name, size, stamp = sent.get("name"), sent.get("size"), sent.get("stamp", "")
    if not isinstance(name, str) or not isinstance(size, int) or isinstance(size, bool):
        raise BadRequest
    if not isinstance(stamp, str) or not is_storable([name, stamp]) or not 0 <= size < 2**50:
        raise BadRequest
    return media.Wanted(name, size, stamp)


def _sent() -> dict[str, Any]:
    sent = request.get_json()
    return sent if isinstance(sent, dict) else {}


def _take_in(project: Project, sent: FileStorage, *, replaces: bool) -> str | None:
    """Take a file of a form in; return what is wrong with it, if anything."""
    session, settings, at = db_session(), current_settings(), now()
    wanted = media.Wanted(sent.filename or "", sent.stream.seek(0, 2))
    sent.stream.seek(0)
    store = media.root(settings)
    try:
        with session.begin_nested():
            upload = media.begin(
                session, project, wanted, by=current_user.id, settings=settings, at=at
            )
            upload.received = 0  # a form sends a file as a whole
            media.receive(session, upload, sent.stream, start=0, store=store, at=at)
            media.finish(session, project, upload, replaces=replaces, settings=settings, at=at)
    except DomainError as trouble:
        return trouble.words
    return None


def _forget(key: str) -> None:
    db_session().rollback()  # what follows must not wait for this request's own lock
    with transaction() as session:
        upload = media.coming(session, key)
        if upload is not None:
            media.give_up(session, upload, media.root(current_settings()))
