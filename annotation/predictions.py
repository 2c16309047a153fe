"""Predictions of models: checked as answers are, and kept by task and model version for good.

What a file brings twice counts once. A version says one thing of a task: who has something else
to say gives it a new version.
"""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import islice
from typing import IO, Any

from flask_babel import gettext as _
from sqlalchemy import text
from sqlmodel import Session, col, func, select

from accounts.models import User
from annotation import prediction_files, results
from annotation.loop_models import ModelRun, Prediction, RunState, Source
from annotation.models import Task
from annotation.prediction_files import Entry
from annotation.task_files import Trouble
from annotation.tasks import require_labels
from core import audit
from core.errors import Invalid
from projects.models import Project, id_of

AT_ONCE = 500
SHOWN = 100  # so many troubles are kept with their words
# Held by all who add predictions, until theirs are in.
ADDING = text("select pg_advisory_xact_lock_shared(7220198, :project)")
OPEN_TO = frozenset({"required"})  # what a prediction may leave to the expert
ADD = text("""
    insert into prediction
        (project_id, task_id, run_id, model_version, result, score, doubt, made_at)
    select :project, task_id, :run, model_version, result, score, doubt, :at
    from jsonb_to_recordset(:rows)
        as one(task_id bigint, model_version text, result jsonb, score double precision,
               doubt double precision)
    on conflict (task_id, model_version) do nothing
    returning task_id, model_version
""")
AS_THERE = text("""
    select p.task_id, p.model_version from prediction p
    join jsonb_to_recordset(:rows)
        as one(task_id bigint, model_version text, result jsonb, score double precision,
               doubt double precision)
        on (one.task_id, one.model_version) = (p.task_id, p.model_version)
        and one.result = p.result and one.score is not distinct from p.score
        and one.doubt is not distinct from p.doubt
""")


class NothingKept(Invalid):
    """Nothing was added: no line of the file could be kept."""

    def __init__(self, troubles: list[Trouble], refused: int) -> None:
        super().__init__()
        self.troubles = troubles
        self.refused = refused


@dataclass(frozen=True)
class Given:
    """A prediction about a known task, still to be checked."""

    number: int
    task_id: int
    data: dict[str, Any]
    model_version: str
    score: float | None
    doubt: float | None
    result: list[dict[str, Any]]


@dataclass
class Tally:
    """What became of predictions."""

    kept: int = 0
    known: int = 0
    refused: int = 0
    troubles: list[Trouble] = field(default_factory=list)

    def refuse(self, number: int, words: str) -> None:
        """Count what is not kept, and say why of the first."""
        self.refused += 1
        if len(self.troubles) < SHOWN:
            self.troubles.append(Trouble(number, words))


@dataclass(frozen=True)
class Version:
    """A model version of which a project has predictions."""

    name: str
    tasks: int
    mean_score: float | None


def import_file(
    session: Session,
    project: Project,
    name: str,
    stream: IO[bytes],
    model_version: str,
    *,
    by: User,
    at: datetime,
) -> ModelRun:
    """Keep the predictions of a file that are right, and list the lines that are not.

    Raises `NothingKept` where there is none. `project` is locked by the caller.
    """
    require_labels(project)
    run = ModelRun(
        project_id=id_of(project),
        source=Source.UPLOAD,
        model_version=model_version or name[:100],
        state=RunState.DONE,
        made_by=id_of(by),
        made_at=at,
        ended_at=at,
    )
    session.add(run)
    session.flush()  # predictions say which run brought them
    tally = Tally()
    found = prediction_files.read(name, stream, model_version)
    while entries := list(islice(found, AT_ONCE)):
        given = list(_known(session, id_of(project), entries, tally))
        add(session, project, run, given, tally, at=at)
    note(run, tally)
    if not run.kept and not run.known:
        raise NothingKept(tally.troubles, tally.refused)
    project.uses_models = True
    session.add(project)
    audit.record(
        session,
        "predictions.added",
        by=by.id,
        subject=f"project:{project.id}",
        details={"file": name[:200], "kept": run.kept, "refused": run.refused},
    )
    return run


