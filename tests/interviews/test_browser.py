"""Interviews in a real Chromium: usable by all, by keyboard alone, in both languages."""

import re

import pytest

from experts.fields import Field
from interviews import items, plan
from interviews.models import Interview
from tests.browser import Window
from tests.factories.accounts import make_user
from tests.factories.interviews import answer_all, make_interview, right, right_until, unknown

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("browser")]
LAW = items.banks()[Field.LAW]
KINDS = ["law-001", "law-011", "law-013", "law-020", "law-021", "law-023", "law-040"]


def signed_in(window: Window, live, user) -> Window:
    """Be a person in this window, without the sign-in pages."""
    cookie = live.client(user).get_cookie("doyen")
    window.page.context.add_cookies([{"name": "doyen", "value": cookie.value, "url": window.home}])
    return window


def step_of(item_id):
    return next(
        step.model_dump()
        for seed in range(3000)
        for step in plan.draw(LAW, str(seed), attempt=1 + seed % 2)
        if step.item == item_id
    )


def person(live, role, language="en"):
    with live.transaction() as session:
        user = make_user(session, role, locale=language)
        session.expunge_all()
    return user


def test_every_kind_of_question_can_be_used_by_all(live, browser_page):
    user = person(live, "expert", "fr")
    with live.transaction() as session:
        interview = make_interview(session, session.merge(user))
        steps = [step_of(item_id) for item_id in KINDS]
        interview.plan = [*steps, *interview.plan[len(steps) :]]
        number = interview.id
    window = signed_in(browser_page, live, user)

    for place, item_id in enumerate(KINDS, 1):
        window.picky = True
        window.open(f"/interviews/{number}")
        window.look(f"interview-{item_id}")
        # A page with errors is looked at for two kinds only: a look is slow.
        window.picky = item_id in ("law-013", "law-040")
        window.press("Envoyer et continuer")
        assert window.page.locator(".dy-errors").is_visible(), "an empty answer is pointed out"
        window.picky = False
        window.press("Je ne sais pas")
        assert f"{place + 1} " in window.page.locator("h1").inner_text()


def test_an_interview_is_taken_by_keyboard_alone(live, browser_page):
    user = person(live, "expert")
    window = signed_in(browser_page, live, user)
    window.open("/interviews?field=law")
    keys = window.page.keyboard
    window.page.get_by_role("link", name="Read the notice and choose").focus()
    keys.press("Enter")
    window.page.wait_for_url(re.compile(r"/interviews/before/law$"))
    window.page.get_by_label("I have read what to expect", exact=False).focus()
    keys.press("Space")
    keys.press("Tab")
    keys.press("Enter")
    window.page.wait_for_url(re.compile(r"/interviews/\d+$"))
    with live.transaction() as session:
        interview = session.get(Interview, int(window.page.url.rsplit("/", 1)[1]))
        interview.plan = [step_of("law-030"), *interview.plan[1:]]
        session.add(interview)
    window.page.reload()

    window.page.locator("select").first.focus()
    for rank in range(1, 5):
        keys.type(str(rank))
        keys.press("Tab")
    assert window.page.locator(":focus").inner_text() == "Send and continue"
    keys.press("Enter")

    window.page.wait_for_function("document.querySelector('h1').textContent.includes('2')")
    window.check()


def test_results_and_readings_can_be_used_by_all(live, browser_page):
    user, operator = person(live, "expert", "fr"), person(live, "operator", "fr")
    with live.transaction() as session:
        failed = answer_all(session, make_interview(session, session.merge(user)), unknown)
        near = answer_all(session, make_interview(session), right_until(8))
        mine = make_interview(session, session.merge(user), field=Field.FINANCE)
        numbers = failed.id, near.id, answer_all(session, mine, right).id
    window = signed_in(browser_page, live, user)

    window.open(f"/interviews/{numbers[2]}/result")
    window.look("interview-passed")
    window.open(f"/interviews/{numbers[0]}/result")
    window.look("interview-failed")
    window.page.get_by_role("link", name="Contester cette décision").last.click()
    window.page.locator("input[name=ground]").first.check()
    words = "The third question has another right answer, as I said there."
    window.page.locator("textarea[name=words]").fill(words)
    window.press("Envoyer mon recours")
    assert words in window.page.content()

    window.page.context.clear_cookies()
    signed_in(window, live, operator)
    window.open("/operator/interviews")
    window.look("interviews-to-read")
    window.open(f"/operator/interviews/{numbers[1]}")
    window.look("interview-near")
    window.press("Enregistrer la décision")
    window.page.locator("input[name=verdict]").first.check()
    window.press("Enregistrer la décision")
    window.open("/appeals")
    window.look("appeals")
    window.page.locator("tbody a").first.click()
    assert words in window.page.content()
    window.look("appeal")
