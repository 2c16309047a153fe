"""A person at a browser, without the browser: opens pages, fills in their forms, follows on.

It is as patient as a person: a server that is away for a moment is asked again, and a form whose
answer was lost is sent again.
"""

import re
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urljoin, urlsplit

import httpx
from bs4 import BeautifulSoup, Tag

PATIENCE = 180.0  # seconds that a visitor waits for a server that is away
AWAY = {502, 503, 504}

Values = Mapping[str, Any]


class Refused(Exception):
    """A page answered with a refusal; the words of the page are the message."""

    def __init__(self, status: int, url: str, words: str) -> None:
        super().__init__(f"{status} at {url}: {words}")
        self.status = status
        self.words = words


@dataclass(frozen=True)
class Form:
    """A form of a page with what stands in it."""

    action: str
    method: str
    values: dict[str, Any]
    tag: Tag

    @property
    def path(self) -> str:
        """The path that the form is sent to."""
        return urlsplit(self.action).path

    def knows(self, name: str) -> bool:
        """Return whether the form has a field of this name."""
        return self.tag.select_one(f'[name="{name}"]') is not None


class Page:
    """An answer, read as a page."""

    def __init__(self, response: httpx.Response) -> None:
        self.response = response
        self.status = response.status_code
        self.url = str(response.url)
        self.path = response.url.path
        self.soup = BeautifulSoup(response.text, "html.parser")

    @property
    def text(self) -> str:
        """The words of the page, spaces made even."""
        return " ".join(self.soup.get_text(" ").split())

    @property
    def heading(self) -> str:
        """The page's own title."""
        found = self.soup.find("h1")
        return " ".join(found.get_text(" ").split()) if found else ""

    def forms(self) -> list[Form]:
        """Every form that sends something."""
        tags = [tag for tag in self.soup.find_all("form") if isinstance(tag, Tag)]
        return [_form(self.url, tag) for tag in tags]

    def form(self, *, action: str = "", has: str = "") -> Form:
        """Return the form whose action matches and that has a field; complain if there is none."""
        for form in self.forms():
            fits = form.method == "post" and re.search(action, form.path)
            if fits and (not has or form.knows(has)):
                return form
        raise LookupError(f"no form {action!r} {has!r} at {self.url}: {self.text[:300]}")

    def has_form(self, *, action: str = "", has: str = "") -> bool:
        """Return whether there is such a form."""
        try:
            self.form(action=action, has=has)
        except LookupError:
            return False
        return True

    def links(self, pattern: str) -> list[str]:
        """Return the addresses of links that match, each once."""
        found = [str(tag["href"]) for tag in self.soup.find_all("a", href=re.compile(pattern))]
        return list(dict.fromkeys(urljoin(self.url, link) for link in found))


class Visitor:
    """One person with their cookies."""

    def __init__(self, base: str, language: str = "en") -> None:
        self.base = base
        self.client = httpx.Client(
            base_url=base,
            follow_redirects=True,
            timeout=60,
            headers={"Accept-Language": language, "Accept": "text/html"},
        )

    def open(self, path: str) -> Page:
        """Open a page, or raise `Refused`."""
        return _checked(self._ask("GET", path))

    def send(self, form: Form, **values: Any) -> Page:
        """Send a form with some values changed, and return where it leads."""
        page = self.try_send(form, **values)
        if page.status >= 400:
            raise Refused(page.status, page.url, _words(page))
        return page

    def try_send(self, form: Form, **values: Any) -> Page:
        """Send a form and return the answer, a refusal too."""
        files = values.pop("files", None)
        data = {key: value for key, value in (form.values | values).items() if value is not None}
        return Page(self._ask("POST", form.action, data=data, files=files))

    def json(self, path: str) -> Any:
        """Read an address that answers with JSON."""
        response = self._ask("GET", path, headers={"Accept": "application/json"})
        if response.status_code >= 400:
            raise Refused(response.status_code, path, response.text[:500])
        return response.json()

    def post_json(self, path: str, body: Any, token: str) -> httpx.Response:
        """Post JSON as our own scripts do."""
        headers = {"X-CSRFToken": token, "Accept": "application/json"}
        return self._ask("POST", path, json=body, headers=headers)

    def close(self) -> None:
        """Leave."""
        self.client.close()

    def _ask(self, method: str, path: str, **more: Any) -> httpx.Response:
        until = time.monotonic() + PATIENCE
        while True:
            try:
                response = self.client.request(method, path, **more)
            except httpx.TransportError:
                if time.monotonic() > until:
                    raise
            else:
                if response.status_code not in AWAY or time.monotonic() > until:
                    return response
            time.sleep(0.5)


def _checked(response: httpx.Response) -> Page:
    page = Page(response)
    if page.status >= 400:
        raise Refused(page.status, page.url, _words(page))
    return page


def _words(page: Page) -> str:
    errors = page.soup.find(class_="dy-errors") or page.soup.find("main") or page.soup
    return " ".join(errors.get_text(" ").split())[:600]


def _form(url: str, tag: Tag) -> Form:
    action = urljoin(url, str(tag.get("action") or url))
    return Form(action, str(tag.get("method") or "get").lower(), _values(tag), tag)


def _values(form: Tag) -> dict[str, Any]:
    values: dict[str, Any] = {}
    for field in form.find_all(["input", "textarea", "select"]):
        name, kind = str(field.get("name") or ""), str(field.get("type", "text"))
        if not name or kind in ("submit", "button", "file"):
            continue
        if field.name == "textarea":
            values[name] = field.get_text().removeprefix("\n")
        elif field.name == "select":
            chosen = field.find("option", selected=True) or field.find("option")
            if chosen is not None:
                values[name] = chosen.get("value", chosen.get_text())
        elif kind in ("checkbox", "radio"):
            if field.has_attr("checked"):
                _add(values, name, field.get("value", "y"))
        else:
            values[name] = field.get("value", "")
    return values


def _add(values: dict[str, Any], name: str, value: Any) -> None:
    if name in values:
        before = values[name]
        values[name] = [*before, value] if isinstance(before, list) else [before, value]
    else:
        values[name] = value
