"""A run of the judges over the frozen set: asked answer by answer, so that it can stop anywhere."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import text
from sqlalchemy.dialects.postgresql import insert
from sqlmodel import Session, col, func, or_, select

from core import audit, jobs
from core.settings import Settings
from interviews import frozen, frozen_reading, gate, judges, measures
from interviews.frozen import Frozen
from interviews.judge_models import Judged, JudgeRun, JudgeRunReading
from interviews.judges import Heard, Judges
from interviews.measures import Met

HELD = timedelta(minutes=15)
AGAIN_AFTER = timedelta(minutes=5)
AT_MOST = timedelta(hours=6)
COPY = text("""
    insert into judge_run_reading (run_id, frozen_id, judge, outcome, met, at)
    select :made, frozen_id, judge, outcome, met, at from judge_run_reading where run_id = :before
""")


@dataclass(frozen=True)
class Question:
    """What one judge is still to be asked."""

    judge: int
    answer: Frozen


def begin(
    session: Session,
    having: Judges,
    *,
    by: int | None,
    at: datetime,
    again: JudgeRun | None = None,
) -> JudgeRun:
    """Begin a run of the judges as they are, or return the one that is under way.

    One that counts another `again` has what judges read in that; they are asked for the rest only.
    """
    frozen.load_starter(session, at)
    version = judges.keep(session, having, at)
    before = again.id if again is not None else None
    made = session.execute(
        insert(JudgeRun)
        .values(version=version, asked_by=by, begun_at=at, counted_from=before)
        .on_conflict_do_nothing()
        .returning(col(JudgeRun.id))
    ).scalar()
    if made is None:
        # The last one: that under way, or one that has just finished.
        query = select(JudgeRun).where(JudgeRun.version == version)
        return session.exec(query.order_by(col(JudgeRun.id).desc()).limit(1)).one()
    subject = f"judge_version:{version[:12]}"
    audit.record(session, "judges.check", by=by, subject=subject, details={"run": made})
    if before is not None:
        session.execute(COPY, {"made": made, "before": before})
    lock = f"judge-run-{made}"
    jobs.defer(session, "interviews.check_judges", lock=lock, queueing_lock=lock, run_id=made)
    return session.get_one(JudgeRun, made)


def count_again(
    session: Session, having: Judges, settings: Settings, *, by: int, at: datetime
) -> JudgeRun | None:
    """Count what judges read in the last run beside all that people have read since.

    Nobody is asked where judges have read all answers already. None without such a run, and where
    nothing is new since.
    """
    last = last_finished(session, having.version)
    if last is None or not frozen_reading.since(session, last.finished_at):
        return None
    run = begin(session, having, by=by, at=at, again=last)
    if run.counted_from is not None and run.finished_at is None and not _missing(session, run):
        finish(session, run.key, settings, at)
    return run


def last_finished(session: Session, version: str) -> JudgeRun | None:
    """Return the last finished run of a version."""
    query = select(JudgeRun).where(
        JudgeRun.version == version, col(JudgeRun.finished_at).is_not(None)
    )
    return session.exec(query.order_by(col(JudgeRun.id).desc()).limit(1)).first()


def claim(
    session: Session, run_id: int, having: Judges | None, at: datetime
) -> list[Question] | None:
    """Take a run; None where nobody should ask: it is held, over, or of other judges."""
    run = session.get_one(JudgeRun, run_id, with_for_update=True)
    if run.finished_at is not None or (run.held_until is not None and run.held_until > at):
        return None
    if having is None or having.version != run.version:
        return None
    run.held_until = at + HELD
    session.add(run)
    return _missing(session, run)


def go_on(session: Session, run_id: int, answer: Frozen, at: datetime) -> bool:
    """Say whether an answer may be asked about still, and hold the run for so long."""
    run = session.get_one(JudgeRun, run_id, with_for_update=True)
    if run.finished_at is not None:
        return False
    run.held_until = at + HELD
    session.add(run)
    return frozen.may_be_asked(session, answer.id)


def store(session: Session, run_id: int, question: Question, heard: Heard, at: datetime) -> None:
    """Keep what a judge said, once; nothing where the run or the answer is gone meanwhile."""
    run = session.get_one(JudgeRun, run_id, with_for_update=True)
    if run.finished_at is not None or not frozen.is_there(session, question.answer.id):
        return
    row = {
        "run_id": run_id,
        "frozen_id": question.answer.id,
        "judge": question.judge,
        "outcome": heard.outcome,
        "met": heard.met if heard.outcome is Judged.READ else None,
        "at": at,
    }
    session.execute(insert(JudgeRunReading).values(row).on_conflict_do_nothing())


def finish(session: Session, run_id: int, settings: Settings, at: datetime) -> bool:
    """Count a run that has all its readings, or has waited for long enough; open gates by it."""
    run = session.get_one(JudgeRun, run_id, with_for_update=True)
    if run.finished_at is not None:
        return True
    if _missing(session, run) and at < run.begun_at + AT_MOST:
        run.held_until = at + AGAIN_AFTER
        session.add(run)
        return False
    run.results = measures.results(
        frozen.current(session), read(session, run), measures.bars(settings)
    )
    run.finished_at, run.held_until = at, None
    session.add(run)
    session.flush()  # gates refer to it
    gate.follow(session, run, at)
    return True


def give_up(session: Session, run_id: int, settings: Settings, at: datetime) -> bool:
    """Count a run that nobody could take for too long; one that somebody holds stays theirs."""
    run = session.get_one(JudgeRun, run_id, with_for_update=True)
    held = run.held_until is not None and run.held_until > at
    if held or run.finished_at is not None or at < run.begun_at + AT_MOST:
        return False
    return finish(session, run_id, settings, at)


def waiting(session: Session, at: datetime) -> Sequence[int]:
    """Return the runs that nobody holds."""
    free = or_(col(JudgeRun.held_until).is_(None), col(JudgeRun.held_until) <= at)
    query = select(JudgeRun.id).where(col(JudgeRun.finished_at).is_(None), free)
    return [one for one in session.exec(query) if one is not None]


def read(session: Session, run: JudgeRun) -> dict[int, Met | None]:
    """Return what both judges found met in each answer; None where they did not agree."""
    said: dict[int, list[JudgeRunReading]] = {}
    for one in session.exec(select(JudgeRunReading).where(JudgeRunReading.run_id == run.id)):
        said.setdefault(one.frozen_id, []).append(one)
    return {key: _both(some) for key, some in said.items()}


def count_read(session: Session, run: JudgeRun) -> int:
    """Return how many readings a run has."""
    query = select(func.count()).where(JudgeRunReading.run_id == run.id)
    return session.exec(query.select_from(JudgeRunReading)).one()


def _both(some: Sequence[JudgeRunReading]) -> Met | None:
    if len(some) != 2 or any(one.met is None for one in some):
        return None
    first, second = (frozenset(one.met or ()) for one in some)
    return first if first == second else None


def _missing(session: Session, run: JudgeRun) -> list[Question]:
    query = select(JudgeRunReading.frozen_id, JudgeRunReading.judge)
    asked = set(session.exec(query.where(JudgeRunReading.run_id == run.id)).all())
    return [
        Question(judge, answer)
        for answer in frozen.current(session)
        for judge in judges.BOTH
        if (answer.id, judge) not in asked
    ]
