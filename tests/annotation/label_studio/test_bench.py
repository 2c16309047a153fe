"""The bench in a real browser, with the server's own editor in its frame."""

import re
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, Response, expect
from sqlmodel import select

from accounts.models import User
from annotation.assignment import expire_next
from annotation.models import Annotation, Assignment, Draft, State
from core.clock import now
from projects.models import Project
from tests.annotation.label_studio.bench_window import Bench, choose, editor, mark, take_a_task
from tests.annotation.label_studio.templates import CHOICES, TEXT, view
from tests.browser import Window, served
from tests.conftest import Live
from tests.factories.annotation import make_task

pytestmark = [
    pytest.mark.live_label_studio,
    pytest.mark.browser,
    pytest.mark.xdist_group("label_studio"),
]


@pytest.fixture
def work(bench: Live) -> Bench:
    return take_a_task(bench)


@pytest.fixture
def home(bench: Live) -> Iterator[str]:
    with served(bench.app) as home:
        yield home


@pytest.fixture
def window(work: Bench, chromium: Browser, home: str) -> Iterator[Window]:
    """A window on the bench; how the page looks is the matter of one test."""
    with work.window(chromium, home) as window:
        window.picky = False
        window.open(work.path)
        yield window


def hand_in(page: Page) -> None:
    page.get_by_role("button", name=re.compile("Hand in")).click()


def answers(work: Bench) -> list[Annotation]:
    with work.live.transaction() as session:
        found = session.exec(
            select(Annotation).where(Annotation.assignment_id == work.assignment_id)
        )
        return list(found.all())


def values(result: list[dict[str, Any]]) -> dict[str, Any]:
    return {part["type"]: part["value"] for part in result}


def draft(work: Bench) -> list[dict[str, Any]] | None:
    with work.live.transaction() as session:
        found = session.get(Draft, work.assignment_id)
        return found.result if found else None


def test_a_task_is_labelled_by_mouse_and_handed_in(work, window, home):
    page = window.page
    mark(page, "licensor", "Party")
    choose(page, "grant")
    hand_in(page)

    page.wait_for_url(re.compile(rf"{home}/work/\d+$"))
    expect(page.locator("[data-editor]")).to_have_count(0)
    [answer] = answers(work)
    given = values(answer.result)
    assert given["choices"] == {"choices": ["grant"]}
    assert given["labels"] == {"start": 4, "end": 12, "text": "licensor", "labels": ["Party"]}
    assert work.assignment().state is State.SUBMITTED


def test_a_task_is_labelled_and_handed_in_by_keyboard(work, window):
    page = window.page
    editor(page)
    page.keyboard.press("1")
    page.keyboard.press("Control+Enter")

    expect(page.locator("[data-editor]")).to_have_count(0)
    [answer] = answers(work)
    assert values(answer.result)["choices"] == {"choices": ["grant"]}


def test_escape_twice_leads_from_the_editor_to_the_buttons(window):
    page = window.page
    editor(page).locator("input[type=checkbox]").first.focus()

    page.keyboard.press("Escape")
    page.keyboard.press("Escape")

    expect(page.locator("[data-hand-in]")).to_be_focused()


def test_a_draft_is_kept_and_found_again(work, window):
    page = window.page
    mark(page, "licensor", "Party")
    expect(page.locator("[data-draft-state]")).to_contain_text("Draft saved", timeout=10_000)
    assert values(draft(work) or [])["labels"]["text"] == "licensor"

    page.evaluate("localStorage.clear()")  # as on another device
    page.reload()
    choose(page, "grant")
    hand_in(page)

    expect(page.locator("[data-editor]")).to_have_count(0)
    [answer] = answers(work)
    assert values(answer.result)["labels"]["text"] == "licensor"


NOTED = view(
    TEXT,
    f'<Choices name="kind" toName="text">{CHOICES}</Choices>',
    '<TextArea name="why" toName="text" rows="3"/>',
)


