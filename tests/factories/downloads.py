"""Releases that somebody has loaded."""

from typing import Any

from sqlmodel import Session

from core.clock import now
from releases.delivery_models import ReleaseDownload, Way
from releases.models import Release
from tests.factories.annotation import Desk


def make_asked_release(session: Session, desk: Desk, **changes: Any) -> Release:
    """Make the row of a release that was asked for, without a job that builds it."""
    values: dict[str, Any] = {
        "project_id": desk.project_id,
        "organisation_id": desk.project.organisation_id,
        "title": desk.project.title,
        "changelog": "First release.",
        "licence": "other",
        "asked_by": desk.owner.id,
        "asked_at": now(),
    }
    release = Release(**(values | changes))
    session.add(release)
    session.flush()
    return release


def make_download(session: Session, release: Release, **changes: Any) -> ReleaseDownload:
    """Make a row that says that a file was loaded."""
    values: dict[str, Any] = {
        "release_id": release.id,
        "organisation_id": release.organisation_id,
        "way": Way.PAGE,
        "path": "README.md",
        "day": now().date(),
        "times": 1,
        "bytes": 10,
        "first_at": now(),
        "last_at": now(),
    }
    loaded = ReleaseDownload(**(values | changes))
    session.add(loaded)
    session.flush()
    return loaded
