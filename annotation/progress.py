"""How far a project is: tasks done, in hand and waiting, agreement, and each expert's work."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from itertools import groupby
from typing import Any

from sqlalchemy import case, func, true
from sqlalchemy import select as select_columns
from sqlmodel import Session, col

from annotation import agreement, gold, review_queue, tally
from annotation.label_config import LabelConfig, parse
from annotation.models import IN_HAND, Annotation, Assignment, State, Task
from annotation.tally import Tally
from core.kept import kept
from experts.models import Expert
from projects.models import Project, id_of

# Measures are taken over the newest answers, so that the page costs the same for any project.
MEASURED = 5000
DAYS = 14
LARGE = 100_000  # tasks of a project whose figures are kept for a while, and not of each moment
DECIDED = (State.ACCEPTED, State.PARTLY_ACCEPTED)
COUNTED = (*IN_HAND, State.SUBMITTED, State.REJECTED)  # the others are tallied


@dataclass(frozen=True)
class Counts:
    """Tasks and answers of a project in numbers."""

    tasks: int
    done: int
    untouched: int
    in_hand: int
    waiting: int
    accepted: int
    rejected: int
    contested: int


@dataclass(frozen=True)
class Measures:
    """What the newest answers say about quality."""

    alpha: float | None
    pairwise: float | None
    compared: int
    gold_right: int
    gold_seen: int


@dataclass(frozen=True)
class ExpertRow:
    """One expert's part in a project."""

    pseudonym: str
    answers: int
    accepted: int
    rejected: int
    in_hand: int
    agreement: float | None
    gold_right: int
    gold_seen: int
    minutes: float | None


@dataclass(frozen=True)
class Page:
    """All that the page of a project's progress shows, as it was at a moment."""

    at: datetime
    counts: Counts
    measures: Measures
    experts: Sequence[ExpertRow]
    by_day: Sequence[tuple[date, int]]
    is_kept: bool


@dataclass
class _Tally:
    agreed: int = 0
    compared: int = 0
    gold_right: int = 0
    gold_seen: int = 0


def page(session: Session, project: Project, *, at: datetime) -> Page:
    """Return what the page of a project shows; of a large one as it was a while ago."""
    if is_large := tally.of(session, id_of(project)).tasks >= LARGE:
        return kept(("progress", project.id), lambda: _page(session, project, at, is_large))
    return _page(session, project, at, is_large)


def counts(session: Session, project: Project) -> Counts:
    """Count the tasks and answers of a project; those of a large one were so a while ago."""
    noted = tally.of(session, id_of(project))
    if noted.tasks >= LARGE:
        return kept(("counts", project.id), lambda: _counts(session, project, noted))
    return _counts(session, project, noted)


def _page(session: Session, project: Project, at: datetime, is_kept: bool) -> Page:
    whole, experts = measures(session, project)
    by_day = accepted_by_day(session, project, at=at)
    return Page(at, counts(session, project), whole, experts, by_day, is_kept)


def _counts(session: Session, project: Project, noted: Tally) -> Counts:
    by_state: dict[State, int] = defaultdict(int)
    rows = session.execute(
        select_columns(col(Assignment.state), func.count())
        .where(col(Assignment.project_id) == project.id, col(Assignment.state).in_(COUNTED))
        .group_by(col(Assignment.state))
    )
    for state, number in rows:
        by_state[state] = number
    return Counts(
        tasks=noted.tasks,
        done=noted.taken - _full_but_undecided(session, project),
        untouched=noted.untouched,
        in_hand=sum(by_state[state] for state in IN_HAND),
        waiting=by_state[State.SUBMITTED],
        accepted=noted.accepted + noted.partly_accepted,
        rejected=by_state[State.REJECTED],
        contested=_contested(session, project),
    )


def measures(
    session: Session, project: Project, *, until: datetime | None = None
) -> tuple[Measures, list[ExpertRow]]:
    """Measure the newest answers of a project, refused ones too, as a whole and by expert.

    With `until`, as they were at a time.
    """
    tallies: dict[int, _Tally] = defaultdict(_Tally)
    config, units = parse(project.label_config), []
    for _task_id, rows in groupby(_newest(session, project, until), key=lambda row: row.task_id):
        answers = list(rows)
        _tally_gold(config, answers, tallies)
        units.append([agreement.answer(row.result) for row in answers])
        _tally_agreement(answers, units[-1], tallies)
    shares = [share for unit in units if (share := agreement.pairwise(unit)) is not None]
    whole = Measures(
        alpha=agreement.alpha(units),
        pairwise=sum(shares) / len(shares) if shares else None,
        compared=len(shares),
        gold_right=sum(tally.gold_right for tally in tallies.values()),
        gold_seen=sum(tally.gold_seen for tally in tallies.values()),
    )
    return whole, _by_expert(session, project, tallies)