def add(
    session: Session,
    project: Project,
    run: ModelRun,
    given: Sequence[Given],
    tally: Tally,
    *,
    at: datetime,
) -> None:
    """Keep those of some predictions that pass the checks; count all."""
    right: dict[tuple[int, str], Given] = {}
    for one in given:
        wrong = trouble_of(project.label_config, one)
        if wrong:
            tally.refuse(one.number, wrong)
        elif (one.task_id, one.model_version) in right:
            tally.refuse(one.number, _twice(one))
        else:
            right[one.task_id, one.model_version] = one
    if not right:
        return
    rows = json.dumps([_row(one) for one in right.values()])
    asked = {"project": project.id, "run": run.id, "at": at, "rows": rows}
    session.execute(ADDING, {"project": project.id})
    added = {(row.task_id, row.model_version) for row in session.execute(ADD, asked)}
    there = {(row.task_id, row.model_version) for row in session.execute(AS_THERE, {"rows": rows})}
    tally.kept += len(added)
    tally.known += len(there - added)
    for key in right.keys() - there:
        tally.refuse(right[key].number, _twice(right[key]))


def trouble_of(label_config: str, one: Given) -> str | None:
    """Return what is wrong with a prediction; what is only left open is not."""
    for problem in results.problems(label_config, one.data, one.result):
        if problem.code not in OPEN_TO:
            return str(problem.words)
    return None


def note(run: ModelRun, tally: Tally) -> None:
    """Count in a run what became of some predictions."""
    run.kept += tally.kept
    run.known += tally.known
    run.refused += tally.refused
    found = sorted(tally.troubles, key=lambda one: one.number)
    room = SHOWN - len(run.troubles)
    run.troubles = [*run.troubles, *([one.number, one.words] for one in found[:room])]


def versions(session: Session, project_id: int) -> list[Version]:
    """Return the model versions of a project, the newest first."""
    question = (
        select(Prediction.model_version, func.count(), func.avg(Prediction.score))
        .where(Prediction.project_id == project_id)
        .group_by(col(Prediction.model_version))
        .order_by(func.max(Prediction.id).desc())
    )
    return [Version(*row) for row in session.exec(question)]


def runs(project_id: int) -> Any:
    """Select the runs of a project, the newest first."""
    return (
        select(ModelRun).where(ModelRun.project_id == project_id).order_by(col(ModelRun.id).desc())
    )


def _known(
    session: Session, project_id: int, entries: Sequence[Entry | Trouble], tally: Tally
) -> Iterator[Given]:
    """Find the tasks that entries are about."""
    names = {one.external_id for one in entries if isinstance(one, Entry)}
    question = select(Task.external_id, Task.id, Task.data).where(
        Task.project_id == project_id, col(Task.external_id).in_(names)
    )
    tasks = {name: (task_id or 0, dict(data)) for name, task_id, data in session.exec(question)}
    for one in entries:
        if isinstance(one, Trouble):
            tally.refuse(one.number, one.words)
        elif one.external_id not in tasks:
            words = _("The project has no task “%(id)s”.", id=one.external_id)
            tally.refuse(one.number, words)
        else:
            task_id, data = tasks[one.external_id]
            said = (one.model_version, one.score, one.doubt, one.result)
            yield Given(one.number, task_id, data, *said)


def _row(one: Given) -> dict[str, Any]:
    return {
        "task_id": one.task_id,
        "model_version": one.model_version,
        "result": one.result,
        "score": one.score,
        "doubt": one.doubt,
    }


def _twice(one: Given) -> str:
    return str(
        _(
            "Give this prediction a new model version: “%(version)s” has said something else of"
            " this task, and predictions do not change.",
            version=one.model_version,
        )
    )
