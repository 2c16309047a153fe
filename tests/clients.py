"""A test client that acts like a careful browser: it sends CSRF tokens and checks each page."""

import re
import secrets
import time
from html.parser import HTMLParser
from typing import Any

from flask import Flask
from flask.testing import FlaskClient
from itsdangerous import URLSafeTimedSerializer
from jinja2 import FileSystemBytecodeCache

from accounts import sign_ins
from core.clock import now
from core.db import transaction
from tests.database import FOLDER

TEMPLATES = FOLDER / "templates"
UNLABELLED = {"hidden", "submit", "button", "image", "reset"}
VOID_OF_CHECKS = ("/editor/", "/api/v1/", "/icons/")


class CheckedClient(FlaskClient):
    """Opens pages; every whole HTML page is checked for what the house asks of pages."""

    def sign_in(self, user: Any) -> "CheckedClient":
        """Be a person from now on."""
        with self.application.app_context(), transaction() as rows:
            here = sign_ins.Browser("127.0.0.1", "Firefox", "Linux")
            secret = sign_ins.begin(rows, user, here, at=now())
        with self.session_transaction() as session:
            session["sid"] = secret
            session["_user_id"] = user.fs_uniquifier
            session["_fresh"] = True
            session["fs_cc"] = "set"
            session["fs_paa"] = time.time()
        return self

    def open(self, *args: Any, **kwargs: Any) -> Any:
        """Open an address as a browser would, with the token of the session."""
        method = str(kwargs.get("method", "GET")).upper()
        if method not in ("GET", "HEAD") and not kwargs.pop("without_csrf", False):
            headers = dict(kwargs.pop("headers", None) or {})
            headers.setdefault("X-CSRFToken", self._csrf_token())
            kwargs["headers"] = headers
        # A context of its own: one that a fixture holds would remember the person and the
        # language of the request before.
        with self.application.app_context():
            response = super().open(*args, **kwargs)
        if response.mimetype == "text/html" and not response.is_streamed:
            check_page(response.request.path, response.status_code, response.text)
        return response

    def _csrf_token(self) -> str:
        with self.session_transaction() as session:
            raw = session.setdefault("csrf_token", secrets.token_hex(20))
        signer = URLSafeTimedSerializer(self.application.secret_key, salt="wtf-csrf-token")
        return str(signer.dumps(raw))


def use_in(app: Flask) -> None:
    """Let an app's test clients check what they open, and spend no time on what none looks at.

    Each app would compile every template anew, and the hash of an address in a letter's link
    takes half a second.
    """
    app.test_client_class = CheckedClient
    if FOLDER.is_dir():  # a run of tests, which removes it: proofs and benches have none
        TEMPLATES.mkdir(exist_ok=True)
        app.jinja_env.bytecode_cache = FileSystemBytecodeCache(str(TEMPLATES))
    app.extensions["security"].hashing_context.update(sha256_crypt__default_rounds=1000)


def check_page(path: str, status: int, html: str) -> None:
    """Fail when a page lacks a heading, a title that says the same, labels or CSRF tokens."""
    if "<html" not in html or path.startswith(VOID_OF_CHECKS):
        return
    page = _Page()
    page.feed(html)
    assert page.language, f"{path}: <html> has no lang"
    assert len(page.headings) == 1, f"{path}: one <h1> a page, here {page.headings}"
    heading, title = page.headings[0].strip(), page.title.strip()
    if status < 400:
        start = title.removeprefix("Error: ").removeprefix("Erreur : ")
        assert start.startswith(heading), f"{path}: title {title!r} does not start with {heading!r}"
    missing = [name for name, ids in page.fields if not ids & page.labels]
    assert not missing, f"{path}: fields without a label: {missing}"
    assert not page.forms_without_token, f"{path}: a form without csrf_token()"
    assert not page.inline, f"{path}: inline style or script: {page.inline}"


def shown(page: str, said: str) -> str:
    """Return a page without some words and without the signed tokens, which name the second."""
    return re.sub(r'name="csrf_token"[^>]*', "", page).replace(said, "x")


class _Page(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.language = ""
        self.title = ""
        self.headings: list[str] = []
        self.labels: set[str] = set()
        self.fields: list[tuple[str, set[str]]] = []
        self.forms_without_token = 0
        self.inline: list[str] = []
        self._inside: list[str] = []
        self._posting = False
        self._token = False
        self._label_open = False
        self._svg = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        has = {name: value or "" for name, value in attrs}
        if tag == "svg":
            self._svg += 1
        if "style" in has or any(name.startswith("on") for name in has):
            self.inline.append(tag)
        if tag == "html":
            self.language = has.get("lang", "")
        elif tag in ("h1", "title") and not self._svg:
            self._inside.append(tag)
            if tag == "h1":
                self.headings.append("")
        elif tag == "script" and "src" not in has and has.get("type") != "application/json":
            self.inline.append("script")
        elif tag == "label":
            self._label_open = True
            self.labels.add(has.get("for", ""))
        elif tag == "form":
            self._posting = has.get("method", "get").lower() == "post"
            self._token = False
        elif tag in ("input", "select", "textarea"):
            self._field(tag, has)

    def _field(self, tag: str, has: dict[str, str]) -> None:
        if has.get("name") == "csrf_token":
            self._token = True
        if tag == "input" and has.get("type", "text") in UNLABELLED:
            return
        ids = {has.get("id", "?")}
        if self._label_open or "aria-label" in has or "aria-labelledby" in has:
            ids |= self.labels | {""}
            self.labels |= ids
        self.fields.append((has.get("name", tag), ids))

    def handle_endtag(self, tag: str) -> None:
        if tag == "svg":
            self._svg -= 1
        if tag in ("h1", "title") and self._inside and not self._svg:
            self._inside.pop()
        elif tag == "label":
            self._label_open = False
        elif tag == "form":
            if self._posting and not self._token:
                self.forms_without_token += 1
            self._posting = False

    def handle_data(self, data: str) -> None:
        if self._inside and self._inside[-1] == "title":
            self.title += data
        elif self._inside:
            self.headings[-1] += data
