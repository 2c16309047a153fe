"""Steps that several stories take in a window: sign in, label, be paid."""

import re
import time
from collections.abc import Callable
from typing import Any

from playwright.sync_api import Page, expect

from demo import owner
from tests.annotation.label_studio.bench_window import choose, editor, mark
from tests.browser import Window

PASSWORD = "correct horse battery"
TEXT = "The licensor grants you a right to use the software. Task %s."
TERMS = owner.Terms(price="12.00", overlap=1, experts=3, budget="100.00", validation="review")


def sign_in(seen: Window, email: str) -> Page:
    """Sign in with the password of all stories."""
    page = seen.open("/sign-in")
    page.locator("[name=email]").fill(email)
    page.locator("[name=password]").fill(PASSWORD)
    return seen.press("Sign in", role="button")


def label(seen: Window) -> None:
    """Take a task, label it in the real editor and hand it in."""
    page = seen.open("/today")
    seen.press("Take a task", role="button")
    mark(page, "licensor", "Party")
    choose(page, "grant")
    with page.expect_navigation():  # to the next task, or to what was handed in
        page.get_by_role("button", name=re.compile("Hand in")).click()
    if page.locator("[data-editor]").count():  # the next task, which may go back to all
        editor(page)
        page.locator("[data-return]").click()
        expect(page.locator("[data-editor]")).to_have_count(0, timeout=30_000)
    seen.open("/work")
    expect(page.get_by_text("In review").first).to_be_visible()


def be_paid(seen: Window) -> None:
    """Open an account at the sandbox, ask for what is owed, and read the statement."""
    page = seen.open("/earnings/account")
    page.locator("main [name=country]").select_option("FR")
    page.locator("main form:has([name=country]) button[type=submit]").click()
    page.locator("[name=legal_name]").fill("Ada Lovelace")
    number = re.search(r"test number ([A-Z]{2}\d[\w ]+?)\.", page.locator("main").inner_text())
    assert number
    page.locator("[name=iban]").fill(number.group(1))
    page.get_by_role("button", name="Save and go back").click()
    page.wait_for_url(re.compile(r"/earnings"))

    def payable() -> bool:
        return seen.open("/earnings").get_by_role("button", name="Pay me").count() > 0

    soon(payable, page)
    page.get_by_role("button", name="Pay me").click()
    page.wait_for_load_state("load")

    def stated() -> bool:
        listed = seen.open("/earnings/statements")
        return listed.locator("main a[href*='/earnings/statements/']").count() > 0

    soon(stated, page)
    page.locator("main a[href*='/earnings/statements/']").first.click()
    seen.check()
    expect(page.locator("tfoot")).to_contain_text("12.00")
    seen.look("journey-statement")


def soon(there: Callable[[], Any], page: Page | None = None, seconds: float = 60) -> Any:
    """Ask again until something is there, and return it."""
    until = time.monotonic() + seconds
    while not (found := there()):
        shown = page.locator("main").inner_text() if page else ""
        assert time.monotonic() < until, f"it did not come in time: {shown}"
        time.sleep(0.5)
    return found
