"""Predictions, the rule that shows them, orders, and answers of models, valid by default."""

import io
import json
from typing import Any

from sqlmodel import Session, select

from accounts.models import User
from annotation import comparisons, doubt, prediction_rule
from annotation.loop_models import (
    AnswerOrigin,
    AnswerPlacing,
    ModelAnswer,
    ModelRun,
    Origin,
    Prediction,
    PredictionRule,
    RunState,
    Shows,
    Source,
    TaskOrder,
)
from annotation.models import Assignment, Task
from annotation.prediction_rule import Wanted
from core.clock import now
from projects.models import Project
from tests.factories.annotation import Desk, choice, make_desk

PAIRS = """
<View>
  <Text name="prompt" value="$prompt"/>
  <Pairwise name="better" toName="one,two"/>
  <Text name="one" value="$first"/><Text name="two" value="$second"/>
</View>
"""
RANKS = """
<View>
  <Text name="prompt" value="$prompt"/>
  <List name="answers" value="$answers"/>
  <Ranker name="rank" toName="answers"/>
</View>
"""


def make_model_run(session: Session, desk: Desk, **changes: Any) -> ModelRun:
    """Make a run, by default a file that was taken in."""
    at = now()
    values: dict[str, Any] = {
        "project_id": desk.project_id,
        "source": Source.UPLOAD,
        "model_version": "v1",
        "state": RunState.DONE,
        "made_by": desk.owner.id,
        "made_at": at,
        "ended_at": at,
    }
    if changes.get("source", Source.UPLOAD) is not Source.UPLOAD:
        values |= {"most_tasks": 100, "most_tokens": 10_000, "state": RunState.RUNNING}
        values |= {"ended_at": None, "next_try_at": at}
    run = ModelRun(**(values | changes))
    session.add(run)
    session.flush()
    return run


def make_prediction(
    session: Session, desk: Desk, task: Task, run: ModelRun | None = None, **changes: Any
) -> Prediction:
    """Make a prediction of a task."""
    run = run or make_model_run(session, desk)
    values: dict[str, Any] = {
        "project_id": desk.project_id,
        "task_id": task.id,
        "run_id": run.id,
        "model_version": "v1",
        "result": choice(),
        "score": 0.8,
        "made_at": now(),
    }
    prediction = Prediction(**(values | changes))
    session.add(prediction)
    session.flush()
    return prediction


def show(
    session: Session,
    desk: Desk,
    shows: Shows = Shows.ALL,
    version: str = "v1",
    *,
    percent: int | None = None,
    by: User | None = None,
) -> PredictionRule:
    """Set the rule of a project."""
    wanted = Wanted(shows, version, percent)
    made = prediction_rule.say(session, desk.project, wanted, by=by or desk.owner, at=now())
    session.flush()
    return made


def make_order(session: Session, desk: Desk, by: User | None = None) -> TaskOrder:
    """Begin an order by the doubt of v1."""
    return doubt.begin(session, desk.project, "v1", by=by or desk.owner, at=now())


def make_kept_with(session: Session, lease: Assignment) -> None:
    """Keep with an answer that it left the prediction of v1 unchanged, and what it compared."""
    prediction = session.exec(select(Prediction).where(Prediction.task_id == lease.task_id)).one()
    answer = ModelAnswer(project_id=lease.project_id, task_id=lease.task_id, slot=1, model="a")
    session.add(answer)
    session.flush()
    of = {"assignment_id": lease.id, "project_id": lease.project_id}
    session.add_all(
        [
            AnswerOrigin(
                **of,
                prediction_id=prediction.id,
                model_version="v1",
                origin=Origin.UNCHANGED,
                agrees=True,
            ),
            AnswerPlacing(**of, model_answer_id=answer.id, position=1, place=1),
        ]
    )
    session.flush()


def lines(*rows: Any) -> io.BytesIO:
    """Return a file of JSON lines."""
    return io.BytesIO("\n".join(json.dumps(row) for row in rows).encode())


def make_compared(session: Session, *, config: str = PAIRS, tasks: int = 1, **more: Any) -> Desk:
    """Make a project whose tasks compare the answers of two models, or of three in a list."""
    desk = make_desk(session, tasks=0, label_config=config, **more)
    add_answers(session, desk.project, desk.owner, tasks)
    return desk


def add_answers(session: Session, project: Project, owner: User, tasks: int) -> None:
    """Add tasks with answers of models."""
    names = ("model-a", "model-b") if "Pairwise" in project.label_config else ("a", "b", "c")
    rows = [
        {
            "id": f"q-{number}",
            "data": {"prompt": f"Question {number}?"},
            "answers": {name: f"An answer of {name[-1]} to {number}." for name in names},
        }
        for number in range(tasks)
    ]
    comparisons.import_file(session, project, lines(*rows), by=owner, at=now())
    session.flush()