def agreed(session: Session, project: Project, *, until: datetime) -> Measures:
    """Return how far the newest answers of a project agreed as they were at a time, all together.

    The same as `measures` says of the whole, without looking at each expert.
    """
    units = [
        [agreement.answer(row.result) for row in rows]
        for _task_id, rows in groupby(_newest(session, project, until), key=lambda row: row.task_id)
    ]
    shares = [share for unit in units if (share := agreement.pairwise(unit)) is not None]
    return Measures(
        alpha=agreement.alpha(units),
        pairwise=sum(shares) / len(shares) if shares else None,
        compared=len(shares),
        gold_right=0,
        gold_seen=0,
    )


def accepted_by_day(session: Session, project: Project, *, at: datetime) -> list[tuple[date, int]]:
    """Return how many answers were accepted on each of the last days, today last."""
    since = (at - timedelta(days=DAYS - 1)).replace(hour=0, minute=0, second=0, microsecond=0)
    day = func.date(col(Assignment.decided_at))
    rows = session.execute(
        select_columns(day, func.count())
        .where(
            col(Assignment.project_id) == project.id,
            col(Assignment.state).in_(DECIDED),
            col(Assignment.decided_at) >= since,
        )
        .group_by(day)
    )
    found = {row[0]: row[1] for row in rows}
    days = [since.date() + timedelta(days=number) for number in range(DAYS)]
    return [(when, found.get(when, 0)) for when in days]


def _full_but_undecided(session: Session, project: Project) -> int:
    """Count tasks without a free slot of which an answer is still out or waits for a verdict."""
    question = (
        select_columns(func.count(func.distinct(col(Assignment.task_id))))
        .join(Task, col(Task.id) == col(Assignment.task_id))
        .where(
            col(Assignment.project_id) == project.id,
            col(Assignment.state).in_((*IN_HAND, State.SUBMITTED)),
            col(Task.slots_left) == 0,
        )
    )
    return int(session.execute(question).scalar_one())


def _contested(session: Session, project: Project) -> int:
    question = review_queue.count_contested(lambda of: of == project.id)
    return int(session.execute(question).scalar_one())


def _newest(session: Session, project: Project, until: datetime | None) -> Sequence[Any]:
    newest = (
        select_columns(
            col(Annotation.task_id),
            col(Annotation.expert_id),
            col(Annotation.result),
            col(Assignment.state),
            col(Task.gold),
        )
        .join(Assignment, col(Assignment.id) == col(Annotation.assignment_id))
        .join(Task, col(Task.id) == col(Annotation.task_id))
        .where(
            col(Annotation.project_id) == project.id,
            true() if until is None else col(Annotation.submitted_at) <= until,
        )
        .order_by(col(Annotation.id).desc())
        .limit(MEASURED)
        .subquery()
    )
    return session.execute(select_columns(newest).order_by(newest.c.task_id)).all()


def _tally_gold(config: LabelConfig, answers: list[Any], tallies: dict[int, _Tally]) -> None:
    for row in answers:
        if row.gold is None:
            continue
        score = gold.score(config, row.result, row.gold)
        if score.is_comparable:
            tally = tallies[row.expert_id]
            tally.gold_seen += 1
            tally.gold_right += score.is_right


def _tally_agreement(
    rows: list[Any], answers: list[agreement.Answer], tallies: dict[int, _Tally]
) -> None:
    """Count for each expert how often the others of a task gave the same answer."""
    for row, own in zip(rows, answers, strict=True):
        if len(answers) > 1:
            tallies[row.expert_id].compared += len(answers) - 1
            tallies[row.expert_id].agreed += answers.count(own) - 1


def _by_expert(
    session: Session, project: Project, tallies: Mapping[int, _Tally]
) -> list[ExpertRow]:
    state = col(Assignment.state)
    handed_in = state.in_((State.SUBMITTED, State.REJECTED, *DECIDED))
    seconds = case((handed_in, col(Assignment.lead_seconds)))
    rows = session.execute(
        select_columns(
            col(Assignment.expert_id),
            col(Expert.pseudonym),
            func.count().filter(handed_in),
            func.count().filter(state.in_(DECIDED)),
            func.count().filter(state == State.REJECTED),
            func.count().filter(state.in_(IN_HAND)),
            func.percentile_cont(0.5).within_group(seconds),
        )
        .join(Expert, col(Expert.user_id) == col(Assignment.expert_id))
        .where(col(Assignment.project_id) == project.id)
        .group_by(col(Assignment.expert_id), col(Expert.pseudonym))
        .order_by(func.count().filter(handed_in).desc(), col(Expert.pseudonym))
    )
    return [_row(tallies.get(expert_id, _Tally()), *rest) for expert_id, *rest in rows]


def _row(
    tally: _Tally,
    pseudonym: str,
    answers: int,
    accepted: int,
    rejected: int,
    in_hand: int,
    seconds: float | None,
) -> ExpertRow:
    return ExpertRow(
        pseudonym=pseudonym,
        answers=answers,
        accepted=accepted,
        rejected=rejected,
        in_hand=in_hand,
        agreement=tally.agreed / tally.compared if tally.compared else None,
        gold_right=tally.gold_right,
        gold_seen=tally.gold_seen,
        minutes=seconds / 60 if seconds is not None else None,
    )
