"""The story of an expert, in a browser: from registration to the statement of the first pay."""

import re
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from demo import owner, people
from demo.visitor import Visitor
from experts.fields import Field
from interviews import items
from interviews.forms import filled
from tests.browser import Window, window
from tests.journeys.instance import Instance
from tests.journeys.steps import PASSWORD, TERMS, TEXT, be_paid, label, sign_in, soon

pytestmark = [
    pytest.mark.live_label_studio,
    pytest.mark.browser,
    pytest.mark.xdist_group("label_studio"),
    pytest.mark.timeout(900),
]


def test_an_expert_registers_is_interviewed_labels_and_is_paid(
    instance: Instance, chromium: Browser
) -> None:
    boss = people.arrive(
        instance.home,
        name="Olga Owner",
        email="olga@example.org",
        role="owner",
        password=PASSWORD,
        organisation="Clause Works",
    )
    project_id = owner.post_project(boss, "Licence clauses", TERMS)
    owner.load_tasks(boss, project_id, [{"id": str(n), "data": {"text": TEXT % n}} for n in (1, 2)])
    owner.pay_in(boss, project_id, TERMS.budget)

    with window(chromium, instance.home) as seen:
        seen.allow(instance.sandbox)
        _register(instance, seen)
        _fill_profile(seen)
        _take_interview(seen)
        owner.publish(boss, project_id)
        _accept_invitation(seen)
        label(seen)
        assert owner.counts(boss, project_id).accepted == 0
        _review(boss, project_id)
        be_paid(seen)

    assert owner.counts(boss, project_id).accepted == 1


def _register(instance: Instance, seen: Window) -> None:
    page = seen.open("/register")
    seen.choose("I am a professional and want to label for pay")
    seen.fill("Your name", "Ada Lovelace")
    page.locator("[name=email]").fill("ada@example.org")
    page.locator("[name=password]").fill(PASSWORD)
    page.locator("[name=password_confirm]").fill(PASSWORD)
    seen.press("Register", role="button")
    reader = Visitor(instance.home)
    letter = soon(lambda: reader.open("/letters?to=ada@example.org").links(r"/letters/\d+"))
    link = re.search(r"http://localhost\S*?(/confirm/\S+)", reader.open(letter[0]).text)
    assert link
    seen.open(link.group(1))
    sign_in(seen, "ada@example.org")
    expect(page).to_have_url(re.compile("/today"))
    expect(page.get_by_text("Two steps before the first task")).to_be_visible()


def _fill_profile(seen: Window) -> None:
    page = seen.open("/profile/edit")
    page.locator("[name=field]").select_option("law")
    page.locator("[name=years]").fill("8")
    page.locator("[name=country]").select_option("FR")
    page.locator("[name=headline]").fill("Lawyer, software licences")
    page.locator("main form button[type=submit]").first.click()
    page = seen.open("/profile/languages")
    page.locator("[name=language]").select_option("en")
    page.locator("[name=fluency]").select_option("native")
    page.locator("main form:has([name=language]) button[type=submit]").click()
    seen.check()


def _take_interview(seen: Window) -> None:
    bank = {item.id: item for item in items.banks()[Field.LAW].items}
    page = seen.open("/interviews?field=law")
    page.get_by_role("link", name="Read the notice and choose").click()
    page.locator("main [name=consent]").check()
    page.locator("main form:has([name=consent]) button[type=submit]").click()
    asked = page.locator("form[data-item]")
    expect(asked).to_be_visible()
    while asked.count():
        answer = filled(bank[str(asked.get_attribute("data-item"))])
        for name, value in answer.items():
            _answer(page, name, value)
        seen.check()
        page.get_by_role("button", name="Send and continue").click()
        page.wait_for_load_state("load")
    seen.check()
    expect(page.get_by_text("You have passed")).to_be_visible()


def _answer(page: Page, name: str, value: Any) -> None:
    field = page.locator(f'form[data-item] [name="{name}"]')
    for one in value if isinstance(value, list) else [value]:
        kind = field.first.evaluate("field => field.type")
        if kind in ("radio", "checkbox"):
            page.locator(f'form[data-item] [name="{name}"][value="{one}"]').check()
        elif kind == "select-one":
            field.select_option(str(one))
        else:
            field.fill(str(one))


def _accept_invitation(seen: Window) -> None:
    def offered() -> bool:
        return seen.open("/today").get_by_text("Invitation: Licence clauses").count() > 0

    soon(offered, seen.page)
    page = seen.press("Invitation: Licence clauses")
    expect(page.get_by_text("12.00").first).to_be_visible()
    page.locator("form[action$='/accept'] button").first.click()
    seen.check()


def _review(boss: Visitor, project_id: int) -> None:
    page = boss.open(f"/projects/{project_id}/review?all=1")
    forms = [form for form in page.forms() if form.values.get("verdict") == "accepted"]
    boss.send(forms[0])
