"""What stands beside the editor, in a real Chromium: questions, the search, the keys."""

from typing import Any

import pytest
from playwright.sync_api import expect
from sqlmodel import select

from accounts.models import User
from annotation import questions
from annotation.question_models import AnswerFor, Question
from core.clock import now
from tests.annotation.test_pages_in_browser import enter
from tests.factories.annotation import make_assignment, make_desk
from tests.factories.questions import make_question

pytestmark = pytest.mark.browser

GUIDELINES = "1. Read the clause.\n\n2. Été: mark it.\n\n3. Mark an <b>été</b> too."

NO_EDITOR = (
    '<!doctype html><html lang="en"><title>Editor</title><main><h1>Editor</h1></main></html>'
)


def test_an_expert_asks_and_reads_the_answer_without_leaving_the_task(
    live: Any, browser_page: Any
) -> None:
    with live.transaction() as session:
        desk = make_desk(session, tasks=0, guidelines=GUIDELINES)
        lease = make_assignment(session, desk.project, expert=desk.experts[0])
        make_question(session, lease, about="guidelines")
        expert = session.get_one(User, desk.experts[0].user_id)
        owner, path, project_id = desk.owner, f"/work/{lease.id}", desk.project_id
    enter(live, browser_page, owner)
    browser_page.open(f"/projects/{project_id}/live")
    browser_page.open(f"/projects/{project_id}/questions")
    browser_page.look("questions-of-owner")
    enter(live, browser_page, expert)
    browser_page.open(f"{path}/questions")
    # There is no Label Studio here, and the questions need none.
    browser_page.page.route("**/editor/frame", lambda route: route.fulfill(body=NO_EDITOR))
    page = browser_page.open(path)
    words, ask = page.locator("#words"), page.get_by_role("button", name="Ask the owner")

    page.locator("[data-hand-in]").focus()
    page.keyboard.press("g")
    page.keyboard.type("ETE")
    expect(page.locator("[data-found]")).to_have_text("1 of 2")
    page.keyboard.press("Enter")
    expect(page.locator("mark[data-current]")).to_have_text("été")
    page.locator("[data-hand-in]").focus()
    page.keyboard.press("?")
    expect(page.get_by_role("dialog")).to_be_visible()
    page.keyboard.press("Escape")

    page.locator("[data-hand-in]").focus()
    page.keyboard.press("q")
    expect(words).to_be_focused()
    page.context.set_offline(True)
    words.fill("A grant <b>or</b> a limit?")
    ask.click()
    expect(page.locator("[data-questions-trouble]")).to_contain_text("No connection")
    page.context.set_offline(False)
    browser_page.faults.clear()  # that there was no connection
    page.reload()
    expect(words).to_have_value("A grant <b>or</b> a limit?")
    ask.dblclick()
    expect(page.get_by_text("Your question is with the owner.")).to_be_visible()
    expect(words).to_have_value("")
    browser_page.check()
    browser_page.look("bench-with-questions")

    with live.transaction() as session:
        [asked] = session.exec(select(Question).where(Question.about == "task"))
        how = {"answer_for": AnswerFor.ASKER, "by": session.get_one(User, owner.id)}
        questions.answer(session, asked, "A limit.", at=now(), **how)
    page.locator("[data-said]").blur()
    page.evaluate("dispatchEvent(new CustomEvent('doyen:answered', {detail: '2999-01-01'}))")
    expect(page.locator("[data-questions]").get_by_text("A limit.")).to_be_visible()
    expect(page.locator("[data-questions-part]")).to_have_attribute("data-unseen", "0")
    assert page.url.endswith(path)
