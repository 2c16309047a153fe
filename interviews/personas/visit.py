"""A persona at the pages: reads forms as a browser does, answers, and follows where they lead.

It knows the pages, and nothing of the functions behind them. What it was shown becomes the turns
that `conduct` looks at; where an interview keeps turns of its own, those are read as well.
"""

import secrets
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from html.parser import HTMLParser
from random import Random
from typing import Any, Protocol
from urllib.parse import urlsplit

from interviews.items import Bank, Item
from interviews.personas.cast import Persona, fields
from interviews.personas.conduct import Turn

MOST_STEPS = 400
PATIENCE = 6  # times that somebody asks again when the model does not answer


class Stuck(Exception):
    """The pages led nowhere; the message says where."""


class Client(Protocol):
    """What opens pages; Flask's test client is one."""

    def get(self, path: str, **how: Any) -> Any:
        """Open a page."""

    def post(self, path: str, **how: Any) -> Any:
        """Send a form."""


@dataclass
class Form:
    """A form of a page, with what stands in it."""

    action: str
    marks: dict[str, str | None]
    values: dict[str, str] = field(default_factory=dict)
    names: set[str] = field(default_factory=set)
    choices: dict[str, list[str]] = field(default_factory=dict)


@dataclass
class Visit:
    """An interview that a persona takes: what was shown, and how it went."""

    client: Client
    persona: Persona
    bank: Bank
    language: str
    random: Random
    turns: list[Turn] = field(default_factory=list)
    items: dict[int, Item] = field(default_factory=dict)
    interview_id: int = 0
    refusals: int = 0  # the model did not answer
    went_without: bool = False
    times: list[float] = field(default_factory=list)

    def take(self, mode: str) -> None:
        """Start the interview and go on until there is nothing more to answer."""
        page = self._start(mode)
        for _step in range(MOST_STEPS):
            if page.path.endswith("/result"):
                return
            page = self._go_on(page)
        raise Stuck(f"{self.persona.name}: no end after {MOST_STEPS} pages, at {page.path}")

    def _start(self, mode: str) -> "Page":
        page = self._open(f"/interviews/before/{self.bank.field.value}")
        form = page.form(lambda one: "consent" in one.names)
        asked = {"consent": "y", "mode": mode}
        asked |= {"ai_consent": "y"} if "ai_consent" in form.names else {}
        page = self._send(form, asked)
        self.interview_id = int(page.path.split("/")[2])
        return page

    def _go_on(self, page: "Page") -> "Page":
        for form in page.forms:
            if "data-item" in form.marks:
                return self._answer(form)
        for form in page.forms:
            if "data-reply" in form.marks and "hidden" not in form.marks:
                return self._reply(form)
        for form in page.forms:
            if form.action.endswith("/talk/begin") and not page.has("/talk/next"):
                return self._send(form, {"language": self.language})
        for form in page.forms:
            if form.action.endswith("/talk/next"):
                return self._wait(form)
        raise Stuck(f"{self.persona.name}: no form to send at {page.path}")

    def _wait(self, form: Form) -> "Page":
        """Let the interviewer speak; go on without it when it does not for too long."""
        shown = self._send(form, {})
        if shown.has("/talk/next"):
            self.refusals += 1
            away = [one for one in shown.forms if one.action.endswith("/talk/without")]
            if self.refusals % PATIENCE == 0 and away:
                self.went_without = True
                return self._send(away[-1], {})
        return shown

    def _answer(self, form: Form) -> "Page":
        item = self.bank.item(str(form.marks["data-item"]))
        place = int(form.values["position"])
        if place not in self.items:
            self.items[place] = item
            self._say("interviewer", "question", place, item.question.prompt.in_(self.language))
        given = fields(self.persona, item, self.language, self.random)
        self._say("candidate", "answer", place, str(given.get("answer", "")))
        return self._send(form, given)

    def _reply(self, form: Form) -> "Page":
        said = self.persona.small_talk[self.language == "fr"]
        return self._send(form, {"text": said} if said else {"nothing": "1"})

    def _say(self, role: str, kind: str, place: int, text: str) -> None:
        self.turns.append(Turn(len(self.turns) + 1, role, kind, place, text, self.language))

    def _open(self, path: str) -> "Page":
        begun = time.monotonic()
        response = self.client.get(path, follow_redirects=True)
        self.times.append(time.monotonic() - begun)
        return Page(response)

    def _send(self, form: Form, values: dict[str, Any]) -> "Page":
        begun = time.monotonic()
        response = self.client.post(form.action, data=form.values | values, follow_redirects=True)
        self.times.append(time.monotonic() - begun)
        return Page(response)


class Page(HTMLParser):
    """An answer, read as a page: where it is, and its forms."""

    def __init__(self, response: Any) -> None:
        super().__init__()
        if response.status_code >= 400:
            raise Stuck(f"{response.status_code} at {response.request.path}")
        self.path = urlsplit(response.request.path).path
        self.forms: list[Form] = []
        self._open: Form | None = None
        self._area: str | None = None
        self.feed(response.text)

    def form(self, fits: Any) -> Form:
        """Return the first form that fits."""
        for one in self.forms:
            if fits(one):
                return one
        raise Stuck(f"no such form at {self.path}")

    def has(self, action: str) -> bool:
        """Return whether there is a form that is sent to such an address."""
        return any(one.action.endswith(action) for one in self.forms)

    def handle_starttag(self, tag: str, attrs: Sequence[tuple[str, str | None]]) -> None:
        """Note forms and what stands in their fields."""
        marks = dict(attrs)
        if tag == "form":
            self._open = Form(marks.get("action") or self.path, marks)
            self.forms.append(self._open)
        name = marks.get("name")
        if self._open is None or name is None:
            return
        if tag == "input":
            self._open.names.add(name)
            kind = marks.get("type") or "text"
            if kind in ("hidden", "text") or "checked" in marks:
                self._open.values[name] = marks.get("value") or ""
        elif tag in ("textarea", "select"):
            self._open.names.add(name)

    def handle_endtag(self, tag: str) -> None:
        """Close the form."""
        if tag == "form":
            self._open = None


def seeded(persona: Persona, seed: int) -> Random:
    """Return chance that is the same whenever the same persona comes with the same seed."""
    return Random(f"{persona.name}:{seed}")  # noqa: S311 - it guards nothing


def address(persona: Persona) -> str:
    """Return an address that nobody else has."""
    return f"persona-{persona.name}-{secrets.token_hex(4)}@personas.invalid"
