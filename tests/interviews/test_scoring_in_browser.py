"""An answer is read by keyboard alone: words selected, a check ticked, sent, compared, the next."""

import re

import pytest
from sqlmodel import select

from interviews.judge_models import PersonReading
from interviews.models import Mode
from tests.factories.accounts import make_user
from tests.factories.judges import make_near
from tests.interviews.test_browser import signed_in

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("browser")]

SELECT = """() => {
    const range = document.createRange();
    const words = document.querySelector("[data-answer]").firstChild;
    range.setStart(words, 3);
    range.setEnd(words, 19);
    getSelection().removeAllRanges();
    getSelection().addRange(range);
}"""


def test_an_answer_is_read_by_keyboard_alone(live, browser_page):
    with live.transaction() as session:
        make_near(session, mode=Mode.STRUCTURED)
        user = make_user(session, "operator")
        session.flush()
        session.expunge_all()
    window = signed_in(browser_page, live, user)
    page, keys = window.page, window.page.keyboard
    window.picky = True
    window.open("/operator/interviews/scoring")
    page.get_by_role("button", name="Read the next answer").focus()
    keys.press("Enter")
    page.wait_for_url(re.compile(r"/scoring/\d+$"))
    window.look("scoring-blind")

    page.locator("[data-work]").focus()
    keys.press("?")
    assert page.locator("dialog[open]").is_visible()
    keys.press("Escape")
    page.locator("[data-work]").focus()
    page.evaluate(SELECT)
    keys.press("1")
    keys.press("2")
    keys.press("2")
    assert page.locator("[data-number='1'] input[type=text]").input_value() == "my own sentences"
    keys.press("Enter")
    page.get_by_role("heading", name="Your reading, and the others").wait_for()
    assert page.locator("mark").inner_text() == "my own sentences"
    window.look("scoring-compared")
    page.reload()
    assert page.locator(":focus").inner_text().startswith("Next answer")
    keys.press("Enter")
    page.get_by_role("heading", name="Read an answer").wait_for()

    with live.transaction() as session:
        [reading] = session.exec(select(PersonReading)).all()
        assert [one["quote"] for one in reading.readings if one["met"]] == ["my own sentences"]
        assert reading.reader_id == user.id
