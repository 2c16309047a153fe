"""What the last comparisons of mirrors have found, for the operator's page. Reads only."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from flask_babel import lazy_gettext as _l
from sqlalchemy import Integer, cast, func, or_
from sqlmodel import Session, col, select

from accounts.models import Organisation
from annotation import mirror_runs, mirror_verdicts
from annotation.mirror_models import (
    EditState,
    MirrorGate,
    MirrorLook,
    MirrorRun,
    OutsideEdit,
)
from annotation.models import Annotation, LabelStudioProject
from projects.models import Project, State, id_of

# What a repair mends by itself, in the order of the page.
MENDED = {
    "projects_lost": _l("the project is not there"),
    "users_lost": _l("users for experts missing"),
    "tasks_lost": _l("tasks missing"),
    "answers_lost": _l("answers missing"),
    "extras_lost": _l("skips or known answers missing"),
    "predictions_lost": _l("predictions missing"),
    "verdicts_lost": _l("tasks that lack verdicts"),
    "reviews_lost": _l("reviews missing"),
}
# What only people decide about.
FOR_PEOPLE = {
    "answers_changed": _l("answers changed there"),
    "answers_unknown": _l("answers of others"),
    "tasks_unknown": _l("tasks of others"),
}


@dataclass(frozen=True)
class Line:
    """One project, and how its mirror is."""

    project: Project
    there: int | None
    run: MirrorRun | None
    trouble: str | None
    tasks_left: int
    answers_left: int
    verdicts_left: int
    refused: int
    verdicts_refused: int
    edits_open: int

    @property
    def mended(self) -> list[tuple[Any, int]]:
        """What the last comparison found and a repair puts right."""
        return self._found(MENDED)

    @property
    def for_people(self) -> list[tuple[Any, int]]:
        """What the last comparison found and people decide about."""
        return self._found(FOR_PEOPLE)

    def _found(self, names: dict[str, Any]) -> list[tuple[Any, int]]:
        found = self.run.found if self.run else {}
        return [(words, found[name]) for name, words in names.items() if found.get(name)]


def projects() -> Any:
    """Select the projects that Label Studio should have, the newest first."""
    return select(Project).where(Project.state != State.DRAFT).order_by(col(Project.id).desc())


def lines(session: Session, found: Sequence[Project]) -> list[Line]:
    """Say of some projects how their mirrors are."""
    ids = [id_of(project) for project in found]
    runs = mirror_runs.latest(session, ids)
    there = {
        row.project_id: row.label_studio_project_id
        for row in session.exec(
            select(LabelStudioProject).where(col(LabelStudioProject.project_id).in_(ids))
        )
    }
    looks = {
        row.project_id: row.trouble
        for row in session.exec(select(MirrorLook).where(col(MirrorLook.project_id).in_(ids)))
    }
    refused = _counts(
        session,
        Annotation.project_id,
        col(Annotation.project_id).in_(ids),
        col(Annotation.push_trouble).is_not(None),
    )
    open_edits = _counts(
        session,
        OutsideEdit.project_id,
        col(OutsideEdit.project_id).in_(ids),
        col(OutsideEdit.state) == EditState.OPEN,
    )
    verdict_troubles = mirror_verdicts.troubles(session, ids)
    rows = []
    for project in found:
        number = id_of(project)
        tasks_left, answers_left = mirror_runs.to_bring(session, number)
        run = runs.get(number)
        rows.append(
            Line(
                project=project,
                there=there.get(number),
                run=run,
                trouble=(run.trouble if run else None) or looks.get(number),
                tasks_left=tasks_left,
                answers_left=answers_left,
                verdicts_left=mirror_verdicts.count_left(session, number),
                refused=refused.get(number, 0),
                verdicts_refused=verdict_troubles.get(number, 0),
                edits_open=open_edits.get(number, 0),
            )
        )
    return rows


def count_differing(session: Session) -> int:
    """Count the projects whose last finished comparison found what a repair would mend."""
    newest = (
        select(func.max(MirrorRun.id))
        .where(col(MirrorRun.ended_at).is_not(None))
        .group_by(col(MirrorRun.project_id))
    )
    found: Any = col(MirrorRun.found)
    differs = or_(*(cast(found[name].astext, Integer) > 0 for name in MENDED))
    return session.exec(
        select(func.count()).where(
            col(MirrorRun.id).in_(newest), col(MirrorRun.mends).is_(False), differs
        )
    ).one()


def gates(session: Session) -> list[tuple[Organisation, MirrorGate | None, int]]:
    """Return the organisations with published projects, whether their way in is open, how many."""
    rows = session.execute(
        select(Organisation, MirrorGate, func.count(col(Project.id)))
        .join(Project, col(Project.organisation_id) == col(Organisation.id))
        .outerjoin(MirrorGate, col(MirrorGate.organisation_id) == col(Organisation.id))
        .where(Project.state != State.DRAFT)
        .group_by(col(Organisation.id), col(MirrorGate.organisation_id))
        .order_by(Organisation.name)
        .limit(200)
    )
    return [(organisation, gate, count) for organisation, gate, count in rows]


def _counts(session: Session, by: Any, *where: Any) -> dict[int, int]:
    rows = session.execute(select(by, func.count()).where(*where).group_by(by))
    return {row[0]: row[1] for row in rows}
