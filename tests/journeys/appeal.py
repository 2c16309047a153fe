"""The story of an appeal, in browsers: refused work, a second look by another, and its pay."""

import re

from playwright.sync_api import Browser, expect
from sqlmodel import select

from accounts.models import MemberRole, Membership, User
from core.clock import now
from demo import owner, people
from demo.visitor import Visitor
from projects.models import Project
from tests.browser import Window, window
from tests.factories.annotation import join
from tests.factories.experts import make_expert
from tests.journeys.instance import Instance
from tests.journeys.steps import PASSWORD, TERMS, TEXT, be_paid, label, sign_in, soon

EXPERT, DECIDER, COLLEAGUE = "ada@example.org", "olga@example.org", "carl@example.org"
REFUSAL = "The clause limits liability, so it grants nothing to anybody."
APPEAL = "The first sentence grants a right to use; guideline 1 says that the passage decides."
REPLY = "You are right: the passage grants a right, and guideline 1 says that it decides."
PROOF = {"name": "guideline.txt", "mimeType": "text/plain", "buffer": b"1. The passage decides."}


def tell(instance: Instance, chromium: Browser) -> None:
    """Let an expert label, be refused, contest it with a file, win, and be paid; assert each."""
    project_id = _cast(instance)
    with window(chromium, instance.home) as expert, window(chromium, instance.home) as boss:
        expert.allow(instance.sandbox)
        sign_in(expert, EXPERT)
        label(expert)
        sign_in(boss, DECIDER)
        _refuse(boss, project_id)
        _contest(instance, expert)
        _barred(boss)
        with window(chromium, instance.home) as other:
            sign_in(other, COLLEAGUE)
            _answer(other)
        _read_the_answer(instance, expert)
        be_paid(expert)


def _cast(instance: Instance) -> int:
    """Make a funded project with a task, an expert in it, and two people who may review."""
    boss = _arrive(instance, DECIDER, "owner", "Clause Works")
    _arrive(instance, COLLEAGUE, "owner", "Elsewhere")
    _arrive(instance, EXPERT, "expert")
    project_id = owner.post_project(boss, "Licence clauses", TERMS)
    owner.load_tasks(boss, project_id, [{"id": "1", "data": {"text": TEXT % 1}}])
    owner.pay_in(boss, project_id, TERMS.budget)
    owner.publish(boss, project_id)
    with instance.live.transaction() as session:
        project = session.get_one(Project, project_id)
        found = {one.email: one for one in session.exec(select(User))}
        join(session, project, make_expert(session, found[EXPERT]))
        session.add(
            Membership(
                organisation_id=project.organisation_id,
                user_id=found[COLLEAGUE].id or 0,
                role=MemberRole.MEMBER,
                joined_at=now(),
            )
        )
    return project_id


def _arrive(instance: Instance, email: str, role: str, organisation: str = "") -> Visitor:
    name = email.partition("@")[0].title()
    return people.arrive(
        instance.home,
        name=name,
        email=email,
        role=role,
        password=PASSWORD,
        organisation=organisation,
    )


def _refuse(boss: Window, project_id: int) -> None:
    page = boss.open(f"/projects/{project_id}/review?all=1")
    page.get_by_text("Do not accept", exact=True).click()
    page.locator("details[open] [name=reason_code]").select_option("wrong_answer")
    page.locator("details[open] [name=clause]").fill("1")
    page.locator("details[open] [name=words]").fill(REFUSAL)
    page.locator("details[open] button[type=submit]").click()
    boss.check()
    expect(page.get_by_text("No task waits for a verdict")).to_be_visible()


def _contest(instance: Instance, expert: Window) -> None:
    page = expert.open(_letter(instance, EXPERT, r"/decisions/\d+|/work/\d+"))
    if "/decisions/" not in page.url:
        page = expert.open("/decisions")
        page.locator("main a[href*='/decisions/']").first.click()
        expert.check()
    expect(page.get_by_text(REFUSAL).first).to_be_visible()
    expert.press("Send my appeal", role="button")  # with nothing said
    expect(page.get_by_role("alert")).to_be_visible()
    page.locator("[name=ground]").first.check()
    page.locator("form [name=words]").fill(APPEAL)
    page.locator("[name=files]").set_input_files([PROOF])
    expert.press("Send my appeal", role="button")
    expect(page.get_by_text("Your appeal is received")).to_be_visible()
    expect(page.get_by_role("link", name="guideline.txt")).to_be_visible()
    expert.look("journey-appeal")


def _barred(boss: Window) -> None:
    """Whoever decided sees the appeal, and cannot answer it."""
    page = boss.open("/appeals")
    page.locator("main a[href*='/appeals/']").first.click()
    boss.check()
    expect(page.get_by_text("You took this decision, so another person answers.")).to_be_visible()
    assert page.get_by_role("button", name="Send the answer").count() == 0


def _answer(other: Window) -> None:
    page = other.open("/appeals")
    page.locator("main a[href*='/appeals/']").first.click()
    other.check()
    expect(page.get_by_text(APPEAL)).to_be_visible()
    with page.expect_download() as download:
        page.get_by_role("link", name="guideline.txt").click()
    assert download.value.path().read_bytes() == PROOF["buffer"]
    page.locator("[name=outcome][value=changed]").check()
    page.locator("form [name=words]").fill(REPLY)
    other.press("Send the answer", role="button")
    expect(page.get_by_text("Your answer is recorded")).to_be_visible()
    other.look("journey-appeal-answered")


def _read_the_answer(instance: Instance, expert: Window) -> None:
    def told() -> str | None:
        letters = Visitor(instance.home).open(f"/letters?to={EXPERT}")
        return next(
            (
                found.group(0)
                for link in letters.links(r"/letters/\d+")
                if REPLY in (text := Visitor(instance.home).open(link).text)
                and (found := re.search(r"/decisions/\d+", text))
            ),
            None,
        )

    page = expert.open(soon(told))
    expect(page.get_by_text(REPLY)).to_be_visible()
    expect(page.get_by_text("The decision is changed")).to_be_visible()


def _letter(instance: Instance, email: str, pattern: str) -> str:
    """Return the path that the newest letter to somebody leads to."""

    def found() -> str | None:
        visitor = Visitor(instance.home)
        for link in visitor.open(f"/letters?to={email}").links(r"/letters/\d+"):
            led = re.search(pattern, visitor.open(link).text)
            if led:
                return led.group(0)
        return None

    return str(soon(found))
