"""What stands in the top bar: five places for each role, each shown once its page exists.

A person with several roles sees the places of the one they are at; the others are in the menu.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from flask import Flask, current_app, request
from flask_babel import lazy_gettext as _l
from flask_babel import lazy_pgettext as _lp
from flask_login import current_user
from werkzeug.exceptions import HTTPException


@dataclass(frozen=True)
class Place:
    """A page that people go to."""

    words: Any
    path: str
    icon: str
    also: tuple[str, ...] = ()  # other addresses of the same part


@dataclass(frozen=True)
class Item:
    """A place as it stands in the bar of this page."""

    words: Any
    url: str
    icon: str
    current: str | None = None
    count: int = 0


PLACES: dict[str, tuple[Place, ...]] = {
    "expert": (
        Place(_lp("bar", "Today"), "/today", "sun"),
        Place(_l("Work"), "/work", "pencil-square"),
        Place(_l("Invitations"), "/invitations", "envelope-open"),
        Place(_l("Earnings"), "/earnings", "wallet2"),
        Place(_l("Profile"), "/profile", "person-vcard"),
    ),
    "owner": (
        Place(_l("Projects"), "/projects", "folder2-open", ("/item-banks",)),
        Place(_l("Review"), "/review", "check2-square"),
        Place(_l("Experts"), "/experts", "people"),
        Place(_l("Releases"), "/releases", "box-seam"),
        Place(_l("Budget"), "/budget", "piggy-bank"),
    ),
    "ml_team": (
        Place(_l("Releases"), "/releases", "box-seam"),
        Place(_l("Tokens"), "/tokens", "key"),
        Place(_l("Webhooks"), "/webhooks", "broadcast"),
    ),
    "operator": (
        Place(_l("Health"), "/operator", "activity"),
        Place(
            _l("Interviews"),
            "/operator/interviews",
            "chat-left-text",
            ("/item-banks", "/operator/accommodations", "/operator/fair-hiring"),
        ),
        Place(_l("Money"), "/operator/money", "bank"),
        Place(_l("People"), "/operator/people", "people"),
        Place(_l("Appeals"), "/appeals", "chat-square-quote"),
    ),
}
AREAS = {
    "expert": _l("My work"),
    "owner": _l("Our projects"),
    "ml_team": _l("Datasets"),
    "operator": _l("This instance"),
}
ACCOUNT = (Place(_l("Account and security"), "/account", "person-gear"),)
FOOT = (
    Place(_l("About Doyen"), "/about", ""),
    Place(_l("Accessibility"), "/accessibility", ""),
    Place(_l("Privacy"), "/privacy", ""),
    Place(_l("Who processes data"), "/privacy/processors", ""),
    Place(_l("Decisions in figures"), "/decisions/figures", ""),
    Place(_l("API"), "/api/docs", ""),
    Place(_l("Licence and source"), "/licence", ""),
)


def count(app: Flask, path: str, waiting: Callable[[Any], int]) -> None:
    """Say how many things wait for a person at a place; asked once for each page."""
    app.extensions.setdefault("doyen.counts", {})[path] = waiting


def bar() -> list[Item]:
    """Return the places of the person who asks, in the area where they are."""
    role = _area()
    here = [place for place in PLACES.get(role, ()) if exists(place.path)]
    now_at = max(here, key=_reach, default=None)
    at = now_at.path if now_at and _reach(now_at) else None
    return [_item(place, at) for place in here]


def areas() -> list[Item]:
    """Return the other areas of a person with several roles, each by its first page."""
    found = []
    for role in roles():
        first = next((place for place in PLACES[role] if exists(place.path)), None)
        if first and role != _area():
            found.append(Item(AREAS[role], first.path, first.icon))
    return found


def links(places: tuple[Place, ...]) -> list[Item]:
    """Return those of some places whose page exists."""
    return [Item(place.words, place.path, place.icon) for place in places if exists(place.path)]


def home() -> str | None:
    """Return where a person who has signed in begins; with several roles, the most answerable."""
    role = roles()[-1] if roles() else ""
    return next((place.path for place in PLACES.get(role, ()) if exists(place.path)), None)


def roles() -> list[str]:
    """Return the roles of the person who asks, in the order of the table."""
    if not current_user or not current_user.is_authenticated:
        return []
    return [role for role in PLACES if current_user.has_role(role)]


def exists(path: str) -> bool:
    """Return whether the app has a page at a path."""
    known: dict[str, bool] = current_app.extensions.setdefault("doyen.places", {})
    if path not in known:
        known[path] = takes_get(path)
    return known[path]


def takes_get(path: str) -> bool:
    """Return whether a path can be opened, not only sent to."""
    try:
        current_app.url_map.bind("").match(path, method="GET")
    except HTTPException:
        return False
    return True


def _area() -> str:
    mine = roles()
    within = [(_reach(place), role) for role in mine for place in PLACES[role] if _reach(place)]
    return max(within)[1] if within else (mine[0] if mine else "")


def _reach(place: Place) -> int:
    """Return how much of the address that is open a place accounts for; nothing elsewhere."""
    return max((len(path) for path in (place.path, *place.also) if _within(path)), default=0)


def _within(path: str) -> bool:
    return request.path == path or request.path.startswith(f"{path}/")


def _item(place: Place, now_at: str | None) -> Item:
    current = None
    if place.path == now_at:
        current = "page" if request.path == place.path else "true"
    waiting = current_app.extensions.get("doyen.counts", {}).get(place.path)
    return Item(
        place.words, place.path, place.icon, current, waiting(current_user) if waiting else 0
    )
