"""What an owner does on the pages: post a project, load tasks, pay in, publish, review, release."""

import json
import re
import time
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from bs4 import Tag

from demo import clauses, words
from demo.visitor import Form, Page, Refused, Visitor

CARD = "4242424242424242"
BUILD_SECONDS = 120
REFUSAL = (
    "By clause 1 of the guidelines, what the passage does decides; "
    "please read it again with that in mind."
)


@dataclass(frozen=True)
class Terms:
    """What a demo project pays and asks."""

    price: str = "2.00"
    overlap: int = 2
    experts: int = (
        200  # so many that people of earlier walks, who never answer, do not stand in the way
    )
    budget: str = "1200.00"
    validation: str = "agreement"


def post_project(visitor: Visitor, title: str, terms: Terms) -> int:
    """Make a draft through the wizard; return the project's id."""
    page = visitor.open("/projects/new")
    page = visitor.send(
        page.form(has="title"),
        title=title,
        field="law",
        language="en",
        brief=words.BRIEF,
        guidelines=words.GUIDELINES,
    )
    project_id = int(_found(r"/projects/(\d+)", page.path))
    at = f"/projects/{project_id}"
    visitor.send(
        visitor.open(f"{at}/labels?template=clauses").form(has="choices"),
        template="clauses",
        choices=words.CHOICES,
        spans=words.SPANS,
    )
    visitor.send(
        visitor.open(f"{at}/pay").form(has="price"),
        price=terms.price,
        usual_minutes=3,
        overlap=terms.overlap,
        validation=terms.validation,
        lease_minutes=120,
        review_days=7,
    )
    visitor.send(
        visitor.open(f"{at}/criteria").form(has="experts_needed"),
        experts_needed=terms.experts,
        level=60,
        min_years=1,
        language_1="en",
    )
    return project_id


def load_tasks(visitor: Visitor, project_id: int, tasks: list[dict[str, Any]]) -> Page:
    """Upload tasks as a JSONL file."""
    lines = "\n".join(json.dumps(task) for task in tasks).encode()
    form = visitor.open(f"/projects/{project_id}/tasks").form(has="file")
    return visitor.send(form, files={"file": ("tasks.jsonl", lines, "application/jsonl")})


def pay_in(visitor: Visitor, project_id: int, amount: str, seconds: float = 60) -> Page:
    """Pay into a project's budget on the sandbox's hosted page, and wait until it has arrived."""
    form = visitor.open(f"/projects/{project_id}/budget/fund").form(has="amount")
    paying = visitor.send(form, amount=amount)
    visitor.send(_hosted(paying), **_card(paying))
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        page = visitor.open(f"/projects/{project_id}/budget")
        if _amount(amount) in page.text.replace(",", ""):
            return page
        time.sleep(1)
    raise TimeoutError(f"{amount} was paid and is not in the budget after {seconds:.0f} s")


def publish(visitor: Visitor, project_id: int) -> None:
    """Open a project to experts; one that is open already stays open."""
    page = visitor.open(f"/projects/{project_id}")
    if page.has_form(action=r"/pause$"):
        return
    try:
        form = visitor.open(f"/projects/{project_id}/publish").form(action=r"/publish$")
        visitor.send(form)
    except Refused as refusal:
        if refusal.status != 409:
            raise
        if not visitor.open(f"/projects/{project_id}").has_form(action=r"/pause$"):
            raise


def review(visitor: Visitor, project_id: int) -> tuple[int, int]:
    """Decide on every answer that waits; return how many were accepted and rejected."""
    accepted = rejected = 0
    while True:
        page = visitor.open(f"/projects/{project_id}/review?all=1")
        tasks = page.soup.select("section[aria-labelledby^=h-task-]")
        waiting = [(task, card) for task in tasks for card in task.select("section:has(form)")]
        if not waiting:
            return accepted, rejected
        for task, card in waiting:
            right = _chosen(card) == clauses.guess(_passage(task))
            forms = [form for form in page.forms() if card in form.tag.parents]
            if right:
                _decide(visitor, _with_verdict(forms, "accepted"))
                accepted += 1
            else:
                form = _with_verdict(forms, "rejected")
                _decide(visitor, form, reason_code=_reason(form.tag), clause="1", words=REFUSAL)
                rejected += 1


