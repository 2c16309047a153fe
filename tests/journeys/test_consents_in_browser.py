"""One person's way through consents, the notice and a person who decides, in a real Chromium."""

import re

import pytest
from playwright.sync_api import expect

from accounts.models import Purpose, User
from tests.browser import Window
from tests.conftest import make_settings
from tests.factories.accounts import make_user
from tests.factories.annotation import make_desk
from tests.factories.consents import make_consent
from tests.factories.interviews import answer_all, make_interview, unknown

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("browser")]


def signed_in(window: Window, live, user) -> Window:
    cookie = live.client(user).get_cookie("doyen")
    window.page.context.add_cookies([{"name": "doyen", "value": cookie.value, "url": window.home}])
    return window


def test_give_withdraw_and_be_interviewed_with_a_person(live, browser_page):
    with live.transaction() as session:
        desk = make_desk(session)
        person = session.get_one(User, desk.experts[0].user_id)
        person.name, person.locale = "Ada Lovelace", "en"
        make_consent(session, person, Purpose.TRANSCRIPTS)
        pseudonym, project, owner = desk.experts[0].pseudonym, desk.project.id, desk.owner
        session.flush()
        session.expunge_all()
    seen = signed_in(browser_page, live, person)

    page = seen.open("/account")
    seen.press("See it, change it")
    seen.look("consents")
    page.locator("#share_profile").get_by_role("button", name="I agree").click()
    expect(page.locator("#share_profile").get_by_text("You agree", exact=True)).to_be_visible()
    seen.check()
    where = f"/projects/{project}/experts"
    signed_in(seen, live, owner)
    seen.open(where)
    expect(page.get_by_text("Ada Lovelace").first).to_be_visible()
    page.get_by_text("Why this expert").first.click()
    seen.check()
    seen.look("owner-shared")
    signed_in(seen, live, person)
    seen.open("/account/consents")

    page.locator("#share_profile").get_by_role("link", name=re.compile("Withdraw")).click()
    expect(page.get_by_text(f"1 project sees Expert {pseudonym} instead")).to_be_visible()
    seen.check()
    seen.look("consent-effects")
    seen.press("Withdraw it now")
    expect(page.get_by_text("A letter says what was done.")).to_be_visible()
    assert "Ada Lovelace" not in live.client(owner).get(where).text

    seen.open("/interviews?field=medicine")
    seen.press("Read the notice and choose")
    seen.look("notice")
    seen.press("Start the interview")
    assert page.locator(".dy-errors").is_visible(), "nothing starts without the terms"
    page.get_by_label("With a person who decides", exact=True).check()
    page.locator("[name=consent]").check()
    seen.press("Start the interview")
    page.get_by_text("What is noted while you answer").click()
    expect(page.get_by_text("How you take it: With a person who decides.")).to_be_visible()
    seen.check()
    seen.look("question-way")
    asked = page.locator("form[data-item]")
    seen.picky = False
    while asked.count():
        page.get_by_role("button", name="I do not know this one").click()
        page.wait_for_load_state("load")
    seen.picky = True
    seen.check()
    expect(page.get_by_text("You asked for a person to decide")).to_be_visible()
    seen.look("result-with-a-person")

    page.locator("details summary").filter(has_text="Question 1:").click()
    seen.press("Put a correction beside answer 1")
    seen.fill("Your correction", "I knew it, and pressed the wrong button.")
    seen.press("Put it beside the answer")
    expect(page.get_by_text("I knew it, and pressed the wrong button.")).to_be_visible()
    seen.look("correction")


def test_a_model_is_shown_and_left_in_the_middle(live, browser_page, monkeypatch):
    known = make_settings(
        live.app.extensions["doyen.settings"].data_dir,
        llm_base_url="https://llm.example/v1",
        llm_model="small-1",
        public_url=live.app.extensions["doyen.settings"].public_url,
    )
    monkeypatch.setitem(live.app.extensions, "doyen.settings", known)
    monkeypatch.setitem(live.app.extensions, "doyen.llm_interviewer", True)
    with live.transaction() as session:
        person = make_user(session, "expert")
        session.expunge_all()
    seen = signed_in(browser_page, live, person)

    page = seen.open("/interviews/before/law")
    seen.look("notice-model")
    page.get_by_label("With the language model", exact=True).check()
    page.locator("[name=consent]").check()
    seen.picky = False
    page.get_by_role("button", name="Start the interview").click()
    expect(page.locator(".dy-errors").get_by_text("Tick the box if you agree")).to_be_visible()
    expect(page.get_by_label("With the language model", exact=True)).to_be_checked()
    page.locator("[name=ai_consent]").check()
    page.get_by_role("button", name="Start the interview").click()
    expect(page.get_by_text("A language model asks and sorts")).to_be_visible()
    seen.picky = True
    seen.check()
    seen.look("question-model")
    page.get_by_role("button", name="Go on: With a person who decides").click()
    expect(page.get_by_text("From now on: With a person who decides.")).to_be_visible()
    expect(page.get_by_text("A language model asks and sorts")).to_have_count(0)


def test_these_pages_in_french_are_for_all(live, browser_page):
    with live.transaction() as session:
        person = make_user(session, "expert", locale="fr")
        make_consent(session, person, Purpose.TRANSCRIPTS)
        interview = answer_all(session, make_interview(session, person), unknown)
        number = interview.id
        session.expunge_all()
    seen = signed_in(browser_page, live, person)

    for path, name, heading in (
        ("/account/consents", "consents-fr", "Vos accords"),
        ("/account/consents/transcripts/withdraw", "consent-effects-fr", "Retirer"),
        ("/interviews/before/medicine", "notice-fr", "Avant de commencer"),
        (f"/interviews/{number}/answers/1", "correction-fr", "Votre réponse à la question 1"),
        (f"/interviews/{number}/result", "result-fr", "Résultat de votre entretien"),
        ("/privacy", "privacy-fr", "Vie privée"),
    ):
        page = seen.open(path)
        seen.look(name)
        expect(page.get_by_role("heading", level=1)).to_contain_text(heading)
