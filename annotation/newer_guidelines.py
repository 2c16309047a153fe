"""What has changed in the guidelines since a task was taken; the task keeps its version.

Long texts are compared by paragraph, and very long ones not at all: the new text stands as it is.
"""

from dataclasses import dataclass
from datetime import datetime
from difflib import SequenceMatcher

from sqlmodel import Session

from annotation.models import Assignment
from projects import guidelines
from projects.models import Project

COMPARED_AT_MOST = 400


@dataclass(frozen=True)
class Part:
    """A paragraph that was added or taken out."""

    words: str
    is_added: bool


@dataclass(frozen=True)
class Newer:
    """A version that counts for later tasks; `parts` is none where the texts are too long."""

    version: int
    written_at: datetime
    text: str
    parts: tuple[Part, ...] | None


def of(session: Session, lease: Assignment, project: Project) -> Newer | None:
    """Return the version that is newer than the lease's, if there is one."""
    began_with = lease.terms["guidelines_version"]
    if project.guidelines_version <= began_with:
        return None
    newest = guidelines.version(session, lease.project_id, project.guidelines_version)
    if newest is None:
        return None
    before = guidelines.version(session, lease.project_id, began_with)
    parts = compare(before.text if before else "", newest.text)
    return Newer(newest.version, newest.written_at, newest.text, parts)


def compare(before: str, after: str) -> tuple[Part, ...] | None:
    """Return the paragraphs that differ, in their order."""
    old, new = paragraphs(before), paragraphs(after)
    if max(len(old), len(new)) > COMPARED_AT_MOST:
        return None
    found = []
    for kind, i1, i2, j1, j2 in SequenceMatcher(None, old, new, autojunk=False).get_opcodes():
        if kind != "equal":
            found += [Part(words, is_added=False) for words in old[i1:i2]]
            found += [Part(words, is_added=True) for words in new[j1:j2]]
    return tuple(found)


def paragraphs(text: str) -> list[str]:
    """Return the paragraphs of a text."""
    return [part.strip() for part in text.replace("\r\n", "\n").split("\n\n") if part.strip()]
