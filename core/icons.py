"""Icons: Bootstrap's, from the wheel of Bootstrap-Flask, cut at start to the names in use.

The whole sprite is over a megabyte; the cut is some thirty kilobytes, served once under a name
with its hash. An icon whose name is only known while a page is made is set into the page itself.
"""

import hashlib
import re
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from pathlib import Path

from markupsafe import Markup

from core.states import STATES, TONE_ICONS

SYMBOL = re.compile(
    r'<symbol [^>]*viewBox="(?P<box>[^"]+)"[^>]*id="(?P<id>[^"]+)"[^>]*>(?P<body>.*?)</symbol>',
    re.S,
)
# icon("x"), icon_svg("x"), icon="x", icon: "x": how templates and tables name an icon.
NAMED = re.compile(r"""\bicon(?:_svg)?\b["']?\s*[(=:]\s*["']([a-z0-9-]+)["']""")
USED = Markup('<svg class="{}" aria-hidden="true"><use href="{}#{}"/></svg>')
DRAWN = Markup('<svg class="{}" aria-hidden="true" viewBox="{}">{}</svg>')


class NoSuchIcon(LookupError):
    """Bootstrap has no icon of this name."""


@dataclass(frozen=True)
class Sprite:
    """The icons in use as one file, and its address."""

    svg: str
    digest: str
    names: frozenset[str]

    @property
    def url(self) -> str:
        """Where the file is served; another content has another address."""
        return f"/icons/{self.digest}.svg"

    def show(self, name: str, class_: str = "") -> Markup:
        """Return an icon for a page; words beside it say what it means."""
        classes = f"dy-icon {class_}".strip()
        if name in self.names:
            return USED.format(classes, self.url, name)
        box, body = _drawing(name)
        return DRAWN.format(classes, box, body)


def cut(templates: Path, more: frozenset[str] = frozenset()) -> Sprite:
    """Cut the sprite to the icons that states, tones, templates and `more` name."""
    names = more | _in_states() | frozenset(TONE_ICONS.values()) | _in_templates(templates)
    symbols = [
        f'<symbol id="{name}" viewBox="{_drawing(name)[0]}">{_drawing(name)[1]}</symbol>'
        for name in sorted(names)
    ]
    svg = f'<svg xmlns="http://www.w3.org/2000/svg">{"".join(symbols)}</svg>'
    return Sprite(svg, hashlib.sha256(svg.encode()).hexdigest()[:12], names)


def _in_states() -> frozenset[str]:
    return frozenset(shown.icon for kind in STATES.values() for shown in kind.values())


@cache
def _in_templates(folder: Path) -> frozenset[str]:
    return frozenset(
        name for page in folder.rglob("*.html") for name in NAMED.findall(page.read_text("utf-8"))
    )


def _drawing(name: str) -> tuple[str, Markup]:
    try:
        return _drawings()[name]
    except KeyError:
        raise NoSuchIcon(f"Bootstrap has no icon {name!r}") from None


@cache
def _drawings() -> dict[str, tuple[str, Markup]]:
    folder = files("flask_bootstrap").joinpath("static/bootstrap5/icons/bootstrap-icons.svg")
    return {
        found["id"]: (found["box"], Markup(found["body"]))  # noqa: S704 - from the wheel
        for found in SYMBOL.finditer(folder.read_text("utf-8"))
    }
