"""A talk in a real Chromium: the next words stream in, the model is killed, nothing is lost."""

from dataclasses import replace

import pytest
from sqlmodel import select

from core.language_model import OpenAiModel
from core.model_patience import PatientModel
from interviews import conversation, editions
from interviews.accommodation_models import Need
from interviews.models import Interview, Mode
from interviews.signal_models import AnswerSignal
from interviews.talk_models import ModelOutage, Talk
from proofs import scripted_model
from tests.factories.accounts import make_user
from tests.factories.people import make_accommodation
from tests.factories.talks import (
    MODEL,
    ask_first,
    make_answer_turn,
    make_led_interview,
    make_model_outage,
    make_talk,
)
from tests.interviews.test_browser import signed_in

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("browser")]
TWO = "You mention the transfer clause. Which consent would it need, and whose?"
WATCH = """() => { window.said = []; const words = document.querySelector('[data-words]');
  new MutationObserver(() => window.said.push(words.textContent)).observe(words,
    { childList: true, characterData: true, subtree: true }); }"""
PART = "The buyer has to look at the transfer clause before it goes ahead."
ASKS = "You mention the transfer clause. What would you look for in it, and why?"


@pytest.fixture
def served(live, monkeypatch):
    """The live app with a scripted model that can be killed; returns how to run one."""
    settings = live.app.extensions["doyen.settings"]
    with scripted_model.running(lambda _asked: ASKS) as first:
        made = OpenAiModel(first.base_url, MODEL, "", timeout=5, retries=0)
        known = settings.model_copy(
            update={"llm_base_url": first.base_url, "llm_model": MODEL, "llm_timeout": 5}
        )
        ports = replace(live.app.extensions["doyen.ports"], language_model=PatientModel(made, made))
        monkeypatch.setitem(live.app.extensions, "doyen.ports", ports)
        monkeypatch.setitem(live.app.extensions, "doyen.settings", known)
        monkeypatch.setitem(live.app.extensions, "doyen.llm_interviewer", True)
        yield first
        made._client.close()


def test_a_talk_survives_the_death_of_its_model(live, browser_page, served):
    with live.transaction() as session:
        user = make_user(session, "expert")
        interview = make_led_interview(session, user)
        ask_first(interview, "law-006")
        session.flush()  # before the person is taken along
        number = interview.id
        session.expunge_all()
    window = signed_in(browser_page, live, user)
    page = window.page

    window.open(f"/interviews/{number}")
    window.look("talk-before")
    window.press("Begin")
    window.picky = False
    page.get_by_label("Your answer", exact=True).wait_for()
    window.press("Go straight to the questions")
    answer = page.locator("textarea[name=answer]")
    answer.fill(PART[:30])
    page.reload()
    assert answer.input_value() == PART[:30], "what was typed is still there"
    answer.fill(PART)
    window.press("Send and continue")
    page.get_by_text(ASKS).wait_for()
    window.picky = True
    window.check()
    window.look("talk-asked")
    window.picky = False
    box = page.get_by_label("Your answer", exact=True)
    box.fill("It depends")
    page.reload()
    assert box.input_value() == "It depends"
    assert page.get_by_text(ASKS).count() == 1

    served.script = lambda _asked: scripted_model.Fault(text=ASKS, cut=True, status=500)
    box.fill("It depends on the wording.")
    window.press("Send and continue")
    page.get_by_role("heading", name="The language model does not answer").wait_for()
    window.picky = True
    window.check()
    window.look("talk-outage")
    window.picky = False
    with page.expect_navigation():  # the same page again, once the model has failed again
        page.get_by_role("button", name="Try again").click()
    page.get_by_role("heading", name="The language model does not answer").wait_for()
    with page.expect_navigation():
        page.get_by_role("button", name="Go on without the language model").click()
    assert "Question 2" in page.locator("h1").inner_text()

    with live.transaction() as session:
        found = session.get_one(Interview, number)
        assert found.mode is Mode.STRUCTURED
        [response] = editions.responses(session, found)
        assert response.answer == {"text": f"{PART}\n\nIt depends on the wording."}
        [kept] = session.exec(select(AnswerSignal))
        assert (kept.measured, kept.pasted, kept.away) == (True, 0, 0)
        assert kept.first_key_ms is not None
        assert session.exec(select(ModelOutage)).one().ended_at is not None
        assert session.get_one(Talk, number).claim is None
        assert conversation.position(session, found) == 2
    window.picky = True
    window.open(f"/interviews/{number}/conversation")
    window.look("talk-transcript")


def test_with_a_screen_reader_words_come_once_and_whole_and_nobody_loses_their_place(
    live, browser_page, served
):
    with live.transaction() as session:
        user = make_user(session, "expert")
        make_accommodation(session, user, need=Need.SCREEN_READER)
        interview = make_led_interview(session, user)
        ask_first(interview, "law-006")
        make_talk(session, interview)
        make_answer_turn(session, interview, PART, number=1, position=1)
        make_model_outage(session, interview)
        number = interview.id
        session.expunge_all()
    window = signed_in(browser_page, live, user)
    page = window.page
    window.picky = False
    served.script = lambda _asked: TWO
    window.open(f"/interviews/{number}")
    page.evaluate(WATCH)

    button = page.get_by_role("button", name="Try again")
    button.focus()
    button.press("Enter")
    page.locator("textarea[name=text]").wait_for()

    assert page.evaluate("window.said") == [TWO]
    assert page.evaluate("document.activeElement.matches('[data-live]')")
    assert page.get_by_text(TWO).get_attribute("aria-live") == "polite"
    window.picky = True
    window.check()
