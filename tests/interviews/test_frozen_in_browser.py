"""The frozen set is read by keyboard alone, blind first."""

import re

import pytest
from sqlmodel import select

from interviews.judge_models import FrozenReading
from tests.factories.accounts import make_user
from tests.factories.judges import load_starter
from tests.factories.samples import answer_sample, make_sample, make_sample_desk
from tests.interviews.test_browser import signed_in

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("browser")]


def test_the_frozen_set_is_read_by_keyboard_alone(live, browser_page):
    with live.transaction() as session:
        load_starter(session)
        desk = make_sample_desk(session)
        answer_sample(session, desk, make_sample(session, desk), right=2)
        user = make_user(session, "operator")
        session.flush()
        session.expunge_all()
    window = signed_in(browser_page, live, user)
    page, keys = window.page, window.page.keyboard
    window.picky = True
    window.open("/operator/interviews/frozen-set")
    window.look("frozen-set")
    page.get_by_label("Field").select_option("law")
    page.get_by_role("button", name="Read the next answer").focus()
    keys.press("Enter")
    page.wait_for_url(re.compile(r"/frozen-set/\d+\?field=law$"))
    window.look("frozen-blind")

    page.locator("[data-work]").focus()
    keys.press("1")
    keys.press("2")
    keys.press("2")
    keys.press("Enter")
    page.get_by_role("heading", name="Your reading, and the others").wait_for()
    window.look("frozen-compared")
    page.reload()
    assert page.locator(":focus").inner_text().startswith("Next answer")
    keys.press("Enter")
    page.get_by_role("heading", name="Read an answer of the frozen set").wait_for()
    window.open("/operator/work-samples")
    window.look("work-samples-waiting")

    with live.transaction() as session:
        read = select(FrozenReading).where(FrozenReading.reader_id == user.id)
        assert [len(one.met) for one in session.exec(read)] == [1]
