"""A browser window on the bench, and hands for the editor in its frame."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from playwright.sync_api import Browser, Frame, Page, expect

from accounts.models import User
from annotation.models import Assignment
from core.clock import now
from tests import browser as browsers
from tests.browser import Window
from tests.conftest import Live
from tests.factories.annotation import claimed, make_desk, make_task

# Where a passage of the text stands in the editor, as a box in the frame.
FIND = """words => {
  const walker = document.createTreeWalker(
    document.querySelector("[class*=richtext]"), NodeFilter.SHOW_TEXT);
  for (let node; (node = walker.nextNode());) {
    const at = node.data.indexOf(words);
    if (at < 0) continue;
    const range = document.createRange();
    range.setStart(node, at);
    range.setEnd(node, at + words.length);
    range.startContainer.parentElement.scrollIntoView({ block: "nearest" });
    const box = range.getBoundingClientRect();
    return { x: box.x, y: box.y, width: box.width, height: box.height };
  }
  return null;
}"""


@dataclass
class Bench:
    """An expert with a task in hand."""

    live: Live
    expert_id: int
    assignment_id: int
    task_id: int

    @property
    def path(self) -> str:
        return f"/work/{self.assignment_id}"

    def assignment(self) -> Assignment:
        """Return the lease as the database has it now."""
        with self.live.transaction() as session:
            return session.get_one(Assignment, self.assignment_id)

    @contextmanager
    def window(self, browser: Browser, home: str, **how: Any) -> Iterator[Window]:
        """Open a window in which the expert is signed in."""
        with browsers.window(browser, home, **how) as window:
            self.sign_in(window.page, home)
            yield window

    def sign_in(self, page: Page, home: str) -> None:
        """Let the expert be signed in, in all tabs of a window, by a session of its own."""
        with self.live.transaction() as session:
            client = self.live.client(session.get_one(User, self.expert_id))
        cookie = client.get_cookie("doyen")
        assert cookie is not None
        page.context.add_cookies([{"name": "doyen", "value": cookie.value, "url": home}])


def take_a_task(live: Live, *, data: dict[str, Any] | None = None, **project: Any) -> Bench:
    """Make a project with one task, and let an expert claim it."""
    with live.transaction() as session:
        desk = make_desk(session, tasks=0, **project)
        task = make_task(session, desk.project, **({"data": data} if data else {}))
        expert_id = desk.experts[0].user_id
        lease = claimed(session, desk.project, expert_id, at=now())
        assert lease.id is not None
        assert task.id is not None
        return Bench(live, expert_id, lease.id, task.id)


def editor(page: Page) -> Frame:
    """Return the editor's frame, once it shows the task."""
    expect(page.locator("[data-hand-in]")).not_to_have_attribute(
        "aria-disabled", "true", timeout=30_000
    )
    return next(frame for frame in page.frames if frame.url.endswith("/editor/frame"))


def mark(page: Page, words: str, label: str) -> None:
    """Mark a passage with a label, by the mouse."""
    frame = editor(page)
    frame.get_by_text(label, exact=True).first.click()
    box = frame.evaluate(FIND, words)
    assert box, f"the editor does not show {words!r}"
    outer = page.locator("[data-editor]").bounding_box()
    assert outer is not None
    x, y = outer["x"] + box["x"], outer["y"] + box["y"] + box["height"] / 2
    page.mouse.move(x + 1, y)
    page.mouse.down()
    page.mouse.move(x + box["width"] / 2, y, steps=3)
    page.mouse.move(x + box["width"] - 1, y, steps=3)
    page.mouse.up()


def choose(page: Page, words: str) -> None:
    """Choose an option, by the mouse."""
    editor(page).locator("label", has_text=words).first.click()