def test_words_in_a_field_are_kept_and_two_devices_lose_nothing(bench, chromium, home):
    work = take_a_task(bench, label_config=NOTED)
    with work.window(chromium, home) as here, work.window(chromium, home) as there:
        here.picky = there.picky = False
        here.open(work.path)
        why = editor(here.page).locator("textarea")
        why.fill("Because it")
        expect(here.page.locator("[data-draft-state]")).to_contain_text("Draft saved")
        there.open(work.path)
        expect(editor(there.page).locator("textarea")).to_have_value("Because it")

        here.page.context.set_offline(True)
        why.fill("Because it grants")
        expect(here.page.locator("[data-draft-state]")).to_contain_text("kept in this browser")
        with there.page.expect_response("**/draft"):
            choose(there.page, "patent")
        here.page.context.set_offline(False)
        notice = here.page.locator("[data-notice]")
        expect(notice).to_contain_text("There are two versions of your answer")
        here.page.get_by_role("button", name="Show the other version").click()
        expect(editor(here.page).get_by_label("patent")).to_be_checked()
        hand_in(here.page)
        expect(notice).to_contain_text("Both stay until you have chosen")
        here.page.get_by_role("button", name="Show the version from here").click()
        here.page.get_by_role("button", name="Go on with the version from here").click()
        expect(editor(here.page).locator("textarea")).to_have_value("Because it grants")
        choose(here.page, "grant")
        hand_in(here.page)
        expect(here.page.locator("[data-editor]")).to_have_count(0)
        here.faults.clear()  # the browser names each request that could not leave, or was refused
        there.faults.clear()
    [answer] = answers(work)
    assert values(answer.result)["choices"] == {"choices": ["grant"]}
    assert values(answer.result)["textarea"] == {"text": ["Because it grants"]}


def test_leaving_takes_along_what_was_done_in_the_last_moment(work, window):
    page = window.page
    choose(page, "patent")
    page.get_by_role("link", name="Leave").click()
    page.wait_for_url(re.compile("/work$"))

    assert values(draft(work) or [])["choices"] == {"choices": ["patent"]}


def test_what_is_missing_is_said_and_nothing_is_handed_in(work, window):
    page = window.page
    mark(page, "licensor", "Party")
    hand_in(page)

    expect(page.locator("[data-notice]")).to_contain_text("Something is missing")
    expect(editor(page).get_by_text("is required")).to_be_visible()
    assert answers(work) == []


def test_two_clicks_hand_in_once(work, window):
    page = window.page
    choose(page, "grant")
    page.get_by_role("button", name=re.compile("Hand in")).dblclick()

    expect(page.locator("[data-editor]")).to_have_count(0)
    assert len(answers(work)) == 1


def test_without_a_network_nothing_is_lost(work, window):
    page = window.page
    editor(page)
    page.context.set_offline(True)
    choose(page, "grant")
    hand_in(page)
    expect(page.locator("[data-notice]")).to_contain_text("No connection")

    page.context.set_offline(False)
    window.faults.clear()  # the browser names each request that could not leave
    page.reload()
    editor(page)
    hand_in(page)

    expect(page.locator("[data-editor]")).to_have_count(0)
    [answer] = answers(work)
    assert values(answer.result)["choices"] == {"choices": ["grant"]}


def test_what_was_typed_without_a_network_in_a_closed_page_is_sent_later(work, window, home):
    page = window.page
    editor(page)
    page.context.set_offline(True)
    choose(page, "grant")
    expect(page.locator("[data-draft-state]")).to_contain_text("kept in this browser")
    page.goto("about:blank")

    page.context.set_offline(False)
    window.faults.clear()  # the browser names each request that could not leave
    with page.expect_response("**/draft"):
        page.goto(f"{home}/work")

    assert values(draft(work) or [])["choices"] == {"choices": ["grant"]}


def test_a_lease_that_ran_out_is_said_in_words_and_the_work_is_kept(work, window):
    page = window.page
    choose(page, "grant")
    with work.live.transaction() as session:
        session.get_one(Assignment, work.assignment_id).due_at = now() - timedelta(minutes=1)
    with work.live.transaction() as session:
        expire_next(session, at=now())

    hand_in(page)

    expect(page.locator("[data-notice]")).to_contain_text("no longer in your hands")
    page.get_by_role("link", name="See what you can do now").click()
    page.get_by_role("button", name="Take this task again").click()
    expect(editor(page).get_by_label("grant")).to_be_checked()
    assert answers(work) == []
    assert values(draft(work) or [])["choices"] == {"choices": ["grant"]}


