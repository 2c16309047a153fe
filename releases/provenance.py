"""Who is named in the releases of a project: those who agree to it when it is built."""

from collections.abc import Iterable, Sequence
from typing import Any

from sqlalchemy import cast
from sqlalchemy.dialects.postgresql import JSONB
from sqlmodel import Session, col, func, select

from accounts import consents
from accounts.models import Purpose
from annotation import released
from annotation.models import Assignment
from annotation.released import VALIDATED
from experts import sharing
from releases.models import Release, ReleaseSeries, State
from releases.rows import annotator


def named(session: Session, project_ids: Sequence[int]) -> dict[str, str]:
    """Return the names to put into a release, by the keys that stand in its rows."""
    series = session.get_one(ReleaseSeries, project_ids[0])
    names = sharing.names_for_provenance(session, _experts(session, project_ids))
    return {annotator(series.annotator_key, one): name for one, name in names.items()}


def followed(session: Session, project_ids: Sequence[int]) -> dict[int, str]:
    """Return the keys of those who agree to be known from release to release, by their number."""
    series = session.get_one(ReleaseSeries, project_ids[0])
    agreeing = consents.givers_among(
        session, _experts(session, project_ids), Purpose.NAME_IN_PROVENANCE
    )
    return {one: annotator(series.annotator_key, one) for one in sorted(agreeing)}


def with_keys(session: Session, project_ids: Sequence[int], keys: Iterable[str]) -> dict[int, str]:
    """Return those whose keys a release holds: what it says when it is built again."""
    series, wanted = session.get_one(ReleaseSeries, project_ids[0]), set(keys)
    found = {one: annotator(series.annotator_key, one) for one in _experts(session, project_ids)}
    return {one: key for one, key in sorted(found.items()) if key in wanted}


def _experts(session: Session, project_ids: Sequence[int]) -> list[int]:
    # Also answers that wait for a verdict may be in a release.
    return list(session.scalars(released.experts_of(project_ids, waiting=True)))


def listed(names: dict[str, str], keys: Any) -> list[dict[str, str]]:
    """Return the names whose keys are in the rows, as the manifest states them."""
    return [{"annotator": key, "name": names[key]} for key in sorted(names) if key in keys]


def naming(session: Session, expert_id: int) -> int:
    """Return how many published releases name a person."""
    series = session.exec(
        select(ReleaseSeries)
        .join(Assignment, col(Assignment.project_id) == col(ReleaseSeries.project_id))
        .where(Assignment.expert_id == expert_id, col(Assignment.state).in_(VALIDATED))
        .distinct()
    ).all()
    return sum(_naming(session, one, annotator(one.annotator_key, expert_id)) for one in series)


def _naming(session: Session, series: ReleaseSeries, key: str) -> int:
    held = cast(col(Release.manifest)["named"], JSONB).contains([{"annotator": key}])
    query = select(func.count()).where(
        Release.project_id == series.project_id, Release.state == State.READY, held
    )
    return session.exec(query).one()
