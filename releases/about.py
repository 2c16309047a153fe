"""What a release says of the project it comes from: read once, when it is built.

Only what was so by the time it was asked for counts, so that building it again says the same.
"""

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Any

from sqlalchemy import func
from sqlmodel import Session, col, select

from accounts.models import Appeal, AppealOutcome, Organisation
from accounts.privacy_models import Erasure
from annotation import label_config, progress, released
from annotation.models import Assignment, Task, Verdict
from core.settings import current_settings
from experts.models import Skill
from projects.models import Project, id_of
from releases import person_names, recipe, splits
from releases.models import Release, ReleaseSeries, State
from releases.rows import Setting


@dataclass(frozen=True)
class About:
    """A project, its series and the release before, as a build needs them."""

    name: str
    organisation: dict[str, str]
    project: dict[str, Any]
    projects: list[dict[str, Any]]
    # Counts what was done and paid, which takes a while: asked when the manifest is written.
    work: Callable[[], dict[str, Any]]
    erased: int
    shown_fields: list[str]
    label_options: list[str]
    # How rows are split since the first release; none before it.
    rule: splits.Rule | None
    setting: Setting
    annotator_key: str
    previous: Release | None
    # Reads the names of those who agree to be named, by their keys: asked last, just before the
    # card is written, so that whoever withdraws during a long build is not in it.
    named: Callable[[], dict[str, str]] = dict
    # Reads whose key is the same in all releases, by their number: those who agree to it.
    followed: Callable[[], dict[int, str]] = dict


def read(session: Session, release: Release) -> About:
    """Read what a release says of its projects."""
    project = session.get_one(Project, release.project_id)
    series = session.get_one(ReleaseSeries, release.project_id)
    organisation = session.get_one(Organisation, release.organisation_id)
    made = recipe.read(release.recipe)
    ids = [release.project_id, *made.others]
    every = [session.get_one(Project, one) for one in ids]
    config = label_config.parse(project.label_config)
    return About(
        name=series.name,
        organisation={"slug": organisation.slug, "name": organisation.name},
        project=_project(project),
        projects=[{"id": one.id, "title": one.title} for one in every],
        work=partial(work_of, session, release),
        erased=_erased(session, ids, release.asked_at),
        shown_fields=label_config.variables(project.label_config),
        label_options=[
            option
            for control in config.controls.values()
            if control.kind == "Choices"
            for option in control.options
        ],
        rule=splits.rule(series.split_rule) if series.split_rule else None,
        setting=Setting(
            made,
            release.project_id,
            levels(session, every, release.asked_at),
            person_names.finder(current_settings().name_pipelines, project.language)
            if made.names
            else None,
        ),
        annotator_key=series.annotator_key,
        previous=_before(session, release),
    )


def work_of(session: Session, release: Release) -> dict[str, Any]:
    """Return what was done and paid in the projects of a release, and how far people agreed."""
    project = session.get_one(Project, release.project_id)
    ids = [release.project_id, *recipe.read(release.recipe).others]
    counts = _work(session, ids, release.asked_at)
    return counts | _before_review(session, project, release.asked_at)


def _before(session: Session, release: Release) -> Release | None:
    """Return the newest ready release that was asked for before another one."""
    query = (
        select(Release)
        .where(
            Release.project_id == release.project_id,
            Release.state == State.READY,
            col(Release.id) < release.id if release.id is not None else col(Release.id) > 0,
        )
        .order_by(col(Release.id).desc())
    )
    return session.exec(query).first()


def levels(
    session: Session, projects: Sequence[Project], at: datetime
) -> dict[tuple[int, int], float]:
    """Return the best level that each expert of each project had proven in its field."""
    found: dict[tuple[int, int], float] = {}
    for project in projects:
        query = (
            select(Skill.expert_id, func.max(Skill.level))
            .where(
                Skill.field == project.field,
                col(Skill.passed_at) <= at,
                col(Skill.expert_id).in_(released.experts_of([id_of(project)])),
            )
            .group_by(col(Skill.expert_id))
        )
        found |= {(id_of(project), one): level for one, level in session.execute(query)}
    return found


def _erased(session: Session, project_ids: Sequence[int], at: datetime) -> int:
    """Return how many of those who worked on projects have been erased; never who."""
    query = select(func.count()).where(
        col(Erasure.done_at) <= at, col(Erasure.user_id).in_(released.experts_of(project_ids))
    )
    return session.exec(query).one()


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


def _work(session: Session, project_ids: Sequence[int], at: datetime) -> dict[str, Any]:
    own = col(Assignment.project_id).in_(project_ids)
    decided = col(Assignment.decided_at) <= at
    timed = _verdict(Verdict.ACCEPTED) & (col(Assignment.lead_seconds) > 0)
    # One walk through all assignments, of which there may be millions.
    paid = session.execute(
        select(
            func.coalesce(func.sum(Assignment.pay_minor).filter(timed), 0),
            func.coalesce(func.sum(Assignment.lead_seconds).filter(timed), 0),
            func.count().filter(_verdict(Verdict.ACCEPTED)),
            func.count().filter(_verdict(Verdict.REJECTED)),
        ).where(own, decided)
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
    gold = select(func.count()).select_from(Task)
    return {
        "accepted": paid[2],
        "refused": paid[3],
        "contested": session.scalar(contested),
        "changed_after_contest": session.scalar(changed),
        "known_answer_tasks": session.scalar(
            gold.where(col(Task.project_id).in_(project_ids), col(Task.gold).is_not(None))
        ),
        "hourly_minor": _hourly(int(paid[0]), int(paid[1])),
    }


def _before_review(session: Session, project: Project, at: datetime) -> dict[str, Any]:
    """Return the agreement of all that was handed in, whatever became of it.

    The rows cannot tell it: whoever was refused is not in them, so what is left agrees more.
    """
    found = progress.agreed(session, project, until=at)
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
