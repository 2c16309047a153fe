"""The pages in a real Chromium: accessible, no sideways scrolling, nothing asked elsewhere."""

from typing import Any

import pytest

from accounts.models import User
from annotation.models import State
from projects.models import Validation
from tests.factories.annotation import choice, make_assignment, make_desk, make_task, second_member
from tests.factories.decisions import contest, decision_of

pytestmark = pytest.mark.browser

MARKS = ((0, 12, "Party"), (39, 61, "Obligation"))


@pytest.fixture
def seeded(live: Any) -> dict[str, Any]:
    """A project with work in every state."""
    with live.transaction() as session:
        made = make_desk(session, tasks=12, experts=3, title="Licence clauses")
        one, two, three = made.experts
        known = make_task(session, made.project, gold=choice("grant"), slots=3, slots_left=3)
        make_assignment(
            session,
            made.project,
            expert=one,
            task=known,
            state=State.SUBMITTED,
            result=choice("grant", *MARKS),
        )
        for other, clause in ((two, "grant"), (three, "patent")):
            make_assignment(
                session,
                made.project,
                expert=other,
                task=known,
                state=State.SUBMITTED,
                result=choice(clause, MARKS[0]),
            )
        for state in (State.ACCEPTED, State.EXPIRED, State.SKIPPED, State.RETURNED):
            make_assignment(session, made.project, expert=one, state=state)
        refused = [
            make_assignment(
                session,
                made.project,
                expert=one,
                state=State.REJECTED,
                result=choice("grant", *MARKS),
            )
            for _ in range(2)
        ]
        second_member(session, made)
        contest(session, decision_of(session, refused[0]))
        made.project.validation = Validation.REVIEW
        session.flush()
        experts = [session.get(User, each.user_id) for each in made.experts]
        return {
            "owner": made.owner,
            "expert": experts[0],
            "project_id": made.project_id,
            "refused": [lease.id for lease in refused],
            "decisions": [lease.decision_id for lease in refused],
        }


def enter(live: Any, window: Any, user: Any) -> None:
    """Let a window be a person's."""
    client = live.client(user)
    client.get("/account")
    cookie = client.get_cookie("doyen")
    window.page.context.add_cookies([{"name": "doyen", "value": cookie.value, "url": window.home}])


@pytest.mark.parametrize("language", ["en", "fr"])
def test_the_pages_of_experts(live: Any, browser_page: Any, seeded: Any, language: str) -> None:
    with live.transaction() as session:
        session.get(User, seeded["expert"].id).locale = language
    enter(live, browser_page, seeded["expert"])
    pages = {
        "work": "/work",
        "refused": f"/work/{seeded['refused'][1]}",
        "contested": f"/work/{seeded['refused'][0]}",
        "in-review": f"/work/{seeded['refused'][0] - 7}",
        "decisions": "/decisions",
        "decision": f"/decisions/{seeded['decisions'][1]}",
        "decision-contested": f"/decisions/{seeded['decisions'][0]}",
        "figures": "/decisions/figures",
    }
    for name, path in pages.items():
        page = browser_page.open(path)
        assert browser_page.answered == 200
        assert page.locator("html").get_attribute("lang") == language
        browser_page.look(f"annotation-{name}-{language}")


@pytest.mark.parametrize("language", ["en", "fr"])
def test_the_pages_of_owners(live: Any, browser_page: Any, seeded: Any, language: str) -> None:
    with live.transaction() as session:
        session.get(User, seeded["owner"].id).locale = language
    enter(live, browser_page, seeded["owner"])
    for name in ("review", "progress", "tasks"):
        page = browser_page.open(f"/projects/{seeded['project_id']}/{name}")
        assert browser_page.answered == 200
        assert page.locator("html").get_attribute("lang") == language
        browser_page.look(f"annotation-{name}-{language}")
    browser_page.open("/review")
    browser_page.look(f"annotation-waiting-{language}")


def test_a_refusal_without_a_reason_comes_back_with_its_words(
    live: Any, browser_page: Any, seeded: Any
) -> None:
    enter(live, browser_page, seeded["owner"])
    page = browser_page.open(f"/projects/{seeded['project_id']}/review")

    page.locator("summary", has_text="Do not accept").first.click()
    page.locator("details[open]").get_by_label("In your words").fill("too short")
    browser_page.press("Refuse with this reason")
    browser_page.look("annotation-review-wrong")

    assert page.locator("details[open]").get_by_label("In your words").input_value() == "too short"
    assert page.title().startswith("Error:")


def test_a_file_with_bad_lines_is_answered_by_line(
    live: Any, browser_page: Any, seeded: Any
) -> None:
    enter(live, browser_page, seeded["owner"])
    page = browser_page.open(f"/projects/{seeded['project_id']}/tasks")

    page.get_by_label("File of tasks").set_input_files(
        {"name": "t.jsonl", "mimeType": "text/plain", "buffer": b'{"data": {}}\n{"x": 1}\n'}
    )
    browser_page.press("Add the tasks")
    browser_page.look("annotation-tasks-wrong")

    assert "Line 1" in page.content()
