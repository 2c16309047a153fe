"""Who is named in the releases of a project: those who agree to it when it is built."""

from typing import Any

from sqlalchemy import cast
from sqlalchemy.dialects.postgresql import JSONB
from sqlmodel import Session, col, func, select

from annotation.models import Assignment
from annotation.validated import VALIDATED
from experts import sharing
from releases.models import Release, ReleaseSeries, State
from releases.rows import annotator


def named(session: Session, project_id: int) -> dict[str, str]:
    """Return the names to put into a release, by the keys that stand in its rows."""
    series = session.get_one(ReleaseSeries, project_id)
    query = select(Assignment.expert_id).where(
        Assignment.project_id == project_id, col(Assignment.state).in_(VALIDATED)
    )
    names = sharing.names_for_provenance(session, session.exec(query.distinct()).all())
    return {annotator(series.annotator_key, one): name for one, name in names.items()}


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
