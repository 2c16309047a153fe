"""The pages in a real Chromium: accessible at a desk and on a phone, in light, dark and French."""

import pytest

from accounts.models import User
from core.clock import now
from tests.factories.accounts import make_owner, make_user
from tests.factories.experts import make_expert, make_licence, make_skill
from tests.factories.projects import make_invitation, make_project

pytestmark = pytest.mark.browser

OWNER = ["/projects", "/projects/new", "/experts"]
OPEN = ["", "/experts", "/guidelines"]
DRAFT = ["", "/brief", "/labels", "/labels?template=own", "/pay", "/criteria", "/publish"]
FOLDED = ("/experts", "/publish")
EXPERT = ["/profile", "/profile/edit", "/profile/languages", "/profile/licences/new"]


@pytest.fixture
def seeded(live):
    with live.transaction() as session:
        owner, organisation = make_owner(session)
        user = make_user(session, "expert")
        expert = make_expert(session, user)
        make_skill(session, expert)
        make_licence(session, expert)
        make_licence(session, expert, removed_at=now())
        project = make_project(session, organisation, state="open", funded=50_000)
        member = make_invitation(session, project, state="accepted")
        make_invitation(session, project, state="declined", words="No time.")
        other = make_expert(session)
        make_skill(session, other)
        invitation = make_invitation(session, project, expert)
        taken = make_invitation(session, make_project(session, state="open"), expert)
        taken.state, taken.answered_at = member.state, now()
        draft = make_project(session, organisation, task_count=0, price_minor=0)
        newcomer = make_user(session, "expert")
        return {
            "owner": owner,
            "expert": user,
            "newcomer": newcomer,
            "project": project.id,
            "draft": draft.id,
            "invitation": invitation.id,
            "taken": taken.id,
        }


def enter(live, window, user, language):
    with live.transaction() as session:
        session.get(User, user.id).locale = language
    client = live.client(user)
    client.get("/account")
    cookie = client.get_cookie("doyen")
    window.page.context.add_cookies([{"name": "doyen", "value": cookie.value, "url": window.home}])


def unfold(window):
    """Open all that is folded, and look at the page again."""
    window.page.evaluate(
        "document.querySelectorAll('main details').forEach(one => { one.open = true })"
    )
    window.check()


@pytest.mark.parametrize("language", ["en", "fr"])
def test_the_pages_of_owners(live, browser_page, seeded, language):
    enter(live, browser_page, seeded["owner"], language)

    for path in OWNER:
        browser_page.open(path)
    for name, parts in (("project", OPEN), ("draft", DRAFT)):
        for part in parts:
            browser_page.open(f"/projects/{seeded[name]}{part}")
            if part in FOLDED:
                unfold(browser_page)


@pytest.mark.parametrize("language", ["en", "fr"])
def test_the_pages_of_experts(live, browser_page, seeded, language):
    enter(live, browser_page, seeded["expert"], language)

    for path in (*EXPERT, "/invitations", f"/invitations/{seeded['taken']}"):
        browser_page.open(path)
    browser_page.open(f"/invitations/{seeded['invitation']}?answer=yes#your-answer")
    unfold(browser_page)


def test_the_first_pages_of_a_newcomer(live, browser_page, seeded):
    enter(live, browser_page, seeded["newcomer"], "en")

    browser_page.open("/invitations")
    browser_page.open("/profile")


def test_errors_take_the_focus_and_an_answer_is_given_by_keyboard(live, browser_page, seeded):
    enter(live, browser_page, seeded["owner"], "en")
    browser_page.open(f"/projects/{seeded['draft']}/pay")
    browser_page.fill("Pay for a task", "nothing")
    browser_page.press("Save and go to experts")
    assert browser_page.page.evaluate("document.activeElement.className") == "dy-errors"
    browser_page.open(f"/projects/{seeded['draft']}/publish")
    browser_page.press("Publish the project")
    assert browser_page.page.evaluate("document.activeElement.className").startswith("dy-errors")

    enter(live, browser_page, seeded["expert"], "en")
    browser_page.open(f"/invitations/{seeded['invitation']}")
    browser_page.page.get_by_role("button", name="Yes, I take part").focus()
    with browser_page.page.expect_navigation():
        browser_page.page.keyboard.press("Enter")
    browser_page.check()
    browser_page.page.get_by_text("You take part", exact=True).first.wait_for()
