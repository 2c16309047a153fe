"""What Label Studio is still to get, or to give back, of the predictions that experts see.

It has what the newest rule shows, and whatever an answer began with. A place in the predictions
of a rule is kept (`MirrorShown`), so that nobody reads a million of them to find what is new.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import delete, text, update
from sqlalchemy.dialects.postgresql import insert
from sqlmodel import Session, col, select

from annotation import loop
from annotation.loop_models import Prediction, PredictionRule, Shows
from annotation.mirror_prediction_models import MirrorPrediction, MirrorShown
from annotation.models import Task
from annotation.prediction_rule import newest
from core.ports import PredictionSent, PredictionThere, TaskThere

AT_ONCE = 200
# Numbers are given before they are seen: while somebody adds predictions, one with a lower number
# than the last that is seen may still come. The other side is `predictions.ADDING`.
NOBODY_ADDS = text("select pg_try_advisory_xact_lock(7220198, :project)")
# Of `project`, a row around this condition.
IS_LEFT = text("""
    project.uses_models and (
        exists (
            select from mirror_prediction m where m.project_id = project.id
            and m.pushed_at is null and m.push_trouble is null)
        or exists (
            select from (
                select * from prediction_rule r where r.project_id = project.id
                order by r.version desc limit 1) as rule
            left join mirror_shown s on s.project_id = project.id
            where exists (
                select from mirror_prediction m where m.project_id = project.id
                and m.rule_version < rule.version and not m.stays)
            or (rule.shows <> 'hidden' and exists (
                select from prediction p where p.project_id = project.id
                and p.model_version = rule.model_version
                and p.id > case when s.rule_version = rule.version then s.last_id else 0 end))))
