"""The editor's frame and its files: the same for everybody, and worth nothing to a stranger.

No view here reads a cookie or a row. The frame's document has an origin that nothing shares; its
files say that any origin may load them.
"""

import logging
import mimetypes
import re
from hashlib import sha256
from pathlib import Path

from flask import (
    Blueprint,
    Response,
    current_app,
    make_response,
    render_template,
    request,
    send_file,
    send_from_directory,
    url_for,
)
from flask.typing import ResponseReturnValue
from werkzeug.exceptions import NotFound
from werkzeug.security import safe_join

from annotation import editor, editor_assets
from annotation.editor_assets import EditorAssets, EditorUnreachable
from annotation.editor_bundle import SCRIPTS, STYLE, EditorBroken
from core import look
from core.access import public
from core.clock import now
from core.settings import current_settings

bp_editor = Blueprint("editor", __name__)
log = logging.getLogger(__name__)

_FOR_EVER = 365 * 24 * 3600


@bp_editor.get("/editor/frame")
@public
def frame() -> ResponseReturnValue:
    """Show the document that the work page frames."""
    assets = _assets()
    page = render_template(
        "annotation/editor_frame.html",
        assets=assets,
        origin=request.host_url.rstrip("/"),
        style=_file(assets, STYLE),
        scripts=[_file(assets, name) for name in SCRIPTS],
        ours=_script("frame.css"),
        before=_script("before.js"),
        withhold=_script("withhold.js"),
        mount=_script("mount.js"),
    )
    response = make_response(page, 200 if assets else 503)
    response.headers["Content-Security-Policy"] = editor.frame_policy(request.host_url.rstrip("/"))
    response.headers["Referrer-Policy"] = "no-referrer"
    return response


@bp_editor.get("/editor/assets/<version>/<path:name>")
@public
def asset(version: str, name: str) -> ResponseReturnValue:
    """Serve a file of one version of the editor; it never changes."""
    folder = editor_assets.folder(_cache(), version).absolute()
    if not re.fullmatch(r"[\w.\-]+", version) or version.startswith("."):
        raise NotFound
    response = _packed(folder, name) or send_from_directory(folder, name, max_age=_FOR_EVER)
    response.vary.add("Accept-Encoding")
    return _open_to_all(response)


@bp_editor.get("/editor/scripts/<digest>/<name>")
@public
def script(digest: str, name: str) -> ResponseReturnValue:
    """Serve one of our own files that mount and dress the editor in its frame."""
    response = send_from_directory(_scripts(), name, max_age=_FOR_EVER)
    return _open_to_all(response, immutable=digest == _digest(name))


def version() -> str:
    """Return which version of the editor a frame would show now."""
    kept = editor_assets.state(_cache()).assets
    return kept.version if kept else ""


def scripts() -> list[str]:
    """Return what changes whenever one of our files in or around the frame does."""
    framed = [f"editor/{name}" for name in ("before.js", "withhold.js", "mount.js", "frame.css")]
    around = [f"js/{name}.js" for name in ("bench", "documents", "questions", "guidelines")]
    return list(map(look.asset, [*framed, *around]))


def _packed(folder: Path, name: str) -> Response | None:
    """Return a file as it lies packed, to a browser that takes it so."""
    asked = safe_join(str(folder), name)
    if asked is None or not request.accept_encodings.quality("gzip"):
        return None
    packed = editor_assets.packed(Path(asked))
    if not packed.is_file():
        return None
    kind = mimetypes.guess_type(name)[0]
    response = send_file(packed, mimetype=kind or "application/octet-stream", max_age=_FOR_EVER)
    response.headers["Content-Encoding"] = "gzip"
    return response


def _open_to_all(response: Response, *, immutable: bool = True) -> Response:
    # The frame belongs to no origin, so it counts as a stranger to our own files.
    response.headers["Access-Control-Allow-Origin"] = "*"
    response.headers["Cross-Origin-Resource-Policy"] = "cross-origin"
    response.headers["Cache-Control"] = (
        f"public, max-age={_FOR_EVER}, immutable" if immutable else "no-cache"
    )
    return response


def _assets() -> EditorAssets | None:
    fetch = editor_assets.fetcher(current_settings().label_studio_url)
    try:
        return editor_assets.ready(_cache(), fetch, now())
    except (EditorBroken, EditorUnreachable) as trouble:
        log.error("The editor cannot be shown: %s", trouble)
        return None


def _cache() -> Path:
    return current_settings().data_dir / "editor"


def _file(assets: EditorAssets | None, name: str) -> str:
    return url_for(".asset", version=assets.version, name=name) if assets else ""


def _scripts() -> Path:
    return Path(current_app.root_path) / "static" / "editor"


def _script(name: str) -> str:
    return url_for(".script", digest=_digest(name), name=name)


def _digest(name: str) -> str:
    path = _scripts() / Path(name).name
    return sha256(path.read_bytes()).hexdigest()[:12] if path.is_file() else ""
