"""The README's pictures, taken from a running demo by a browser that signs in as its people.

Where somebody has walked on this demo before, their project is shown; else a short walk is made,
so that there are earnings and a release to show. Each picture stays under 150 kilobytes.
"""

import io
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from PIL import Image
from playwright.sync_api import Browser, Page, sync_playwright

from demo import browser_install, cast, seed, state, walk
from demo.owner import Terms
from demo.stack import ROOT, Addresses

PICTURES = ROOT / "docs" / "pictures"
DESK, PHONE = (1280, 800), (390, 780)
MOST_BYTES = 150_000
COLOURS = (256, 128, 64, 32)
QUIET = ["--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking"]


@dataclass(frozen=True)
class Shot:
    """One picture: whose window, how to get there, how it looks."""

    name: str
    way: Callable[[Page], None]
    who: str = ""
    size: tuple[int, int] = DESK
    dark: bool = False
    language: str = "en-GB"


def run(addresses: Addresses, folder: Path) -> int:
    """Take every picture; return 0."""
    seed.run(addresses, folder, print)
    suffix = _walked(addresses, folder)
    PICTURES.mkdir(parents=True, exist_ok=True)
    with _chromium() as browser:
        for shot in shots(suffix):
            size = _take(browser, addresses.web, folder, shot)
            print(f"  docs/pictures/{shot.name}.png  {size // 1000} kB", flush=True)
    return 0


def shots(run_suffix: str) -> list[Shot]:
    """Return what is shown, in the order of the story."""
    owner, team = f"owner{run_suffix}@{cast.DOMAIN}", f"team{run_suffix}@{cast.DOMAIN}"
    expert = f"{cast.EXPERTS[0].key}{run_suffix}@{cast.DOMAIN}"
    refused = f"{cast.EXPERTS[-1].key}{run_suffix}@{cast.DOMAIN}"
    ready = f"{seed.READY.key}@{cast.DOMAIN}"
    return [
        Shot("start", _at("/")),
        Shot("expert-today", _at("/today"), ready),
        Shot("question", _question, f"{seed.FRESH.key}@{cast.DOMAIN}"),
        Shot("result", _first(r"/interviews/\d+/result$", "/interviews"), refused),
        Shot("decision", _first(r"/decisions/\d+$", "/decisions"), refused),
        Shot("own-data", _at("/account/erase"), ready),
        Shot("invitation", _first(r"/invitations/\d+$", "/invitations"), ready),
        Shot("bench", _bench, ready),
        Shot("earnings", _at("/earnings"), expert),
        Shot("earnings-phone", _at("/earnings"), expert, PHONE, dark=True),
        Shot("statement", _first(r"/earnings/statements/\d+$", "/earnings/statements"), expert),
        Shot("project-home", _first(r"/projects/\d+$", "/projects"), owner),
        Shot("project-home-fr", _first(r"/projects/\d+$", "/projects"), owner, language="fr-FR"),
        Shot("budget", _first(r"/projects/\d+/budget$", "/budget"), owner),
        Shot("books", _at("/operator/money/books"), f"operator@{cast.DOMAIN}"),
        Shot("release", _first(r"/releases/datasets/\d+$", "/releases"), team),
        Shot("health", _at("/operator"), f"operator@{cast.DOMAIN}", dark=True),
    ]


def _walked(addresses: Addresses, folder: Path) -> str:
    """Return the run of a walk on this demo, making a short one where there is none."""
    note = folder / "pictured.txt"
    if note.exists():
        return note.read_text().strip()
    print("  A short walk first, so that there is something to show", flush=True)
    made = walk.Walk(
        addresses, folder, tasks=24, terms=Terms(experts=4, overlap=2, budget="200.00")
    )
    made.all()
    note.write_text(made.run)
    return made.run


def _take(browser: Browser, base: str, folder: Path, shot: Shot) -> int:
    context = browser.new_context(
        viewport={"width": shot.size[0], "height": shot.size[1]},
        color_scheme="dark" if shot.dark else "light",
        locale=shot.language,
    )
    try:
        page = context.new_page()
        page.goto(base)
        if shot.who:
            _sign_in(page, base, shot.who, state.load(folder).password)
            _speak(page, base, shot.language)
        shot.way(page)
        page.wait_for_load_state("networkidle")
        return _keep(page.screenshot(), PICTURES / f"{shot.name}.png")
    finally:
        context.close()


def _sign_in(page: Page, base: str, email: str, password: str) -> None:
    page.goto(f"{base}/sign-in")
    page.locator("input[name=email]").fill(email)
    page.locator("input[name=password]").fill(password)
    page.locator("main form:has([name=password]) button[type=submit]").first.click()
    page.wait_for_url(lambda url: "/sign-in" not in url)


def _speak(page: Page, base: str, language: str) -> None:
    """Use the switch of the page, as a person would, and put it back for the next picture."""
    wished = language.split("-")[0]
    if page.locator("html").get_attribute("lang") != wished:
        page.locator(f".dy-tools button[lang={wished}]").click()
        page.wait_for_load_state("load")


def _at(path: str) -> Callable[[Page], None]:
    return lambda page: _go(page, path)


def _first(pattern: str, path: str) -> Callable[[Page], None]:
    """Return the way to the first link of a kind on a page; the page itself where it has none."""

    def way(page: Page) -> None:
        _go(page, path)
        links = page.locator("main a[href]").evaluate_all("all => all.map(a => a.pathname)")
        found = next((link for link in links if re.search(pattern, link)), None)
        if found:
            _go(page, found)

    return way


def _question(page: Page) -> None:
    """Go to the question that waits; begin the interview where none is under way."""
    _go(page, "/interviews")
    page.locator("main a[href^='/interviews/']").first.click()
    page.wait_for_load_state("load")
    begins = page.locator("main form:has([name=consent])")
    if begins.count():  # the notice, before an interview of one's own choice
        begins.locator("[name=consent]").check()
        begins.locator("button[type=submit]").click()
        page.wait_for_load_state("load")


def _bench(page: Page) -> None:
    """Take a task, or go on with the one in hand, and wait for the editor."""
    _go(page, "/work")
    page.locator(
        "main form[action*='/work'] button[type=submit], main a[href^='/work/']"
    ).first.click()
    page.wait_for_load_state("networkidle")
    page.wait_for_timeout(4000)  # the editor draws itself in a frame that says nothing to us


def _go(page: Page, path: str) -> None:
    page.goto("/".join(page.url.split("/")[:3]) + path)


def _keep(picture: bytes, file: Path) -> int:
    """Write a picture with as many colours as its size allows."""
    whole = Image.open(io.BytesIO(picture)).convert("RGB")
    for colours in COLOURS:
        small = io.BytesIO()
        whole.quantize(colours, dither=Image.Dither.NONE).save(small, "PNG", optimize=True)
        if small.tell() <= MOST_BYTES:
            break
    file.write_bytes(small.getvalue())
    return small.tell()


@contextmanager
def _chromium() -> Iterator[Browser]:
    found = browser_install.find()
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=found, args=QUIET)
        try:
            yield browser
        finally:
            browser.close()