""")


@dataclass(frozen=True)
class Unpushed:
    """A prediction that Label Studio is to get."""

    prediction_id: int
    sent: PredictionSent


@dataclass
class Found:
    """What tasks there have of our predictions, by ours, and what they lack."""

    there: dict[int, PredictionThere] = field(default_factory=dict)
    lost: list[Prediction] = field(default_factory=list)


def note_more(session: Session, project_id: int) -> bool:
    """Note the next predictions that the newest rule shows, and move the place on.

    While more are being added it does nothing and says so (False): none is passed over.
    """
    rule = newest(session, project_id)
    if rule is None or rule.shows is Shows.HIDDEN:
        return True
    if not session.execute(NOBODY_ADDS, {"project": project_id}).scalar_one():
        return False
    place = _place(session, rule)
    rows = session.exec(
        select(Prediction)
        .where(
            Prediction.project_id == project_id,
            Prediction.model_version == rule.model_version,
            col(Prediction.id) > place.last_id,
        )
        .order_by(col(Prediction.id))
        .limit(AT_ONCE)
    ).all()
    shown = [_row(row, rule) for row in rows if _is_shown(rule, row)]
    if shown:
        session.execute(
            insert(MirrorPrediction)
            .values(shown)
            .on_conflict_do_update(
                index_elements=["prediction_id"], set_={"rule_version": rule.version}
            )
        )
    if rows:
        place.last_id = rows[-1].id or 0
        session.add(place)
        session.flush()
    return True


def left(session: Session, project_id: int) -> list[Unpushed]:
    """Return some predictions that are noted and to be brought; their tasks are there."""
    rows = session.exec(
        select(Prediction, Task.label_studio_task_id)
        .join(MirrorPrediction, col(MirrorPrediction.prediction_id) == col(Prediction.id))
        .join(Task, col(Task.id) == col(Prediction.task_id))
        .where(
            MirrorPrediction.project_id == project_id,
            col(MirrorPrediction.pushed_at).is_(None),
            col(MirrorPrediction.push_trouble).is_(None),
            col(Task.label_studio_task_id).is_not(None),
        )
        .order_by(col(Prediction.id))
        .limit(AT_ONCE)
    )
    return [_unpushed(prediction, there or 0) for prediction, there in rows]


def one(session: Session, prediction_id: int, task_there: int) -> Unpushed:
    """Return a prediction that an answer began with: it is to be there before the answer."""
    prediction = session.get_one(Prediction, prediction_id)
    row = {
        "prediction_id": prediction_id,
        "project_id": prediction.project_id,
        "task_id": prediction.task_id,
        "rule_version": 0,
        "stays": True,
    }
    session.execute(
        insert(MirrorPrediction)
        .values(row)
        .on_conflict_do_update(index_elements=["prediction_id"], set_={"stays": True})
    )
    return _unpushed(prediction, task_there)


def record(
    session: Session, pushed: Iterable[Unpushed], there: Mapping[int, int], *, at: datetime
) -> None:
    """Note the numbers of predictions there."""
    for each in pushed:
        _set(
            session,
            each.prediction_id,
            label_studio_prediction_id=there[each.prediction_id],
            pushed_at=at,
            push_trouble=None,
        )


def record_refusal(session: Session, prediction_id: int, trouble: str) -> None:
    """Note that Label Studio will never take a prediction; experts see it all the same."""
    _set(session, prediction_id, push_trouble=trouble[:1000] or "refused")


def to_withdraw(session: Session, project_id: int, *, limit: int) -> list[tuple[int, int | None]]:
    """Return some predictions that are shown no more, each with its number there.

    Only once all that the newest rule shows is noted: until then nobody knows which those are.
    """
    rule = newest(session, project_id)
    if rule is None or not is_looked_through(session, project_id):
        return []
    rows = session.exec(
        select(MirrorPrediction.prediction_id, MirrorPrediction.label_studio_prediction_id)
        .where(
            MirrorPrediction.project_id == project_id,
            col(MirrorPrediction.rule_version) < rule.version,
            ~col(MirrorPrediction.stays),
        )
        .limit(limit)
    )
    return list(rows)


def record_withdrawn(session: Session, prediction_id: int) -> None:
    """Note that a prediction is not there any more."""
    session.execute(
        delete(MirrorPrediction).where(
            col(MirrorPrediction.prediction_id) == prediction_id, ~col(MirrorPrediction.stays)
        )
    )


def is_looked_through(session: Session, project_id: int) -> bool:
    """Say whether all predictions that the newest rule shows are noted."""
    rule = newest(session, project_id)
    if rule is None or rule.shows is Shows.HIDDEN:
        return True
    place = session.get(MirrorShown, project_id)
    after = place.last_id if place and place.rule_version == rule.version else 0
    more = select(Prediction.id).where(
        Prediction.project_id == project_id,
        Prediction.model_version == rule.model_version,
        col(Prediction.id) > after,
    )
    return session.exec(more.limit(1)).first() is None


def number_of(session: Session, prediction_id: int) -> int | None:
    """Return the number there of a prediction."""
    noted = session.get(MirrorPrediction, prediction_id, populate_existing=True)
    return noted.label_studio_prediction_id if noted else None


def examine(session: Session, project_id: int, tasks: Mapping[int, TaskThere]) -> Found:
    """Set what tasks there have of predictions beside what they should have."""
    found = Found()
    rule = newest(session, project_id)
    if rule is None or not tasks:
        return found
    noted = {
        row.prediction_id
        for row in session.exec(
            select(MirrorPrediction).where(
                col(MirrorPrediction.task_id).in_(list(tasks)),
                col(MirrorPrediction.push_trouble).is_(None),
                col(MirrorPrediction.stays) | (col(MirrorPrediction.rule_version) == rule.version),
            )
        )
    }
    rows = session.exec(
        select(Prediction)
        .where(col(Prediction.task_id).in_(list(tasks)))
        .order_by(col(Prediction.id))
    )
    for row in rows:
        there = _match(row, tasks[row.task_id].predictions)
        if there is not None:
            found.there[row.id or 0] = there
        is_wanted = row.id in noted or _is_shown(rule, row)
        if is_wanted and (there is None or there.result != row.result):
            found.lost.append(row)
    return found


def mend(session: Session, project_id: int, found: Found, *, at: datetime) -> None:
    """Put our notes right: what is there is noted, also what is to be withdrawn; the rest comes."""
    rule = newest(session, project_id)
    if rule is None:
        return
    lost = {row.id for row in found.lost}
    gone = {row.prediction_id: row for row in _noted(session, [*found.there, *lost])}
    for prediction in found.lost:
        if prediction.id not in gone:
            session.add(_note(prediction, rule))
        _forget(session, col(MirrorPrediction.prediction_id) == prediction.id)
    for prediction_id, there in found.there.items():
        before = gone.get(prediction_id)
        if prediction_id in lost or (before and before.label_studio_prediction_id == there.id):
            continue
        if before is None:
            session.add(_note(session.get_one(Prediction, prediction_id), rule))
            session.flush()
        _set(
            session,
            prediction_id,
            label_studio_prediction_id=there.id,
            pushed_at=at,
            push_trouble=None,
        )


def forget_tasks(session: Session, which: Any) -> None:
    """Note that the tasks which a condition selects have no predictions there any more."""
    _forget(session, col(MirrorPrediction.task_id).in_(which))


def try_refused_again(session: Session, project_id: int) -> None:
    """Let what was refused be sent once more."""
    session.execute(
        update(MirrorPrediction)
        .where(
            col(MirrorPrediction.project_id) == project_id,
            col(MirrorPrediction.push_trouble).is_not(None),
        )
        .values(push_trouble=None)
    )


def _place(session: Session, rule: PredictionRule) -> MirrorShown:
    place = session.get(MirrorShown, rule.project_id, with_for_update=True)
    if place is None:
        place = MirrorShown(project_id=rule.project_id, rule_version=rule.version)
    if place.rule_version != rule.version:
        place.rule_version, place.last_id = rule.version, 0
    session.add(place)
    return place


def _is_shown(rule: PredictionRule, row: Prediction) -> bool:
    return row.model_version == rule.model_version and loop.is_shown(
        rule.shows, rule.share_percent, row.project_id, row.task_id
    )


def _match(row: Prediction, there: Sequence[PredictionThere]) -> PredictionThere | None:
    return next((each for each in there if each.model_version == row.model_version), None)


def _noted(session: Session, ids: Iterable[int | None]) -> list[MirrorPrediction]:
    question = select(MirrorPrediction).where(col(MirrorPrediction.prediction_id).in_(list(ids)))
    return list(session.exec(question))


def _row(row: Prediction, rule: PredictionRule) -> dict[str, Any]:
    return {
        "prediction_id": row.id,
        "project_id": row.project_id,
        "task_id": row.task_id,
        "rule_version": rule.version if _is_shown(rule, row) else 0,
        "stays": False,
    }


def _note(row: Prediction, rule: PredictionRule) -> MirrorPrediction:
    return MirrorPrediction(**_row(row, rule))


def _unpushed(row: Prediction, task_there: int) -> Unpushed:
    return Unpushed(
        row.id or 0, PredictionSent(task_there, row.model_version, row.result, row.score)
    )


def _forget(session: Session, which: Any) -> None:
    session.execute(
        update(MirrorPrediction)
        .where(which)
        .values(label_studio_prediction_id=None, pushed_at=None)
        .execution_options(synchronize_session=False)
    )


def _set(session: Session, prediction_id: int, **values: Any) -> None:
    session.execute(
        update(MirrorPrediction)
        .where(col(MirrorPrediction.prediction_id) == prediction_id)
        .values(**values)
        .execution_options(synchronize_session=False)
    )
