"""Signed links to files, and the keys by which releases are signed."""

from datetime import datetime

from flask import Blueprint, Response, current_app, jsonify, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_login import current_user

from accounts import organisations
from core.access import public, require, requires
from core.clock import now
from core.db import db_session, find
from core.errors import NotFound
from core.settings import current_settings
from releases import (
    cards,
    croissant,
    formats_made,
    grants,
    handing_out,
    links,
    serving,
    shown,
    signing,
)
from releases.delivery_models import Way
from releases.downloads import Reader
from releases.jobs import releases_folder
from releases.models import Release

bp = Blueprint("release_links", __name__)


@bp.get("/.well-known/doyen-release-keys.json")
@public
def keys() -> ResponseReturnValue:
    """Tell the public keys by which releases of this instance are signed."""
    response = jsonify(keys=signing.told(signing.public_keys(db_session())))
    response.headers["Cache-Control"] = "public, max-age=300"
    return response


@bp.get("/.well-known/doyen-release-keys/<name>.pem")
@public
def key(name: str) -> ResponseReturnValue:
    """Tell one key, as OpenSSL reads it."""
    known = {one.id: one.pem for one in signing.public_keys(db_session())}
    if name not in known:
        raise NotFound
    return Response(known[name], mimetype="application/x-pem-file")


@bp.post("/releases/<int:release_id>/links")
@requires("release.read")
def make(release_id: int) -> ResponseReturnValue:
    """Show links to the files of a release that need no token and end by themselves."""
    found = _readable(release_id)
    hours = current_settings().release_link_hours
    until = links.until(request.form.get("hours", hours, int), at=now(), most=hours)
    address = base(found, _reader(found), until)
    return render_template(
        "releases/links.html",
        release=found,
        full_name=f"{found.facts['organisation']['slug']}/{found.facts['name']}",
        until=until,
        base=address,
        files=serving.entries(releases_folder(), found),
        made=formats_made.of(db_session(), release_id),
        duckdb_code=shown.duckdb_code(found, address),
        polars_code=shown.polars_code(found, address),
        shell_code=shown.link_code(address),
        size=shown.size,
    )


@bp.get("/releases/<int:release_id>/CITATION.cff")
@requires("release.read")
def citation(release_id: int) -> ResponseReturnValue:
    """Say how to cite a release."""
    found = _readable(release_id)
    address = f"{current_settings().public_url}/releases/{release_id}"
    return Response(cards.citation(found.facts, address), mimetype="application/yaml")


@bp.get("/releases/<int:release_id>/croissant.json")
@requires("release.read")
def croissant_file(release_id: int) -> ResponseReturnValue:
    """Describe a release in Croissant; addresses of files are paths beside it."""
    return Response(croissant.text(_readable(release_id).facts), content_type=croissant.MEDIA_TYPE)


@bp.get("/release-files/<key>/<path:path>")
@public
def file(key: str, path: str) -> ResponseReturnValue:
    """Send a file by a signed link."""
    opens = links.open_(db_session(), secret(), key, at=now())
    sent_file = handing_out.send(
        db_session(),
        releases_folder(),
        opens.release,
        path,
        request.environ,
        reader=opens.reader,
        at=now(),
    )
    # Whoever has the address can read it: it is told to nobody.
    sent_file.headers["Referrer-Policy"] = "no-referrer"
    return sent_file


def secret() -> str:
    """Return by what links are signed."""
    return str(current_app.secret_key)


def base(release: Release, reader: Reader, until: datetime) -> str:
    """Return the address below which signed links open the files of a release."""
    key = links.make(secret(), release, reader, until=until)
    address: str = url_for("release_links.file", key=key, path="x", _external=True)
    return address.removesuffix("/x")


def _readable(release_id: int) -> Release:
    """Return a ready release that the person may read."""
    found = find(Release, release_id)
    require("release.read", grants.readership(db_session(), found))
    if not found.is_ready:
        raise NotFound
    return found


def _reader(release: Release) -> Reader:
    mine = organisations.ids_of(db_session(), current_user.id)
    organisation_id = grants.reading_for(db_session(), release, mine)
    return Reader(organisation_id, Way.PAGE, current_user.id)
