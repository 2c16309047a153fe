"""What a release says of the project it comes from: read once, when it is built.

Only what was so by the time it was asked for counts, so that building it again says the same.
"""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import func
from sqlmodel import Session, col, select

from accounts.models import Appeal, AppealOutcome, Organisation
from annotation import label_config, progress
from annotation.models import Assignment, Task, Verdict
from projects.models import Project
from releases.models import Release, ReleaseSeries, State


@dataclass(frozen=True)
class About:
    """A project, its series and the release before, as a build needs them."""

    name: str
    organisation: dict[str, str]
    project: dict[str, Any]
    work: dict[str, Any]
    shown_fields: list[str]
    salt: str | None
    annotator_key: str
    previous: Release | None
    # Reads the names of those who agree to be named, by their keys: asked last, just before the
    # card is written, so that whoever withdraws during a long build is not in it.
    named: Callable[[], dict[str, str]] = dict


def read(session: Session, release: Release) -> About:
    """Read what a release says of its project."""
    project = session.get_one(Project, release.project_id)
    series = session.get_one(ReleaseSeries, release.project_id)
    organisation = session.get_one(Organisation, release.organisation_id)
    return About(
        name=series.name,
        organisation={"slug": organisation.slug, "name": organisation.name},
        project=_project(project),
        work=_work(session, release.project_id, release.asked_at)
        | _before_review(session, project, release.asked_at),
        shown_fields=label_config.variables(project.label_config),
        salt=series.split_salt,
        annotator_key=series.annotator_key,
        previous=newest(session, release.project_id),
    )


def newest(session: Session, project_id: int) -> Release | None:
    """Return the newest ready release of a project."""
    query = (
        select(Release)
        .where(Release.project_id == project_id, Release.state == State.READY)
        .order_by(col(Release.id).desc())
    )
    return session.exec(query).first()


def _project(project: Project) -> dict[str, Any]:
    return {
        "id": project.id,
        "title": project.title,
        "field": str(project.field),
        "language": project.language,
        "guidelines_version": project.guidelines_version,
        "label_config_sha256": hashlib.sha256(project.label_config.encode()).hexdigest(),
        "overlap": project.overlap,
        "validation": str(project.validation),
        "min_years": project.min_years,
        "min_level": project.min_level,
        "price": {"minor": project.price_minor, "currency": project.currency},
    }


def _work(session: Session, project_id: int, at: datetime) -> dict[str, Any]:
    own = Assignment.project_id == project_id
    decided = col(Assignment.decided_at) <= at
    paid = session.execute(
        select(
            func.coalesce(func.sum(Assignment.pay_minor), 0),
            func.coalesce(func.sum(Assignment.lead_seconds), 0),
        ).where(
            own, decided, Assignment.verdict == Verdict.ACCEPTED, col(Assignment.lead_seconds) > 0
        )
    ).one()
    asked = (
        select(func.count())
        .select_from(Appeal)
        .join(Assignment, col(Assignment.decision_id) == col(Appeal.decision_id))
    )
    contested = asked.where(own, col(Appeal.asked_at) <= at)
    changed = contested.where(
        Appeal.outcome == AppealOutcome.CHANGED, col(Appeal.answered_at) <= at
    )
    counted = select(func.count()).select_from(Assignment)
    gold = select(func.count()).select_from(Task)
    return {
        "accepted": session.scalar(counted.where(own, decided, _verdict(Verdict.ACCEPTED))),
        "refused": session.scalar(counted.where(own, decided, _verdict(Verdict.REJECTED))),
        "contested": session.scalar(contested),
        "changed_after_contest": session.scalar(changed),
        "known_answer_tasks": session.scalar(
            gold.where(Task.project_id == project_id, col(Task.gold).is_not(None))
        ),
        "hourly_minor": _hourly(int(paid[0]), int(paid[1])),
    }


def _before_review(session: Session, project: Project, at: datetime) -> dict[str, Any]:
    """Return the agreement of all that was handed in, whatever became of it.

    The rows cannot tell it: whoever was refused is not in them, so what is left agrees more.
    """
    found, _ = progress.measures(session, project, until=at)
    return {
        "agreement_before_review": {
            "alpha": None if found.alpha is None else round(found.alpha, 4),
            "pairs": None if found.pairwise is None else round(found.pairwise, 4),
            "tasks": found.compared,
        }
    }


def _verdict(verdict: Verdict) -> Any:
    return Assignment.verdict == verdict


def _hourly(minor: int, seconds: int) -> int | None:
    """Return what an hour of accepted work has paid, in whole minor units, half up."""
    return (2 * minor * 3600 + seconds) // (2 * seconds) if seconds else None