def test_a_second_tab_is_told_to_use_the_first(work, window):
    editor(window.page)
    other = window.page.context.new_page()
    other.goto(window.page.url)

    expect(other.locator("[data-notice]")).to_contain_text("open in another tab")
    assert not any(frame.url.endswith("/editor/frame") for frame in other.frames)

    window.page.goto(window.home + "/about")
    other.reload()
    editor(other)


def test_who_signed_out_meanwhile_is_told_and_loses_nothing(work, window):
    page = window.page
    choose(page, "grant")
    page.context.clear_cookies()
    hand_in(page)

    expect(page.locator("[data-notice]")).to_contain_text(re.compile("signed out|Sign in"))
    assert "grant" in page.evaluate(f"localStorage.getItem('doyen:{work.path}')")


def test_who_signs_in_again_in_another_tab_goes_on_here(work, window, home):
    page = window.page
    page.context.clear_cookies()
    choose(page, "grant")
    expect(page.locator("[data-draft-state]")).to_contain_text("Signed out", timeout=10_000)

    work.sign_in(page, home)
    hand_in(page)

    expect(page.get_by_text("In review").first).to_be_visible()
    assert len(answers(work)) == 1


def test_returning_work_that_was_begun_asks_first(work, window):
    page = window.page
    choose(page, "grant")
    page.get_by_role("button", name="Return the task").click()
    dialog = page.get_by_role("dialog")
    expect(dialog).to_contain_text("What you have marked so far is given up")
    dialog.get_by_role("button", name="Go on working").click()
    assert work.assignment().state is State.ACTIVE

    page.get_by_role("button", name="Return the task").first.click()
    dialog.get_by_role("button", name="Return the task").click()

    page.wait_for_url(re.compile("/work$"))
    assert work.assignment().state is State.RETURNED


def test_a_task_is_skipped_with_a_reason(work, window):
    page = window.page
    page.get_by_role("button", name="Skip with a reason").click()
    page.get_by_label("It is outside my field").check()
    page.get_by_label("In your words").fill("Patents of chemistry")
    page.get_by_role("button", name="Skip the task").click()

    page.wait_for_url(re.compile("/work$"))
    skipped = work.assignment()
    assert skipped.state is State.SKIPPED
    assert skipped.skip_reason == "It is outside my field: Patents of chemistry"


def test_a_thought_better_of_skipping_changes_nothing(work, window):
    page = window.page
    page.get_by_role("button", name="Skip with a reason").click()
    page.get_by_role("button", name="Go on working").click()

    expect(page.get_by_role("dialog")).to_have_count(0)
    assert work.assignment().state is State.ACTIVE


def test_a_task_is_returned(work, window):
    editor(window.page)
    window.page.get_by_role("button", name="Return the task").click()

    window.page.wait_for_url(re.compile("/work$"))
    assert work.assignment().state is State.RETURNED


@pytest.mark.parametrize("language", ["en", "fr"])
def test_the_bench_is_fit_for_everybody(work, chromium, home, language):
    with work.live.transaction() as session:
        session.get_one(User, work.expert_id).locale = language
    with work.window(chromium, home) as window:
        window.page.goto(home + work.path)
        mark(window.page, "licensor", "Party")
        window.page.locator("[data-open-skip]").focus()
        window.check()
        window.look(f"bench-{language}")


def test_more_time_is_taken_once_by_two_clicks(work, window):
    with work.live.transaction() as session:
        lease = session.get_one(Assignment, work.assignment_id)
        lease.due_at = now() + timedelta(minutes=20)
    window.open(work.path)
    page = window.page
    more = page.get_by_role("button", name="More time")

    expect(more).to_be_visible()
    more.dblclick()

    expect(more).to_be_hidden()
    expect(page.locator("[data-draft-state]")).to_contain_text("You have more time")
    lease = work.assignment()
    assert lease.extended == 1
    assert lease.due_at > now() + timedelta(minutes=118)
    assert lease.state is State.ACTIVE


