"""A real Chromium that looks at every page it opens: accessibility, widths, console, requests.

`window.open("/work")`, `window.fill("Title", "…")`, `window.press("Save")`: each page that appears
is checked at a desk and on a phone, in light and dark. `window.page` is Playwright's own page.
"""

import os
import re
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from axe_playwright_python.base import AXE_SCRIPT
from flask import Flask
from playwright.sync_api import Browser, ConsoleMessage, Page, Request, sync_playwright
from werkzeug.serving import WSGIRequestHandler, make_server

DEBIAN = Path("/usr/bin/chromium")
QUIET = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
DESK, PHONE = {"width": 1280, "height": 900}, {"width": 390, "height": 844}
WIDTHS = (320, 360, 768, 1000, 1440)
LETTERS = "http://localhost"  # what tests/conftest.py gives as the public address
SHOTS = Path(__file__).parents[2] / "var" / "shots"
# The rules of WCAG 2.2 that axe leaves off, and our frames, which are checked on their own.
AXE = {
    "resultTypes": ["violations"],
    "iframes": False,
    "rules": {"target-size": {"enabled": True}},
}
# What a theme can change; all else is looked at in one of them.
OF_THEMES = {**AXE, "runOnly": {"type": "rule", "values": ["color-contrast", "link-in-text-block"]}}
RUN_AXE = "options => axe.run(document, options).then(found => found.violations)"
# The same markup is looked at once in a run; tokens, numbers and hashes make no other page of it.
VARYING = re.compile(r'value="[^"]*"|[0-9a-f]{8,}|\d+')
CHECKED: set[str] = set()
# A page that answers 4xx is a page: Chromium writes that into its console, and it is no fault.
ANSWERED = re.compile(r"the server responded with a status of 4\d\d")


class BadPage(AssertionError):
    """A page that not everybody can use, or that reaches where it should not."""


@dataclass
class Window:
    """One person's browser window on an instance."""

    page: Page
    home: str
    allowed: list[str] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)
    seen: set[str] = field(default_factory=set)
    picky: bool = True
    answered: int = 0  # the status of the page that was opened last

    def __post_init__(self) -> None:
        self.page.on("console", self._console)
        self.page.on("pageerror", lambda error: self.faults.append(f"script: {error}"))
        self.page.on("request", self._request)

    def open(self, path: str) -> Page:
        """Go to a page and look at it; a link from a letter leads to this server too."""
        if path.startswith(f"{LETTERS}/"):
            path = path.removeprefix(LETTERS)
        answer = self.page.goto(path if "://" in path else self.home + path)
        self.answered = answer.status if answer else 0
        self.check()
        return self.page

    def press(self, words: str, *, role: str | None = None, exact: bool = True) -> Page:
        """Press a button or follow a link by its words, and look at the page that comes."""
        kinds = [role] if role else ["button", "link"]
        found = self.page.get_by_role(kinds[0], name=words, exact=exact)  # type: ignore[arg-type]
        for kind in kinds[1:]:
            found = found.or_(self.page.get_by_role(kind, name=words, exact=exact))  # type: ignore[arg-type]
        found.first.click()
        self.page.wait_for_load_state("load")
        self.check()
        return self.page

    def fill(self, label: str, value: str) -> None:
        """Type into the field with a label."""
        self.page.get_by_label(label, exact=True).fill(value)

    def choose(self, label: str) -> None:
        """Tick the box or take the choice with a label."""
        self.page.get_by_label(label, exact=True).check()

    def allow(self, origin: str) -> None:
        """Let this window reach another part of the stack, such as the Stripe sandbox."""
        self.allowed.append(origin.rstrip("/"))

    def check(self) -> None:
        """Look at the page as it stands; raise `BadPage` with all that is wrong."""
        self.page.wait_for_load_state("load")
        if not self.page.url.startswith(self.home):
            return
        faults = [*self.faults]
        markup = VARYING.sub("", self.page.content())
        if self.picky and markup not in CHECKED:
            faults += self._accessible() + self._wide_enough()
            CHECKED.add(markup)
        self.faults.clear()
        self.seen.add(self.page.url)
        if faults:
            raise BadPage(f"{self.page.url}\n" + "\n".join(faults))

    def look(self, name: str) -> None:
        """Keep pictures in var/shots when LOOK is set: desk and phone, light and dark."""
        if not os.environ.get("LOOK"):
            return
        SHOTS.mkdir(parents=True, exist_ok=True)
        for size, theme in _views():
            self._as(size, theme)
            file = SHOTS / f"{name}-{size['width']}-{theme}.png"
            self.page.screenshot(path=file, full_page=True)
        self._as(DESK, "light")

    def _accessible(self) -> list[str]:
        faults = []
        self.page.evaluate(AXE_SCRIPT)
        for size, theme in _views():
            self._as(size, theme)
            options = AXE if theme == "light" else OF_THEMES
            found = self.page.evaluate(RUN_AXE, options)
            faults += [_axe_words(fault, size, theme) for fault in found]
        self._as(DESK, "light")
        return faults

    def _wide_enough(self) -> list[str]:
        faults = []
        for width in WIDTHS:
            self.page.set_viewport_size({"width": width, "height": 900})
            over = self.page.evaluate(
                "document.documentElement.scrollWidth - document.documentElement.clientWidth"
            )
            if over > 0:
                faults.append(f"scrolls sideways by {over} px at {width} px")
        self.page.set_viewport_size(DESK)  # type: ignore[arg-type]
        return faults

    def _as(self, size: dict[str, int], theme: str) -> None:
        self.page.set_viewport_size(size)  # type: ignore[arg-type]
        self.page.emulate_media(color_scheme=theme)  # type: ignore[arg-type]
        # A person who chose a theme keeps it; we look at both all the same.
        self.page.evaluate("theme => { document.documentElement.dataset.bsTheme = theme }", theme)

    def _console(self, message: ConsoleMessage) -> None:
        if message.type in ("error", "warning") and not ANSWERED.search(message.text):
            self.faults.append(f"console: {message.text}")

    def _request(self, request: Request) -> None:
        inside = request.url.startswith(("data:", "blob:", "about:"))
        if not inside and not request.url.startswith((self.home, *self.allowed)):
            self.faults.append(f"asks another host: {request.url}")


