"""Light or dark, the language, and the icons: what belongs to every page and to no package."""

from urllib.parse import urlsplit

from flask import Blueprint, Response, current_app, redirect, request
from flask.typing import ResponseReturnValue
from flask_login import current_user

from core import languages
from core.access import public
from core.errors import NotFound
from core.icons import Sprite

bp = Blueprint("look", __name__)
YEAR = 31_536_000
THEMES = ("light", "dark")


@bp.get("/icons/<digest>.svg")
@public
def icons(digest: str) -> ResponseReturnValue:
    """Send the icons in use; an address of an older version gets today's, for a short time."""
    sprite: Sprite = current_app.extensions["doyen.icons"]
    response = Response(sprite.svg, mimetype="image/svg+xml")
    known = digest == sprite.digest
    response.cache_control.public = True
    response.cache_control.max_age = YEAR if known else 60
    response.cache_control.immutable = known
    return response


@bp.route("/language/<code>", methods=["GET", "POST"])
@public
def language(code: str) -> ResponseReturnValue:
    """Show pages in a language; sent as a form it becomes the person's language for letters too."""
    if code not in languages.offered():
        raise NotFound
    if request.method == "POST" and current_user.is_authenticated:
        current_user.locale = code
    response = redirect(_back())
    _remember(response, languages.COOKIE, code)
    return response


@bp.post("/theme")
@public
def theme() -> ResponseReturnValue:
    """Keep a choice of light or dark; anything else leaves it to the system."""
    wish = request.form.get("theme", "")
    response = redirect(_back())
    if wish in THEMES:
        _remember(response, "theme", wish)
    else:
        response.delete_cookie("theme")
    return response


def _remember(response: Response | ResponseReturnValue, name: str, value: str) -> None:
    secure = current_app.config.get("SESSION_COOKIE_SECURE", False)
    # Not http-only: theme.js asks whether a choice was made. Neither cookie says who somebody is.
    response.set_cookie(name, value, max_age=YEAR, samesite="Lax", secure=secure)  # type: ignore[union-attr]


def _back() -> str:
    """Return the page to go back to: a path of ours, never another site."""
    wish = request.args.get("next", "/")
    parts = urlsplit(wish)
    ours = not parts.scheme and not parts.netloc and wish.startswith("/") and wish[1:2] not in "/\\"
    return wish if ours or wish == "/" else "/"
