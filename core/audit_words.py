"""What audit rows say in words: acts, rows and people. Each package has its own words.

A package's `audit_words.py` holds `ACTIONS` (act to words) and `ROWS` (kind of row to its words and
its page, where the operator has one). It may hold `names(session, ids)`, which tells people,
and `person_of(session, words)`, which finds the one whom somebody typed.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from types import ModuleType
from typing import Any

from flask import Flask, current_app, url_for
from flask_babel import LazyString
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from sqlmodel import Session

from core import look
from core.models import AuditEvent


@dataclass(frozen=True)
class Row:
    """A kind of row: its words with `%(id)s`, and the operator's page of one."""

    words: LazyString
    endpoint: str | None = None
    argument: str = "q"


@dataclass(frozen=True)
class Shown:
    """An audit row as people read it."""

    event: AuditEvent
    act: str
    row: str
    row_url: str
    same_row_url: str
    who: str
    who_url: str | None
    details: list[tuple[str, str]]


ACTIONS = {
    "letter.read": _l("Letter of another person read"),
    "audit.exported": _l("Audit trail downloaded"),
}
ROWS = {
    "letter": Row(_l("Letter %(id)s"), "core.letter", "letter_id"),
    "audit": Row(_l("Audit trail")),
}


class Words:
    """The words of all packages together."""

    def __init__(self, modules: Iterable[ModuleType]) -> None:
        self.modules = list(modules)
        self.actions: dict[str, LazyString] = dict(ACTIONS)
        self.rows: dict[str, Row] = dict(ROWS)
        for module in self.modules:
            self.actions |= module.ACTIONS
            self.rows |= module.ROWS

    def names(self, session: Session, ids: set[int]) -> dict[int, str]:
        """Return how people are called, those of packages to the right first."""
        found: dict[int, str] = {}
        for module in self.modules:
            if hasattr(module, "names"):
                found |= module.names(session, ids)
        return found

    def person_of(self, session: Session, words: str) -> int | None:
        """Return the id of the person whom words name: an id, an address, a pseudonym."""
        finders = [module for module in self.modules if hasattr(module, "person_of")]
        found = (module.person_of(session, words) for module in finders)
        return next((one for one in found if one is not None), None)


def init_app(app: Flask, modules: Iterable[ModuleType]) -> None:
    """Tell an app the words of its packages."""
    app.extensions["doyen.audit_words"] = Words(modules)


def all_words() -> Words:
    """Return the words of the running app."""
    words: Words = current_app.extensions["doyen.audit_words"]
    return words


def row_named(typed: str) -> str:
    """Return a row as it is stored, also where somebody types it as it is shown: “Person 12”."""
    plain = " ".join(typed.replace(":", " ").split()).casefold()
    name, _space, id_ = plain.rpartition(" ")
    if id_.isdecimal() and name == "person":
        return f"user:{id_}"
    for kind, row in all_words().rows.items():
        if id_.isdecimal() and (str(row.words) % {"id": id_}).casefold() == plain:
            return f"{kind}:{id_}"
    return typed.replace(" ", "")


def act(action: str) -> str:
    """Return an act in words; one that nobody has named yet by its key."""
    return str(all_words().actions.get(action, action))


def acts() -> list[tuple[str, str]]:
    """Return every act with its words, in the order of the words."""
    every = [(key, str(words)) for key, words in all_words().actions.items()]
    return sorted(every, key=lambda pair: pair[1].casefold())


def shown(session: Session, events: Sequence[AuditEvent]) -> list[Shown]:
    """Return audit rows in words, with links to what they tell of."""
    ids = {event.by_user_id for event in events if event.by_user_id is not None}
    names = all_words().names(session, ids)
    return [_shown(event, names) for event in events]


def _shown(event: AuditEvent, names: Mapping[int, str]) -> Shown:
    words, url = _row(event.subject)
    same = url_for("audit.audit_trail", row=event.subject)
    by = event.by_user_id
    return Shown(
        event=event,
        act=act(event.action),
        row=words,
        row_url=url or same,
        same_row_url=same,
        who=_("the instance itself") if by is None else names.get(by) or _someone(by),
        who_url=None if by is None else url_for("audit.audit_trail", person=by),
        details=[(key.replace("_", " "), _said(value)) for key, value in event.details.items()],
    )


def _row(subject: str) -> tuple[str, str | None]:
    """Return a row in words, and its page; a kind that nobody has named yet by its key."""
    kind, _colon, id_ = subject.partition(":")
    row = all_words().rows.get(kind)
    if row is None:
        return subject, None
    url = look.page(row.endpoint, **{row.argument: id_}) if row.endpoint else None
    return str(row.words) % {"id": id_}, url


def _someone(id_: int) -> str:
    return str(_("Person %(id)s", id=id_))


def _said(value: Any) -> str:
    if isinstance(value, list):
        return ", ".join(map(str, value))
    return "–" if value is None else str(value)
