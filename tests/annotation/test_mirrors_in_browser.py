"""The pages about Label Studio in a real Chromium, with every kind of row on them."""

from typing import Any

import pytest
from playwright.sync_api import expect

from annotation.assignment import annotation_of
from annotation.mirror_models import EditKind, EditState
from annotation.models import State
from core.clock import now
from tests.factories.accounts import make_user
from tests.factories.annotation import choice, make_assignment, make_desk
from tests.factories.mirrors import make_check, make_edit, make_gate, make_mirror

pytestmark = pytest.mark.browser


@pytest.fixture
def seeded(live: Any) -> dict[str, Any]:
    """A project with edits of every kind, and mirrors in several states."""
    with live.transaction() as session:
        desk = make_desk(session, tasks=0, experts=0, title="Licence clauses")
        found = {"project": desk.project_id, "owner": desk.owner}
        for kind, state, changes in (
            (EditKind.CHANGED, EditState.OPEN, {"result": choice("warranty", (0, 12, "Party"))}),
            (EditKind.CHANGED, EditState.REFUSED, {"troubles": ["No such option."]}),
            (EditKind.REMOVED, EditState.OPEN, {"result": None}),
            (EditKind.ADDED, EditState.OPEN, {"annotation_id": None}),
            (
                EditKind.CHANGED,
                EditState.PUT_BACK,
                {"decided_by": desk.owner.id, "decided_at": now()},
            ),
        ):
            lease = make_assignment(session, desk.project, state=State.SUBMITTED)
            make_edit(session, annotation_of(session, lease), kind=kind, state=state, **changes)
        make_mirror(
            session,
            desk.project_id,
            found={"tasks": 9, "tasks_lost": 3, "answers_lost": 2, "answers_changed": 1},
        )
        second = make_desk(session, title="Judgments")
        make_mirror(session, second.project_id)
        make_desk(session, title="Contracts")
        found["operator"] = make_user(session, "operator")
        make_gate(session, desk.organisation.id, found["operator"], is_open=True)
        make_check(session, trouble="Label Studio cannot be reached: refused")
    return found


def test_edits_and_mirrors_can_be_read_by_everybody(live: Any, seeded: Any, browser_page: Any):
    settings = live.app.extensions["doyen.settings"]
    live.app.extensions["doyen.settings"] = settings.model_copy(
        update={"label_studio_web_url": "https://labels.example.org"}
    )
    browser_page.page.context.add_cookies(cookies(live, seeded["owner"], browser_page.home))
    browser_page.open(f"/projects/{seeded['project']}/edits")
    browser_page.look("edits")
    browser_page.press("Keep it on record")
    expect(browser_page.page.get_by_text("Kept on record beside the answer")).to_be_visible()
    browser_page.page.context.clear_cookies()
    browser_page.page.context.add_cookies(cookies(live, seeded["operator"], browser_page.home))
    browser_page.open("/operator/label-studio")
    browser_page.look("mirrors")
    browser_page.page.get_by_role("button", name="Repair", exact=True).first.click()
    expect(browser_page.page.get_by_text("is being repaired")).to_be_visible()


def cookies(live: Any, person: Any, home: str) -> list[Any]:
    """Return the session of a person, for the browser."""
    cookie = live.client(person).get_cookie("doyen")
    return [{"name": "doyen", "value": cookie.value, "url": home}]
