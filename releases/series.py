"""Series: the name under which a project's releases are loaded, and what they all share."""

import re
import secrets
import unicodedata
from collections.abc import Iterator
from datetime import datetime

from sqlmodel import Session, col, select

from accounts.models import Organisation
from projects.models import Project
from releases.models import ReleaseSeries


def ensure(session: Session, project: Project, *, at: datetime) -> ReleaseSeries:
    """Return a project's series and hold it until the end; the first time, make it."""
    # Names are unique in an organisation, so whoever names a series holds the organisation.
    session.get(Organisation, project.organisation_id, with_for_update=True)
    found = session.get(ReleaseSeries, project.id, with_for_update=True, populate_existing=True)
    if found is not None:
        return found
    assert project.id is not None
    made = ReleaseSeries(
        project_id=project.id,
        organisation_id=project.organisation_id,
        name=_free_name(session, project),
        annotator_key=secrets.token_hex(16),
        created_at=at,
    )
    session.add(made)
    session.flush()  # a release names it
    return made


def _free_name(session: Session, project: Project) -> str:
    taken = set(
        session.exec(
            select(ReleaseSeries.name).where(
                col(ReleaseSeries.organisation_id) == project.organisation_id
            )
        )
    )
    return next(name for name in _names(project.title) if name not in taken)


def _names(title: str) -> Iterator[str]:
    plain = unicodedata.normalize("NFKD", title).encode("ascii", "ignore").decode().lower()
    slug = re.sub(r"[^a-z0-9]+", "-", plain)[:60].strip("-") or "dataset"
    yield slug
    number = 2
    while True:
        yield f"{slug}-{number}"
        number += 1
