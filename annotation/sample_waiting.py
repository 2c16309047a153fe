"""Work samples near the line that wait for a person of their project: since when, and what follows.

The one place for what the sweep does with those that nobody looks at in time.
"""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, and_, func
from sqlalchemy import select as select_columns
from sqlmodel import Session, col

from accounts.models import Organisation
from annotation import sample
from annotation.sample_models import SampleState, WorkSample
from experts.models import Expert
from projects.models import Project

READ_WITHIN = timedelta(days=7)


@dataclass(frozen=True)
class Counts:
    """How many wait, how many are late, and how many of these no rule will ever decide."""

    waiting: int
    late: int
    stuck: int
    first: datetime | None


def waits() -> ColumnElement[bool]:
    """Return the condition of an attempt that waits for a person."""
    return col(WorkSample.state) == SampleState.REVIEW


def passes_alone() -> ColumnElement[bool]:
    """Return the condition of an attempt that the sweep may let pass: enough of it was answered."""
    card: Any = WorkSample.scorecard
    return and_(
        card["tasks"].as_integer() >= sample.LEAST,
        card["high"].as_float() >= card["pass_share"].as_float(),
    )


def counts(session: Session, at: datetime) -> Counts:
    """Return the figures of all that wait."""
    late = col(WorkSample.finished_at) < at - READ_WITHIN
    alone = func.coalesce(passes_alone(), False)
    row = session.execute(
        select_columns(
            func.count(),
            func.count().filter(late),
            func.count().filter(late, ~alone),
            func.min(col(WorkSample.finished_at)),
        ).where(waits())
    ).one()
    return Counts(*row)


def listed(organisation_ids: Collection[int] | None = None) -> Any:
    """Select (attempt, project, organisation, pseudonym, whether the sweep may let pass).

    Those that wait longest come first; of some organisations, or of all.
    """
    query = (
        select_columns(
            WorkSample,
            Project,
            Organisation,
            col(Expert.pseudonym),
            func.coalesce(passes_alone(), False),
        )
        .join(Project, col(Project.id) == col(WorkSample.project_id))
        .join(Organisation, col(Organisation.id) == col(Project.organisation_id))
        .join(Expert, col(Expert.user_id) == col(WorkSample.expert_id))
        .where(waits())
        .order_by(col(WorkSample.finished_at), col(WorkSample.id))
    )
    if organisation_ids is not None:
        query = query.where(col(Project.organisation_id).in_(list(organisation_ids)))
    return query