def test_the_next_task_comes_into_the_same_frame(work, window):
    with work.live.transaction() as session:
        project = session.get_one(Project, work.assignment().project_id)
        make_task(session, project, data={"text": "Zebra clause of the second task."})
    page, first = window.page, work.assignment_id
    frame = editor(page)
    page.get_by_label("Search the guidelines").fill("clause")
    choose(page, "grant")
    length = page.evaluate("history.length")
    frame.evaluate("window.stays = true; localStorage.setItem('of the first', '1')")

    hand_in(page)

    page.wait_for_url(lambda address: not address.endswith(f"/work/{first}"))
    second = editor(page)
    expect(second.get_by_text("Zebra clause")).to_be_visible()
    assert second.evaluate("window.stays"), "the frame was loaded anew"
    assert "The licensor grants" not in second.content()
    assert second.evaluate("localStorage.getItem('of the first')") is None
    expect(page.locator("h1")).to_contain_text(page.url.rsplit("/", 1)[1])
    assert page.url.rsplit("/", 1)[1] in page.title()
    expect(page.get_by_text("Handed in. This is the next task.")).to_be_visible()
    expect(page.get_by_label("Search the guidelines")).to_have_value("clause")
    assert [values(one.result)["choices"] for one in answers(work)] == [{"choices": ["grant"]}]

    # What is done now is kept with this task and handed in for it.
    choose(page, "patent")
    expect(page.locator("[data-draft-state]")).to_contain_text("Draft saved", timeout=10_000)
    with work.live.transaction() as session:
        [kept] = session.exec(select(Draft)).all()
        assert page.url.endswith(f"/work/{kept.assignment_id}")
        assert values(kept.result)["choices"] == {"choices": ["patent"]}
    # Back leads to where the person came from, and not through all that was handed in.
    assert page.evaluate("history.length") == length


def test_a_task_that_waits_is_shown_without_a_request_over_a_slow_line(work, window):
    with work.live.transaction() as session:
        project = session.get_one(Project, work.assignment().project_id)
        project.tasks_in_hand = 2
        for number in range(12):
            make_task(session, project, data={"text": f"Zebra clause {number} of a batch."})
    page = window.page
    with page.expect_response(lambda one: _is_data_of_another(one, work)) as prefetched:
        page.reload()
        choose(page, "grant")
    following = prefetched.value.url.removesuffix("/task.json")
    expect(page.locator("[data-in-hand]")).to_contain_text("2 tasks in hand, the next is ready")
    waits = int(following.rsplit("/", 1)[1])
    assert _lease(work, waits).state is State.WAITING
    line = page.context.new_cdp_session(page)
    slow = {
        "offline": False,
        "latency": 600,
        "downloadThroughput": 50_000,
        "uploadThroughput": 50_000,
    }
    line.send("Network.enable")
    line.send("Network.emulateNetworkConditions", slow)
    asked: list[str] = []
    page.on("request", lambda one: asked.append(one.url))

    hand_in(page)

    page.wait_for_url(following)
    expect(editor(page).get_by_text("Zebra clause")).to_be_visible()
    assert not [url for url in asked if url.startswith(following) and "/ahead" not in url], asked
    expect(page.get_by_text("Handed in. This is the next task.")).to_be_visible()
    lease = _lease(work, waits)
    assert lease.state is State.ACTIVE
    assert page.locator("[data-due]").get_attribute("data-due") == lease.due_at.isoformat()
    # Another is taken in its place; whoever wants no next task gives it back at once.
    expect(page.locator("[data-in-hand]")).to_contain_text("2 tasks in hand", timeout=20_000)
    line.send("Network.emulateNetworkConditions", slow | {"latency": 0})
    page.get_by_label("then the next task").uncheck()
    expect(page.locator("[data-in-hand]")).to_be_hidden()
    with work.live.transaction() as session:
        found = session.exec(select(Assignment.state).where(Assignment.id > waits)).all()
        assert set(found) == {State.RETURNED}


def _lease(work: Bench, number: int) -> Assignment:
    with work.live.transaction() as session:
        return session.get_one(Assignment, number)


def _is_data_of_another(response: Response, work: Bench) -> bool:
    return response.url.endswith("/task.json") and f"/{work.assignment_id}/" not in response.url
