"""A story in browsers: accepted in part, a bonus, the rate before a yes, an appeal, the rest."""

import re
from typing import Any

import pytest
from playwright.sync_api import Browser, expect

from accounts.models import User
from annotation import observed
from annotation.models import Assignment, State
from core.clock import now
from payouts import earnings, ledger
from projects.models import Validation
from tests.browser import window
from tests.factories.annotation import make_assignment, make_desk, make_task, second_member
from tests.factories.payouts import eur, submitted
from tests.factories.projects import make_invitation

pytestmark = pytest.mark.browser

WHY = "The clause is right; of the two parties only one is marked."
APPEAL = "Both parties are marked: see the first and the last word of the passage."
REPLY = "You are right: the second party is marked as well, at the end."
THANKS = "Your notes on clause 3 saved us a week of work."


@pytest.fixture
def story(live: Any, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """A project with ten observed answers below the floor, and one answer to review."""
    changed = live.app.extensions["doyen.settings"].model_copy(
        update={"pay_floors": {"FR": (1202, "eur")}}
    )
    monkeypatch.setitem(live.app.extensions, "doyen.settings", changed)
    with live.transaction() as session:
        made = make_desk(session, tasks=0, experts=2, title="Licence clauses", overlap=1)
        made.project.validation = Validation.REVIEW
        for number in range(10):
            make_assignment(
                session,
                made.project,
                expert=made.experts[number % 2],
                state=State.ACCEPTED,
                lead_seconds=1800,
            )
        lease = make_assignment(
            session,
            made.project,
            expert=made.experts[0],
            task=make_task(session, made.project),
            state=State.SUBMITTED,
        )
        submitted(session, lease.id, review_by=lease.review_by, at=lease.submitted_at)
        observed.observe(session, made.project_id, at=now())
        invited = make_invitation(session, made.project)
        colleague = second_member(session, made)
        session.flush()
        return {
            "owner": made.owner,
            "colleague": colleague,
            "expert": session.get(User, made.experts[0].user_id),
            "invited": session.get(User, invited.expert_id),
            "invitation": invited.id,
            "name": made.experts[0].pseudonym,
            "project": made.project_id,
            "lease": lease.id,
        }


def enter(live: Any, opened: Any, user: Any, language: str = "en") -> None:
    """Let a window be a person's."""
    with live.transaction() as session:
        session.get(User, user.id).locale = language
    client = live.client(user)
    client.get("/account")
    cookie = client.get_cookie("doyen")
    opened.page.context.add_cookies([{"name": "doyen", "value": cookie.value, "url": opened.home}])


def test_a_share_a_bonus_an_appeal_and_the_rest(
    live: Any, chromium: Browser, live_url: str, story: dict[str, Any]
) -> None:
    with window(chromium, live_url) as boss, window(chromium, live_url) as expert:
        enter(live, boss, story["owner"])
        enter(live, expert, story["expert"])
        _accept_in_part(boss, story)
        _give_bonus(boss, story)
        _read_and_contest(live, expert, story)
        with window(chromium, live_url) as other:
            enter(live, other, story["colleague"])
            _answer(other)
        page = expert.open(f"/work/{story['lease']}")
        expect(page.get_by_text("you were right")).to_be_visible()
        page = expert.open("/earnings")
        expect(page.get_by_text("€4.20").first).to_be_visible()
        expert.look("pay-earnings")
    with live.transaction() as session:
        assert earnings.owed(session, story["expert"].id) == [eur(420 + 2500)]
        assert ledger.problems(session) == []


@pytest.mark.parametrize("language", ["en", "fr"])
def test_the_rate_is_read_before_a_yes(
    live: Any, browser_page: Any, story: dict[str, Any], language: str
) -> None:
    enter(live, browser_page, story["invited"], language)
    offer = browser_page.open(f"/invitations/{story['invitation']}")
    assert browser_page.answered == 200
    assert "/h" in offer.locator("main").inner_text()
    browser_page.look(f"pay-invitation-{language}")
    enter(live, browser_page, story["expert"], language)
    browser_page.open("/work")
    browser_page.look(f"pay-work-{language}")
    enter(live, browser_page, story["owner"], language)
    for name, path in {"home": "", "bonuses": "/bonuses", "review": "/review?all=1"}.items():
        page = browser_page.open(f"/projects/{story['project']}{path}")
        assert browser_page.answered == 200
        for folded in page.locator("main details").all():
            folded.evaluate("one => one.open = true")
        browser_page.look(f"pay-{name}-{language}")


def _accept_in_part(boss: Any, story: dict[str, Any]) -> None:
    page = boss.open(f"/projects/{story['project']}/review?all=1")
    page.get_by_text("Accept in part", exact=True).click()
    page.locator("details[open] [name=words]").fill(WHY)
    page.locator("details[open] button[type=submit]").click()
    expect(page.get_by_role("alert")).to_be_visible()  # no share, no reason, no clause
    page.locator("details[open] [name=percent]").fill("50")
    page.locator("details[open] [name=reason_code]").select_option("incomplete")
    page.locator("details[open] [name=clause]").fill("2.1")
    page.locator("details[open] button[type=submit]").click()
    boss.check()
    expect(page.get_by_text("€2.10 of €4.20 go to the expert")).to_be_visible()


def _give_bonus(boss: Any, story: dict[str, Any]) -> None:
    page = boss.open(f"/projects/{story['project']}/bonuses")
    page.locator("[name=expert]").select_option(story["name"])
    page.locator("[name=amount]").fill("25")
    page.locator("form [name=words]").fill(THANKS)
    boss.press("Give this bonus", role="button")
    expect(page.get_by_text("gets €25.00")).to_be_visible()
    page = boss.open(f"/projects/{story['project']}/budget")
    expect(page.get_by_text("Bonus: fee")).to_be_visible()


def _read_and_contest(live: Any, expert: Any, story: dict[str, Any]) -> None:
    page = expert.open("/earnings")
    expect(page.get_by_role("rowheader", name=re.compile("^Bonus"))).to_be_visible()
    page = expert.open(f"/work/{story['lease']}")
    expect(page.get_by_text(WHY)).to_be_visible()
    expect(page.get_by_text("€2.10 of its pay of €4.20 are credited")).to_be_visible()
    expert.look("pay-in-part")
    with live.transaction() as session:
        decision = session.get(Assignment, story["lease"]).decision_id
    page = expert.open(f"/decisions/{decision}")
    page.locator("[name=ground]").first.check()
    page.locator("form [name=words]").fill(APPEAL)
    expert.press("Send my appeal", role="button")
    expect(page.get_by_text("Your appeal is received")).to_be_visible()


def _answer(other: Any) -> None:
    page = other.open("/appeals")
    page.locator("main a[href*='/appeals/']").first.click()
    expect(page.get_by_text("pays €2.10 from the budget")).to_be_visible()
    page.locator("[name=outcome][value=changed]").check()
    page.locator("form [name=words]").fill(REPLY)
    other.press("Send the answer", role="button")
    expect(page.get_by_text("Your answer is recorded")).to_be_visible()
