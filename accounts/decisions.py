"""Decisions about people: adverse or automated, each with reasons, evidence and a way to contest.

Every package records its decisions here, in the transaction of the state that they bring about;
the database refuses an adverse state whose row names no decision that fits.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from flask_babel import force_locale
from sqlalchemy import insert, text
from sqlmodel import Session, col, select
from sqlmodel.sql.expression import SelectOfScalar

from accounts.models import BY_TWO, Decision, DecisionKind
from core import audit, languages
from core.errors import Invalid

WITHOUT_QUOTES = text("UPDATE decision SET evidence = unquoted(evidence) WHERE id = :decision_id")
Words = Mapping[str, str]  # the same words by language


class ReasonsNeeded(Invalid):
    """A decision about a person needs a reason, evidence and what would have changed it."""


class SecondPersonNeeded(Invalid):
    """A restriction or removal is taken by two people."""


@dataclass(frozen=True)
class Evidence:
    """One thing that a decision rests on: words, and where it has them a quote, a page, a time."""

    words: Words
    quote: str = ""
    language: str = ""
    path: str = ""
    at: datetime | None = None

    def stored(self) -> dict[str, Any]:
        """Return it as the row keeps it."""
        return {
            "words": dict(self.words),
            "quote": self.quote,
            "language": self.language,
            "path": self.path,
            "at": self.at.isoformat() if self.at else None,
        }


@dataclass(frozen=True)
class Reason:
    """Why: a code, words, what it rests on, and what would have changed the outcome."""

    code: str
    words: Words
    evidence: Sequence[Evidence]
    would_change: Words

    @property
    def is_whole(self) -> bool:
        """Whether no part of it is missing."""
        said = all(any(one.strip() for one in w.values()) for w in (self.words, self.would_change))
        return bool(self.code.strip() and self.evidence) and said


@dataclass(frozen=True)
class Taken:
    """Who or what took a decision: people by their ids, or a rule with its version."""

    by: int | None = None
    second_by: int | None = None
    rule: str | None = None
    rule_version: str | None = None
    llm_model: str | None = None
    prompt_version: str | None = None


@dataclass(frozen=True)
class About:
    """Whom and what a decision concerns."""

    person_id: int
    subject: str
    title: Words
    path: str
    organisation_id: int | None = None


def record(
    session: Session,
    kind: DecisionKind,
    about: About,
    *,
    taken: Taken,
    reason: Reason,
    at: datetime,
    contest_until: datetime | None = None,
) -> Decision:
    """Store a decision in the caller's transaction and return it with its id."""
    if not reason.is_whole:
        raise ReasonsNeeded
    if kind in BY_TWO and (taken.second_by is None or taken.second_by == taken.by):
        raise SecondPersonNeeded
    values = {
        "kind": kind,
        "person_id": about.person_id,
        "subject": about.subject,
        "title": _kept(about.title),
        "path": about.path,
        "organisation_id": about.organisation_id,
        "decided_at": at,
        "effective_at": at,
        "decided_by": taken.by,
        "second_by": taken.second_by,
        "rule": taken.rule,
        "rule_version": taken.rule_version,
        "llm_model": taken.llm_model,
        "prompt_version": taken.prompt_version,
        "reason_code": reason.code,
        "reason_words": _kept(reason.words),
        "evidence": [one.stored() for one in reason.evidence],
        "would_change": _kept(reason.would_change),
        "contest_until": contest_until,
    }
    # The state that it brings about names its id, and may be half written: nothing is flushed.
    with session.no_autoflush:
        made = session.scalars(insert(Decision).returning(Decision), [values]).one()
    audit.record(
        session,
        f"decision.{kind}",
        by=taken.by,
        subject=about.subject,
        details={"decision_id": made.id, "reason_code": reason.code, "rule": taken.rule},
    )
    return made


def about_person(person_id: int) -> SelectOfScalar[Decision]:
    """Return the query of the decisions about a person, newest first."""
    return select(Decision).where(Decision.person_id == person_id).order_by(col(Decision.id).desc())


def said(words: Callable[[], str]) -> dict[str, str]:
    """Return words in each language of the instance."""
    found = {}
    for language in languages.offered():
        with force_locale(language):
            found[language] = str(words())
    return found


def in_language(words: Words, language: str) -> tuple[str, str]:
    """Return words in a language, or in the one that there is; and which one it is."""
    chosen = language if language in words else next(iter(words))
    return words[chosen], chosen


def unquote(session: Session, decision_id: int) -> None:
    """Take a person's own words out of the evidence of a decision; all else of it stays."""
    # Decisions never change; the database lets words go where they are erased.
    session.execute(text("SELECT set_config('doyen.erasing', 'on', true)"))
    session.execute(WITHOUT_QUOTES, {"decision_id": decision_id})
    session.execute(text("SELECT set_config('doyen.erasing', '', true)"))


def reviewer(user_id: int | None) -> str:
    """Return the name under which a person's decisions are known."""
    return f"R-{user_id:03}" if user_id is not None else ""


def deciders(decision: Decision) -> Iterable[int]:
    """Return the people who took a decision."""
    return [one for one in (decision.decided_by, decision.second_by) if one is not None]


def _kept(words: Words) -> dict[str, str]:
    return {language: one.strip() for language, one in words.items() if one.strip()}
