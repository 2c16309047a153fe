"""What every template may use: the frame's words, filters, icons, addresses of files."""

import hashlib
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from flask import Flask, current_app, request, url_for
from flask_babel import Babel, get_locale, get_timezone
from flask_bootstrap import Bootstrap5
from flask_login import current_user
from sqlalchemy.exc import SQLAlchemyError

from core import (
    form_parts,
    formats,
    icons,
    languages,
    look_routes,
    navigation,
    notices,
    pages,
    states,
)

FILTERS = {
    "money": formats.money,
    "rate": formats.rate,
    "number": formats.number,
    "percent": formats.percent,
    "clock": formats.clock,
    "moment": formats.moment,
    "day": formats.day,
    "date": formats.day,
    "date_long": formats.day_long,
    "date_time": formats.date_time,
    "date_time_long": formats.date_time_long,
    "duration": formats.duration,
}


def init_app(app: Flask) -> None:
    """Give an app its look."""
    app.config.setdefault("BOOTSTRAP_SERVE_LOCAL", True)
    app.config.setdefault("LANGUAGES", ("en", "fr"))
    if "bootstrap" not in app.extensions:
        Bootstrap5(app)
    if "babel" not in app.extensions:
        Babel(app, locale_selector=languages.choose, timezone_selector=languages.zone)
    sprite = icons.cut(Path(app.root_path, app.template_folder or "templates"), _named_icons())
    app.extensions["doyen.icons"] = sprite
    app.jinja_env.filters.update(FILTERS)
    app.jinja_env.globals.update(_globals(sprite))
    app.context_processor(_around)
    app.after_request(_keep_hashed_files)
    app.register_blueprint(look_routes.bp)
    app.register_blueprint(pages.bp)


def asset(filename: str, endpoint: str = "static") -> str:
    """Return the address of a file with its hash, so that a browser keeps it until it changes."""
    return url_for(endpoint, filename=filename, v=_digest(endpoint, filename))


def required(part: object, block: str) -> str:
    """Refuse to show a block that lacks a part; return nothing to show."""
    if not part:
        raise ValueError(f"{block} lacks a part: a reason with a part missing is never shown")
    return ""


def page_url(number: int) -> str:
    """Return the address of another page of the same list, with the same filters."""
    kept = {**request.args.to_dict(flat=False), **(request.view_args or {}), "page": number}
    return url_for(request.endpoint or "", **kept)


def _globals(sprite: icons.Sprite) -> dict[str, Any]:
    return {
        "asset": asset,
        "control_attributes": form_parts.control_attributes,
        "csrf_field": form_parts.csrf_field,
        "currency_sign": formats.currency_sign,
        "described_by": form_parts.described_by,
        "due_of": formats.due,
        "error_words": form_parts.error_words,
        "field_errors": form_parts.field_errors,
        "hidden_fields": form_parts.hidden_fields,
        "icon_svg": sprite.show,
        "language_code": _language,
        "notices": notices.for_reader,
        "page_url": page_url,
        "required": required,
        "state_of": states.state_of,
        "tone_icon": states.tone_icon,
    }


def _around() -> dict[str, Any]:
    """Return what the frame of a page needs."""
    if not request:
        return {"language": _language()}
    here = _here()
    return {
        "language": _language(),
        "other_languages": _other_languages(here),
        "theme": _theme(),
        "theme_url": url_for("look.theme", next=here),
        "page_zone": str(get_timezone()),
        "foot": navigation.links(navigation.FOOT),
        "page": page,
        "sign_in_url": page("security.login"),
        "sign_out_url": page("security.logout"),
        **_of_person(),
    }


def _here() -> str:
    """Return the address that shows this page again; a form's own may only take what is sent."""
    if request.method == "GET":
        return request.full_path.rstrip("?")
    if navigation.takes_get(request.path):
        return request.path
    return urlsplit(request.referrer or "").path or "/"


def _of_person() -> dict[str, Any]:
    """Return what the frame shows to somebody who has signed in.

    The page that says that the database is away is framed as well: it greets a stranger.
    """
    try:
        if not (current_user and current_user.is_authenticated):
            return {"signed_in": False}
        return {
            "signed_in": True,
            "person": str(getattr(current_user, "name", None) or current_user.email),
            "nav": navigation.bar(),
            "areas": navigation.areas(),
            "account_links": navigation.links(navigation.ACCOUNT),
        }
    except SQLAlchemyError:
        return {"signed_in": False}


def page(endpoint: str, **values: Any) -> str | None:
    """Return the address of a page, or nothing where this instance does not have it."""
    return url_for(endpoint, **values) if endpoint in current_app.view_functions else None


def _language() -> str:
    return str(get_locale() or "en")


def _theme() -> str | None:
    """Return the person's choice, or what their system was seen to prefer."""
    wishes = (request.cookies.get(cookie) for cookie in ("theme", "scheme"))
    return next((wish for wish in wishes if wish in look_routes.THEMES), None)


def _other_languages(here: str) -> list[dict[str, str]]:
    return [
        {
            "code": code,
            "name": languages.NAMES.get(code, code),
            "url": url_for("look.language", code=code, next=here),
        }
        for code in languages.offered()
        if code != _language()
    ]


def _digest(endpoint: str, filename: str) -> str:
    blueprint, _, _name = endpoint.rpartition(".")
    holder = current_app.blueprints[blueprint] if blueprint else current_app
    file = Path(holder.static_folder or "", filename)
    stamp = file.stat().st_mtime_ns
    known: dict[tuple[str, int], str] = current_app.extensions.setdefault("doyen.digests", {})
    if (str(file), stamp) not in known:
        known[str(file), stamp] = hashlib.sha256(file.read_bytes()).hexdigest()[:10]
    return known[str(file), stamp]


def _keep_hashed_files(response: Any) -> Any:
    """Let browsers keep a file whose address carries its hash."""
    if (request.endpoint or "").endswith("static") and "v" in request.args:
        response.headers["Cache-Control"] = "public, max-age=31536000, immutable"
    return response


def _named_icons() -> frozenset[str]:
    places = [*navigation.ACCOUNT, *(p for mine in navigation.PLACES.values() for p in mine)]
    return frozenset(place.icon for place in places)