def build_release(visitor: Visitor, project_id: int, readers: list[str]) -> int:
    """Build a release and let some organisations read; return its id."""
    let_read(visitor, project_id, readers)
    page = visitor.open(f"/projects/{project_id}/releases")
    page = visitor.send(page.form(has="changelog"), changelog="First release.")
    links = page.links(r"/releases/\d+$") or [page.url]
    release_id = int(_found(r"/releases/(\d+)", links[0]))
    until = time.monotonic() + BUILD_SECONDS
    while (state := visitor.json(f"/releases/{release_id}/progress")["state"]) != "ready":
        if state == "failed" or time.monotonic() > until:
            raise RuntimeError(f"release {release_id} is {state}")
        time.sleep(0.5)
    return release_id


def let_read(visitor: Visitor, project_id: int, readers: list[str]) -> Page:
    """Let some organisations read a project's releases; who reads already stays."""
    page = visitor.open(f"/projects/{project_id}/releases/readers")
    for slug in readers:
        if slug not in page.text:
            page = visitor.send(page.form(has="slug"), slug=slug)
    return page


@dataclass(frozen=True)
class Counts:
    """What the progress page says."""

    accepted: int
    rejected: int
    alpha: str


def counts(visitor: Visitor, project_id: int) -> Counts:
    """Read the figures of the progress page."""
    page = visitor.open(f"/projects/{project_id}/progress")
    figures = {
        box.select_one("dt").get_text().strip(): box.select_one("dd")  # type: ignore[union-attr]
        for box in page.soup.select(".dy-figures > div")
    }
    accepted, alpha = figures["Accepted"], figures["Agreement (alpha)"]
    assert accepted is not None
    assert alpha is not None
    refused = re.search(r"(\d+) refused", accepted.get_text(" "))
    return Counts(
        accepted=int(_value(accepted)),
        rejected=int(refused.group(1)) if refused else 0,
        alpha=_value(alpha),
    )


def _value(figure: Tag) -> str:
    shown = figure.select_one(".v")
    return (shown or figure).get_text().strip().replace(",", "")


def _decide(visitor: Visitor, form: Any, **values: str) -> None:
    try:
        visitor.send(form, **values)
    except Refused as refusal:
        if refusal.status != 409:  # decided already: an answer of ours was lost on its way
            raise


def _chosen(card: Tag) -> str:
    choice = card.select_one("p strong[lang]")
    return choice.get_text().strip() if choice else ""


def _passage(task: Tag) -> str:
    quote = task.select_one("blockquote")
    return quote.get_text() if quote else ""


def _with_verdict(forms: list[Form], verdict: str) -> Form:
    return next(form for form in forms if form.values.get("verdict") == verdict)


def _reason(tag: Any) -> str:
    values = [option.get("value") for option in tag.find_all("option") if option.get("value")]
    return str(values[0])


def _hosted(page: Page) -> Any:
    forms = [form for form in page.forms() if form.method == "post"]
    if not forms:
        raise LookupError(f"no form on the hosted page {page.url}: {page.text[:300]}")
    return forms[0]


def _card(page: Page) -> dict[str, str]:
    form = _hosted(page)
    names = [field.get("name") for field in form.tag.find_all("input")]
    known = {"card": CARD, "number": CARD, "card_number": CARD}
    known |= {
        "expiry": "12 / 34",
        "cvc": "123",
        "name": "Demo Owner",
        "email": "owner@demo.example",
    }
    return {name: known[name] for name in names if name in known}


def _amount(amount: str) -> str:
    return f"{Decimal(amount):.2f}"


def _found(pattern: str, text: str) -> str:
    found = re.search(pattern, text)
    if found is None:
        raise LookupError(f"{pattern} is not in {text}")
    return found.group(1)
