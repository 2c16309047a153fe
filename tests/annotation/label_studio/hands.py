"""Hands of a person at the editor: a real mouse and a real keyboard."""

from collections.abc import Sequence
from itertools import pairwise

from playwright.sync_api import FloatRect, Frame, Locator, Page

from tests.annotation.label_studio.bench_window import editor

# Where a passage stands in the frame, wherever the editor shows it.
FIND = """words => {
  const walker = document.createTreeWalker(document.getElementById("editor"), NodeFilter.SHOW_TEXT);
  for (let node; (node = walker.nextNode());) {
    const at = node.data.indexOf(words);
    if (at < 0) continue;
    const range = document.createRange();
    range.setStart(node, at);
    range.setEnd(node, at + words.length);
    const box = range.getBoundingClientRect();
    return { x: box.x, y: box.y, width: box.width, height: box.height };
  }
  return null;
}"""
STAGE = ".konvajs-content"

Point = tuple[float, float]


class Hands:
    """What a person does in the editor's frame."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.frame: Frame = editor(page)

    def wait(self, milliseconds: int = 150) -> None:
        """Let the editor settle, as a person does without noticing."""
        self.frame.wait_for_timeout(milliseconds)

    def key(self, *keys: str) -> None:
        """Press keys, one after the other."""
        for key in keys:
            self.page.keyboard.press(key)

    def type(self, words: str) -> None:
        """Type."""
        self.page.keyboard.type(words)

    def click(self, selector: str, *, text: str | None = None, at: int = 0) -> None:
        """Click on what a selector finds."""
        self._find(selector, text, at).click()

    def focus(self, selector: str, at: int = 0) -> None:
        """Bring the keyboard to a field."""
        self._find(selector, None, at).focus()

    def drag(self, selector: str, start: Point, end: Point, *, at: int = 0) -> None:
        """Draw with the mouse inside of what a selector finds."""
        box = self._box(self._find(selector, None, at))
        self.path([(box["x"] + x, box["y"] + y) for x, y in (start, end)])

    def path(self, points: Sequence[Point], *, hold: int = 0) -> None:
        """Draw from point to point of the window."""
        mouse = self.page.mouse
        mouse.move(*points[0])
        mouse.down()
        for before, after in pairwise(points):
            mouse.move((before[0] + after[0]) / 2, (before[1] + after[1]) / 2, steps=4)
            mouse.move(*after, steps=4)
        self.wait(hold)
        mouse.up()
        self.wait()

    def points(self, selector: str, places: Sequence[Point]) -> None:
        """Click on points inside of what a selector finds."""
        box = self._box(self._find(selector, None, 0))
        for x, y in places:
            self.page.mouse.click(box["x"] + x, box["y"] + y)
            self.wait(300)  # two quick clicks are another gesture

    def select(self, words: str) -> None:
        """Select a passage with the mouse."""
        box = self.frame.evaluate(FIND, words)
        assert box, f"the editor does not show {words!r}"
        outer = self._box(self.page.locator("[data-editor]"))
        y = outer["y"] + box["y"] + box["height"] / 2
        left = outer["x"] + box["x"]
        self.path([(left + 1, y), (left + box["width"] - 1, y)])

    def box(self, text: str) -> FloatRect:
        """Return where some words stand in the window."""
        return self._box(self.frame.get_by_text(text, exact=True).first)

    def _find(self, selector: str, text: str | None, at: int) -> Locator:
        found = self.frame.locator(selector)
        return (found.filter(has_text=text) if text else found).nth(at)

    @staticmethod
    def _box(locator: Locator) -> FloatRect:
        locator.wait_for()
        box = locator.bounding_box()
        assert box is not None
        return box
