"""Listed datasets, and organisations that ask to read them."""

from typing import Any

from sqlmodel import Session

from accounts.models import Organisation
from core.clock import now
from releases import series, summaries
from releases.catalogue_models import ReleaseRequest, Use
from releases.models import ReleaseSeries, Visibility
from tests.factories.annotation import Desk


def make_series(session: Session, desk: Desk, **changes: Any) -> ReleaseSeries:
    """Make the series of a project's releases, listed in the catalogue."""
    made = series.ensure(session, desk.project, at=now())
    made.visibility = changes.get("visibility", Visibility.LISTED)
    made.description = changes.get("description", "Clauses of licences, by lawyers.")
    session.flush()
    summaries.describe(session, made)
    return made


def make_request(
    session: Session, desk: Desk, organisation: Organisation, **changes: Any
) -> ReleaseRequest:
    """Make a request that waits; a state that is answered needs its other columns too."""
    values: dict[str, Any] = {
        "project_id": desk.project_id,
        "organisation_id": organisation.id,
        "asked_by": desk.owner.id,
        "asked_at": now(),
        "use": Use.TRAINING,
        "purpose": "A model that finds clauses in contracts.",
        "licence": "cc-by-4.0",
    }
    made = ReleaseRequest(**(values | changes))
    session.add(made)
    session.flush()
    return made
