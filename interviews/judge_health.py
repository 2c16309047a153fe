"""What the page of the judges shows: versions, gates, figures, and where readings differ."""

from collections import defaultdict
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlmodel import Session, col, func, select

from experts.fields import Field
from interviews import editions, frozen, gate, judge_runs, kappa, rubrics
from interviews.frozen import Frozen
from interviews.judge_models import (
    FrozenAnswer,
    Gate,
    JudgeRun,
    JudgeVersion,
    PersonReading,
)
from interviews.models import Interview, Response

LOOK_BACK = timedelta(days=365)
SHOWN = 50


@dataclass(frozen=True)
class OfField:
    """The gate and the figures of a field."""

    field: Field
    gate: Gate | None
    figures: dict[str, Any] | None


@dataclass(frozen=True)
class Differing:
    """A frozen answer that judges and people read in another way, or the judges themselves."""

    answer: Frozen
    judges: frozenset[str] | None
    people: list[frozenset[str]]


@dataclass(frozen=True)
class Month:
    """How blind readings of people in a month went with judges and forms."""

    month: str
    read: int
    judges: kappa.Agreement
    forms: kappa.Agreement


def versions(session: Session) -> list[tuple[JudgeVersion, JudgeRun | None]]:
    """Return the versions, the last first, each with its last finished run."""
    query = select(JudgeVersion).order_by(col(JudgeVersion.first_used_at).desc()).limit(20)
    return [(one, last_run(session, one.digest)) for one in session.exec(query)]


def last_run(session: Session, version: str) -> JudgeRun | None:
    """Return the last finished run of a version."""
    query = select(JudgeRun).where(
        JudgeRun.version == version, col(JudgeRun.finished_at).is_not(None)
    )
    return session.exec(query.order_by(col(JudgeRun.id).desc()).limit(1)).first()


def under_way(session: Session, version: str) -> tuple[JudgeRun, int] | None:
    """Return the run of a version that is under way, and how many readings it has."""
    query = select(JudgeRun).where(JudgeRun.version == version, col(JudgeRun.finished_at).is_(None))
    run = session.exec(query).first()
    return (run, judge_runs.count_read(session, run)) if run else None


def fields(session: Session, version: str, run: JudgeRun | None) -> list[OfField]:
    """Return each field with the state of its gate and its figures."""
    found = (run.results or {}).get("fields", {}) if run else {}
    return [
        OfField(field, gate.state(session, version, field), found.get(str(field)))
        for field in Field
    ]


def differing(session: Session, run: JudgeRun) -> list[Differing]:
    """Return the answers of a run in which not all read the same."""
    read = judge_runs.read(session, run)
    found = []
    for answer in frozen.current(session):
        if answer.id not in read:
            continue
        judges = read[answer.id]
        if judges is None or any(judges != one for one in answer.people):
            found.append(Differing(answer, judges, list(answer.people)))
    return found[:SHOWN]


def set_size(session: Session) -> dict[str, int]:
    """Return how many answers the frozen set has, and how many wait for a second reader."""
    waiting = select(func.count()).where(col(FrozenAnswer.frozen_at).is_(None))
    every = frozen.current(session)
    return {
        "answers": len(every),
        "ours": sum(one.is_ours for one in every),
        "by_two": sum(len(one.people) > 1 for one in every),
        "waiting": session.exec(waiting.select_from(FrozenAnswer)).one(),
    }


def trend(session: Session, at: datetime) -> list[Month]:
    """Return how the blind readings of each month went with what judges and forms had read."""
    query = (
        select(PersonReading, Response, Interview)
        .join(Response, col(Response.id) == col(PersonReading.response_id))
        .join(Interview, col(Interview.id) == col(Response.interview_id))
        .where(col(PersonReading.undone_at).is_(None), PersonReading.read_at > at - LOOK_BACK)
        .order_by(col(PersonReading.read_at))
    )
    judges: dict[str, list[kappa.Pair]] = defaultdict(list)
    forms: dict[str, list[kappa.Pair]] = defaultdict(list)
    for reading, response, interview in session.exec(query):
        month = f"{reading.read_at:%Y-%m}"
        item = editions.of(session, interview).item(response.item_id)
        forms[month].append((rubrics.points(item, sum(reading.forms.values())), reading.points))
        if reading.judges is not None:
            met = sum(reading.judges.values())
            judges[month].append((rubrics.points(item, met), reading.points))
    return [
        Month(month, len(pairs), kappa.of(judges[month]), kappa.of(pairs))
        for month, pairs in forms.items()
    ]
