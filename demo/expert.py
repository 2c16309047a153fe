"""What an expert does on the pages: profile, interview, invitation, work, pay."""

import re
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from demo import annotators
from demo.visitor import Page, Refused, Visitor
from experts.fields import Field
from interviews import items
from interviews.forms import filled
from interviews.items import Item, Short

INVITED_SECONDS = 90
PAID_SECONDS = 120


@dataclass(frozen=True)
class Person:
    """An expert of the demo: how good, and how often wrong."""

    name: str
    key: str
    headline: str
    skill: float = 0.93
    knows_law: bool = True


def fill_profile(visitor: Visitor, person: Person) -> None:
    """Say who one is."""
    form = visitor.open("/profile/edit").form(has="headline")
    visitor.send(
        form,
        field="law",
        years=6,
        country="FR",
        time_zone="Europe/Paris",
        headline=person.headline,
    )
    page = visitor.open("/profile/languages")
    visitor.send(page.form(has="language"), language="en", fluency=_best(page, "fluency"))


def interview(visitor: Visitor, person: Person) -> str:
    """Take the interview of one's field; return its outcome: passed, failed or waiting."""
    bank = {item.id: item for item in items.banks()[Field.LAW].items}
    found = visitor.open("/interviews?field=law").links(r"/interviews/\d+$")
    page = visitor.open("/interviews/before/law")
    if page.has_form(action="/interviews/start"):
        form = page.form(action="/interviews/start")
        page = visitor.send(form, **_ticked(form.tag))
    elif found:
        page = visitor.open(found[0])
    while (tag := page.soup.find("form", attrs={"data-item": True})) is not None:
        form = page.form(action=r"/answer$")
        item = bank[str(tag["data-item"])]
        values = _right(item) if person.knows_law else {"unknown": "1"}
        page = _answer(visitor, page, form, values)
    return _outcome(page)


def _right(item: Item) -> dict[str, Any]:
    """Answer rightly; in words tersely, since two people with the same text are looked at."""
    question = item.question
    if not isinstance(question, Short):
        return dict(filled(item))
    points = list(question.checks.values())[: question.needed]
    said = (point.forms[0].replace("*", "") for point in points)
    return {"answer": ". ".join(said) + "."}


def accept_invitation(visitor: Visitor, title: str) -> None:
    """Wait for the invitation to a project and accept it."""
    until = time.monotonic() + INVITED_SECONDS
    while time.monotonic() < until:
        page = visitor.open("/invitations")
        for link in page.links(r"/invitations/\d+$"):
            offer = visitor.open(link)
            if title not in offer.text:
                continue
            if offer.has_form(action=r"/accept$"):
                visitor.send(offer.form(action=r"/accept$"))
            return
        time.sleep(1)
    raise TimeoutError(f"no invitation to {title} within {INVITED_SECONDS} s")


def work(visitor: Visitor, project_id: int, person: Person) -> Iterator[int]:
    """Label task after task until there is none; yield the number of each."""
    done = 0
    while (page := _claim(visitor, project_id)) is not None:
        _label(visitor, page, person)
        done += 1
        yield done


def onboard(visitor: Visitor) -> None:
    """Give Stripe (the sandbox) what it needs to pay, unless it has it."""
    page = visitor.open("/earnings/account")
    if page.has_form(has="country"):
        hosted = visitor.send(page.form(has="country"), country="FR")
    else:
        onward = page.links(r"/earnings/account/")
        if "Go on at Stripe" not in page.text or not onward:
            return
        hosted = visitor.open(onward[0])
    test_number = re.search(r"test number ([A-Z]{2}\d[\w ]+?)\.", hosted.text)
    assert test_number is not None
    visitor.send(hosted.form(has="legal_name"), legal_name="Demo Expert", iban=test_number.group(1))


def be_paid(visitor: Visitor) -> int:
    """Ask for one's pay and wait until all has left; return what was sent, in minor units.

    From Friday to Sunday the weekly payout may come before the question.
    """
    until = time.monotonic() + PAID_SECONDS
    while time.monotonic() < until:
        page = visitor.open("/earnings")
        if page.has_form(action=r"/earnings/payouts$"):
            visitor.send(page.form(action=r"/earnings/payouts$"))
        elif _owed(page) == 0 and (sent := _sent(visitor)):
            return sent
        time.sleep(1)
    raise TimeoutError(f"not paid within {PAID_SECONDS} s: {visitor.open('/earnings').text[:800]}")


def _owed(page: Page) -> int:
    """Return what is accepted and not sent, in minor units."""
    for box in page.soup.select(".dy-figures > div"):
        name, value = box.select_one("dt"), box.select_one(".v")
        if name and value and name.get_text().strip() == "Accepted":
            return int(re.sub(r"\D", "", value.get_text()))
    raise LookupError(f"no figure of what is owed at {page.url}")


def _sent(visitor: Visitor) -> int:
    """Return what the statements say was sent, in minor units."""
    links = visitor.open("/earnings/statements").links(r"/earnings/statements/\d+$")
    totals = [visitor.open(link).soup.select_one("tfoot td:last-child") for link in links]
    return sum(int(re.sub(r"\D", "", total.get_text())) for total in totals if total is not None)


def _answer(visitor: Visitor, page: Page, form: Any, values: dict[str, Any]) -> Page:
    answered = visitor.try_send(form, **values)
    if answered.status < 400:
        return answered
    if answered.status == 409:  # an earlier sending of ours has counted
        return visitor.open(re.sub(r"/answer$", "", form.action))
    raise Refused(answered.status, answered.url, answered.text[:500])


def _claim(visitor: Visitor, project_id: int) -> Page | None:
    form = next(
        (
            one
            for one in visitor.open("/work").forms()
            if re.search(rf"/work/claim/{project_id}$", one.path)
        ),
        None,
    )
    if form is None:
        return None
    page = visitor.try_send(form)
    if page.status == 409:
        return None
    if page.status >= 400:
        raise Refused(page.status, page.url, page.text[:500])
    return page


def _label(visitor: Visitor, page: Page, person: Person) -> None:
    at = page.path
    given = visitor.json(f"{at}/task.json")
    result = annotators.annotate(given["task"]["data"]["text"], person.key, skill=person.skill)
    meta = page.soup.find("meta", attrs={"name": "csrf-token"})
    assert meta is not None
    answer = visitor.post_json(f"{at}/submit", {"result": result}, str(meta["content"]))
    if answer.status_code >= 400 and answer.status_code != 409:
        raise Refused(answer.status_code, at, answer.text[:500])


def _outcome(page: Page) -> str:
    chip = page.soup.select_one("main .dy-chip")
    if chip is None:
        raise LookupError(f"no outcome at {page.url}: {page.text[:500]}")
    return " ".join(chip.get_text(" ").split()).lower()


def _ticked(tag: Any) -> dict[str, str]:
    boxes = tag.find_all("input", type="checkbox")
    return {box["name"]: box.get("value", "y") for box in boxes}


def _best(page: Page, name: str) -> str:
    options = page.soup.select(f"select[name={name}] option")
    values = [str(option.get("value")) for option in options if option.get("value")]
    return next((value for value in values if "native" in value), values[-1])
