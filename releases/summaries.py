"""What the catalogue says of a release: read from its manifest once, when it is published."""

import unicodedata
from typing import Any

from flask_babel import force_locale
from sqlmodel import Session, col, select

from core import languages
from experts.fields import Field
from releases import cards, formats
from releases.catalogue_models import ReleaseSummary
from releases.models import Release, ReleaseSeries, State

AT_ONCE = 100


def keep(session: Session, release: Release) -> None:
    """Set down what the catalogue says of a ready release."""
    if session.get(ReleaseSummary, release.id) is None:
        series = session.get_one(ReleaseSeries, release.project_id)
        session.add(of(release, series.description))


def keep_missing(session: Session) -> int:
    """Set down what is missing: releases that were published before there was a catalogue."""
    known = select(ReleaseSummary.release_id)
    query = (
        select(Release)
        .where(Release.state == State.READY, col(Release.id).not_in(known))
        .limit(AT_ONCE)
    )
    found = session.exec(query).all()
    for release in found:
        keep(session, release)
    return len(found)


def describe(session: Session, series: ReleaseSeries) -> None:
    """Let a project's releases be found by what its owner says of them now."""
    query = select(ReleaseSummary).where(ReleaseSummary.project_id == series.project_id)
    for one in session.exec(query):
        one.words = _with(one.words.partition("\n")[0], series.description)
        one.runs = runs(one.words)


def of(release: Release, description: str = "") -> ReleaseSummary:
    """Return what the catalogue says of a ready release."""
    facts = release.facts
    project = facts["project"]
    labels = sorted({*facts["labels"], *facts["span_labels"]} - {""})
    known = " ".join([release.title, *_names(facts), *_field(project["field"]), *labels])
    words = _with(plain(" ".join(known.split())), description)
    return ReleaseSummary(
        release_id=release.id or 0,
        project_id=release.project_id,
        field=project["field"],
        language=project["language"],
        tasks=cards.short_header(facts)["task_categories"],
        classes=sorted(facts.get("credential_classes") or ()),
        labels=labels,
        agreement=facts["work"].get("agreement_before_review", {}).get("pairs"),
        data_files=sum(len(formats.paths_of(facts, split)) for split in facts["splits"]),
        words=words,
        runs=runs(words),
    )


def plain(words: str) -> str:
    """Return words without capitals and accents, as they are searched."""
    parts = unicodedata.normalize("NFKD", words.casefold())
    return "".join(one for one in parts if not unicodedata.combining(one))


def runs(words: str) -> list[str]:
    """Return every three letters in a row of plain words; shorter words have none."""
    return sorted(
        {word[at : at + 3] for word in words.split() for at in range(len(word) - 2)},
    )


def _with(words: str, description: str) -> str:
    """Return words with the description on lines of its own, from which it can be taken again."""
    return f"{words}\n{plain(description)}" if description else words


def _names(facts: dict[str, Any]) -> list[str]:
    return [facts["name"], facts["organisation"]["slug"], facts["organisation"]["name"]]


def _field(field: str) -> list[str]:
    """Return the field in each language of the instance."""
    found = []
    for language in languages.offered():
        with force_locale(language):
            found.append(str(Field(field).label))
    return found
