"""An item bank in a real Chromium: an item is written, looked at, tried and published."""

import pytest

from experts.fields import Field
from interviews import banks
from tests.factories.accounts import make_user
from tests.factories.banks import make_bank
from tests.interviews.test_browser import signed_in

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("browser")]
ADAPTIVE = True
WORDS = {
    "title": "A deposit", "question.prompt": "Who keeps the deposit?", "explanation": "By law.",
    "question.options.a": "The seller", "question.options.b": "The buyer",
    "question.options.c": "The notary", "question.options.d": "The court",
}  # fmt: skip


def test_an_item_is_written_tried_and_published(live, browser_page):
    with live.transaction() as session:
        user = make_user(session, "operator")
        number = make_bank(session, by=user).id
        session.expunge_all()
    window = signed_in(browser_page, live, user)
    page = window.page
    window.open(f"/item-banks/{number}")
    window.look("item-bank")
    page.select_option("#new-kind", "single")
    window.press("Write it")
    for name, words in WORDS.items():
        for language in ("en", "fr"):
            page.fill(f'[id="{name}.{language}"]', f"{words} {language}")
    page.fill("#source", "Civil code, article 1")
    page.check('[id="question.options.c.right"]')
    page.get_by_role("button", name="Try this answer").wait_for()  # the preview follows
    window.press("Add an option")
    assert page.input_value('[id="title.en"]') == "A deposit en"
    window.look("bank-item")
    page.get_by_role("button", name="Save").last.click()
    page.locator("#preview").get_by_label("The notary en").check()
    window.press("Try this answer")
    assert "100%" in page.locator("#preview").inner_text()
    window.open(f"/item-banks/{number}/publish")
    page.fill("#note", "A question on deposits.")
    window.look("bank-publish")
    window.press("Publish version 3")

    with live.transaction() as session:
        assert banks.current(session, Field.LAW).item("law-501").question.answer == "c"