def launch() -> Iterator[Browser]:
    """Start Debian's Chromium, or Playwright's own where that is missing; stop it at the end."""
    with sync_playwright() as playwright:
        own = {"executable_path": str(DEBIAN)} if DEBIAN.exists() else {}
        browser = playwright.chromium.launch(args=QUIET, **own)  # type: ignore[arg-type]
        yield browser
        browser.close()


@contextmanager
def window(browser: Browser, home: str, *, language: str = "en-GB") -> Iterator[Window]:
    """Open a window without cookies; what it noticed after the last look counts too."""
    context = browser.new_context(viewport=DESK, locale=language)  # type: ignore[arg-type]
    context.set_default_timeout(15_000)
    seen = Window(context.new_page(), home)
    try:
        yield seen
    finally:
        context.close()
    if seen.faults:
        raise BadPage("\n".join(seen.faults))


@contextmanager
def served(app: Flask, port: int = 0) -> Iterator[str]:
    """Serve an app on a port of loopback, a free one by default, by the name that it trusts."""
    answering = Answering(app)
    server = make_server("127.0.0.1", port, answering, threaded=True, request_handler=_Silent)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"{LETTERS}:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
        answering.wait()


class Answering:
    """An app that knows how many of its requests are under way."""

    def __init__(self, app: Flask) -> None:
        self.app = app
        self.count = 0
        self.changed = threading.Condition()

    def __call__(self, environ: Any, start_response: Any) -> Any:
        """Answer a request, with all of its body: the server leaves it open when a window goes.

        Werkzeug's server reads what else came over a connection before it closes an answer, and
        closes none when that connection is reset: a file would stay open.
        """
        self._add(1)
        try:
            with closing(self.app(environ, start_response)) as parts:
                return [b"".join(parts)]
        finally:
            self._add(-1)

    def wait(self, seconds: float = 10) -> None:
        """Wait until none is under way: a closed window does not end what it has asked for."""
        with self.changed:
            assert self.changed.wait_for(lambda: not self.count, seconds), "a request does not end"

    def _add(self, number: int) -> None:
        with self.changed:
            self.count += number
            self.changed.notify_all()


class _Silent(WSGIRequestHandler):
    """Says nothing about each request."""

    def log(self, type: str, message: str, *args: Any) -> None:
        """Say nothing."""


def _views() -> list[tuple[dict[str, int], str]]:
    return [(size, theme) for size in (DESK, PHONE) for theme in ("light", "dark")]


def _axe_words(fault: dict[str, Any], size: dict[str, int], theme: str) -> str:
    where = "; ".join(str(node["target"]) for node in fault["nodes"][:4])
    why = fault["nodes"][0].get("failureSummary", "").replace("\n", " ")
    return f"axe {fault['id']} ({size['width']} px, {theme}): {fault['help']}: {where}: {why}"
