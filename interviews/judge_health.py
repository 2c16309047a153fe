"""What the page of the judges shows: versions, gates, figures, and where readings differ."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlmodel import Session, col, func, select

from core.settings import Settings
from experts.fields import Field
from interviews import (
    correlation,
    editions,
    frozen,
    frozen_reading,
    gate,
    judge_runs,
    kappa,
    measures,
    rubrics,
)
from interviews.frozen import Frozen
from interviews.items import Bank
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
    is_open: bool
    is_below: bool  # it was opened, and the settings ask for more now


@dataclass(frozen=True)
class Differing:
    """A frozen answer that judges and people read in another way, or the judges themselves.

    Who has not read it yet and may is not shown what the others found: `is_hidden`.
    """

    answer: Frozen
    judges: frozenset[str] | None
    people: list[tuple[int | None, frozenset[str]]]
    is_hidden: bool


@dataclass(frozen=True)
class Blind:
    """A blind reading by a person of an answer in an interview, as points, with its length."""

    month: str
    person: float
    forms: float
    judges: float | None
    words: int | None  # None once the words are deleted


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
    found = session.exec(query).all()
    newest = (
        select(func.max(JudgeRun.id))
        .where(
            col(JudgeRun.version).in_([one.digest for one in found]),
            col(JudgeRun.finished_at).is_not(None),
        )
        .group_by(col(JudgeRun.version))
    )
    finished = session.exec(select(JudgeRun).where(col(JudgeRun.id).in_(newest)))
    last = {run.version: run for run in finished}
    return [(one, last.get(one.digest)) for one in found]


def under_way(session: Session, version: str) -> tuple[JudgeRun, int] | None:
    """Return the run of a version that is under way, and how many readings it has."""
    query = select(JudgeRun).where(JudgeRun.version == version, col(JudgeRun.finished_at).is_(None))
    run = session.exec(query).first()
    return (run, judge_runs.count_read(session, run)) if run else None


def fields(
    session: Session, version: str, run: JudgeRun | None, settings: Settings
) -> list[OfField]:
    """Return each field with the state of its gate and its figures."""
    found = (run.results or {}).get("fields", {}) if run else {}
    return [
        _of_field(session, gate.state(session, version, field), field, found, settings)
        for field in Field
    ]


def _of_field(
    session: Session,
    state: Gate | None,
    field: Field,
    found: dict[str, Any],
    settings: Settings,
) -> OfField:
    figures, is_open = found.get(str(field)), gate.holds(session, state, settings)
    if figures is not None:  # what lacks is said by the bars of now, not by those of the run
        bars = measures.bars(settings)
        figures = figures | {"lacks": measures.lacking(figures, bars, bars.answers_per_field)}
    is_below = state is not None and state.is_open and not is_open
    return OfField(field, state, figures, is_open, is_below)


def differing(session: Session, run: JudgeRun, user_id: int) -> list[Differing]:
    """Return the answers of a run in which not all read the same, as one person may see them.

    Words of people are not shown here but on pages of their own, where each look is on record.
    """
    read = judge_runs.read(session, run)
    found = []
    for answer in frozen.current(session):
        if answer.id not in read or answer.is_of(user_id):
            continue
        judges = read[answer.id]
        if judges is None or any(judges != one for one in answer.people):
            people = list(zip(answer.readers, answer.people, strict=True))
            is_hidden = bool(frozen_reading.open_to([answer], user_id))
            found.append(Differing(answer, judges, people, is_hidden))
    return found[:SHOWN]


def set_size(session: Session) -> dict[str, int]:
    """Return how many answers the frozen set has, by whom they were read, and how many wait."""
    waiting = select(func.count()).where(col(FrozenAnswer.frozen_at).is_(None))
    every = frozen.current(session)
    return {
        "answers": len(every),
        "ours": sum(one.is_ours for one in every),
        "by_one": sum(len(one.people) == 1 for one in every),
        "by_two": sum(len(one.people) > 1 for one in every),
        "readers": len({reader for one in every for reader in one.readers}),
        "waiting": session.exec(waiting.select_from(FrozenAnswer)).one(),
    }


def blind(session: Session, at: datetime) -> list[Blind]:
    """Return the blind readings of answers in interviews in the last year, the oldest first."""
    query = (
        select(PersonReading, Response, Interview)
        .join(Response, col(Response.id) == col(PersonReading.response_id))
        .join(Interview, col(Interview.id) == col(Response.interview_id))
        .where(col(PersonReading.undone_at).is_(None), PersonReading.read_at > at - LOOK_BACK)
        .order_by(col(PersonReading.read_at))
    )
    banks: dict[tuple[Any, ...], Bank] = {}
    found = []
    for reading, response, interview in session.exec(query):
        key = (interview.edition, interview.template_id, repr(interview.part))
        if key not in banks:
            banks[key] = editions.of(session, interview)
        item, judges = banks[key].item(response.item_id), reading.judges
        found.append(
            Blind(
                month=f"{reading.read_at:%Y-%m}",
                person=reading.points,
                forms=rubrics.points(item, sum(reading.forms.values())),
                judges=rubrics.points(item, sum(judges.values())) if judges is not None else None,
                words=correlation.words(response.answer["text"]) if response.answer else None,
            )
        )
    return found


def lengths(readings: Sequence[Blind]) -> dict[str, Any]:
    """Return how points of interviews went with the length of answers, where judges read too."""
    return correlation.of_points(
        [
            (one.words, one.judges, one.person)
            for one in readings
            if one.words is not None and one.judges is not None
        ]
    )


def trend(readings: Sequence[Blind]) -> list[Month]:
    """Return how the blind readings of each month went with what judges and forms had read."""
    judges: dict[str, list[kappa.Pair]] = defaultdict(list)
    forms: dict[str, list[kappa.Pair]] = defaultdict(list)
    for one in readings:
        forms[one.month].append((one.forms, one.person))
        if one.judges is not None:
            judges[one.month].append((one.judges, one.person))
    return [
        Month(month, len(pairs), kappa.of(judges[month]), kappa.of(pairs))
        for month, pairs in forms.items()
    ]
