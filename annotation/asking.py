"""Asking a model about the tasks of a project, in batches, within limits, again where it is away.

A batch is read, the model is asked with no transaction open, and what it said is kept with how far
the run has come, in one transaction: a crash repeats one batch at most. Owners stop and resume.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlmodel import Session, col, select

from accounts.models import User
from annotation import model_choices, predictions
from annotation.loop_models import ModelRun, Prediction, RunState, Source
from annotation.models import Task
from annotation.prediction_files import of as prediction_of
from annotation.predictions import Given, Tally
from annotation.task_files import UnreadableLine
from annotation.tasks import require_labels
from core import audit, jobs, model_calls
from core.errors import Conflict, Invalid
from core.ports import ModelUse, Predicted
from core.settings import Settings
from projects.models import Project, id_of

AT_ONCE = {Source.BACKEND: 20, Source.ENDPOINT: 5}
MOST_TRIES = 8
FIRST_PAUSE = timedelta(seconds=30)
LONGEST_PAUSE = timedelta(hours=1)
UNLIMITED = 2_000_000_000  # tokens of a backend: it counts none


class AlreadyAsking(Conflict):
    """A model is being asked about this project already. Stop that first."""


class NoModel(Conflict):
    """This instance has no language model that owners may ask."""


class NoChoices(Invalid):
    """The model answers single choices only: this project asks for something else."""


class NotResumable(Conflict):
    """This has ended, so it cannot be taken up again."""


@dataclass(frozen=True)
class Batch:
    """Tasks to ask about, after the last one that was asked about."""

    run_id: int
    source: Source
    address: str | None
    model_version: str
    after: int
    project: str
    label_config: str
    tasks: Mapping[int, Mapping[str, Any]]
    is_first: bool


def begin_backend(
    session: Session, project: Project, address: str, most_tasks: int, *, by: User, at: datetime
) -> ModelRun:
    """Ask an ML backend about the tasks of a project, from a job."""
    require_labels(project)
    run = ModelRun(
        project_id=id_of(project),
        source=Source.BACKEND,
        model_version="backend",
        address=address,
        most_tasks=most_tasks,
        most_tokens=UNLIMITED,
        next_try_at=at,
        made_by=id_of(by),
        made_at=at,
    )
    return _begin(session, project, run, by)


def begin_endpoint(
    session: Session,
    project: Project,
    settings: Settings,
    most_tasks: int,
    *,
    by: User,
    at: datetime,
) -> ModelRun:
    """Ask this instance's language model about the tasks of a project, from a job."""
    require_labels(project)
    if not settings.llm_model or not settings.llm_prediction_tokens:
        raise NoModel
    if not model_choices.asked(project.label_config):
        raise NoChoices
    run = ModelRun(
        project_id=id_of(project),
        source=Source.ENDPOINT,
        model_version=settings.llm_model[:100],
        most_tasks=most_tasks,
        most_tokens=settings.llm_prediction_tokens,
        next_try_at=at,
        made_by=id_of(by),
        made_at=at,
    )
    return _begin(session, project, run, by)


def stop(session: Session, run: ModelRun, *, by: User, at: datetime) -> None:
    """Ask no more; what was said so far stays. `run` is locked by the caller."""
    if run.state is RunState.RUNNING:
        _end(run, RunState.STOPPED, at)
        _note_act(session, "predictions.asking_stopped", run, by)


def resume(session: Session, run: ModelRun, *, by: User, at: datetime) -> None:
    """Go on where a run stopped. `run` is locked by the caller."""
    if run.state is RunState.RUNNING:
        return
    if run.state is RunState.DONE:
        raise NotResumable
    if _running(session, run.project_id):
        raise AlreadyAsking
    run.state, run.ended_at, run.trouble = RunState.RUNNING, None, None
    run.tries, run.next_try_at = 0, at
    session.add(run)
    _note_act(session, "predictions.asking_resumed", run, by)
    defer(session, run.key)


def next_batch(session: Session, run_id: int, settings: Settings, *, at: datetime) -> Batch | None:
    """Return what to ask next, or end the run where nothing is left or a limit is reached."""
    run = _locked(session, run_id)
    if run is None or run.state is not RunState.RUNNING:
        return None
    over = _limit(session, run, settings, at)
    room = (run.most_tasks or 0) - run.asked
    tasks = _tasks(session, run, min(room, AT_ONCE[run.source])) if not over else {}
    if not tasks:
        # A month passes; the other limits are of this run and stay reached.
        _end(run, RunState.STOPPED if over == "month_limit" else RunState.DONE, at, over)
        session.add(run)
        return None
    project = session.get_one(Project, run.project_id)
    return Batch(
        run_id=run_id,
        source=run.source,
        address=run.address,
        model_version=run.model_version,
        after=run.last_task_id,
        project=f"{project.id}.{int(project.created_at.timestamp())}",
        label_config=project.label_config,
        tasks=tasks,
        is_first=run.asked == 0,
    )


def record(
    session: Session,
    batch: Batch,
    said: Mapping[int, Predicted | None],
    uses: list[ModelUse],
    settings: Settings,
    *,
    at: datetime,
) -> None:
    """Keep what a model said of the first tasks of a batch; None is an answer in no known form."""
    run = _locked(session, batch.run_id)
    for use in uses:
        subject = f"model_run:{batch.run_id}"
        model_calls.note(session, settings, purpose="prediction", subject=subject, use=use, at=at)
    if run is None or run.last_task_id != batch.after or not said:
        return  # another worker has kept this batch meanwhile
    project = session.get_one(Project, run.project_id)
    tally = Tally()
    given = []
    for number, (task_id, one) in enumerate(said.items(), start=run.asked + 1):
        try:
            given.append(_given(batch, number, task_id, one))
        except UnreadableLine as reason:
            tally.refuse(number, str(reason))
    predictions.add(session, project, run, given, tally, at=at)
    predictions.note(run, tally)
    run.asked += len(said)
    run.last_task_id = max(said)
    run.tries, run.trouble, run.next_try_at = 0, None, at
    session.add(run)
    if run.kept and not project.uses_models:
        project.uses_models = True
        session.add(project)


def note_silence(session: Session, run_id: int, why: str, *, at: datetime) -> None:
    """Try again later, and later still; give up after some tries, until the owner resumes."""
    run = _locked(session, run_id)
    if run is None or run.state is not RunState.RUNNING:
        return
    run.tries += 1
    run.trouble = why
    pause = min(FIRST_PAUSE * 2 ** (run.tries - 1), LONGEST_PAUSE)
    run.next_try_at = at + pause
    if run.tries >= MOST_TRIES:
        _end(run, RunState.FAILED, at, why)
    session.add(run)


def fail(session: Session, run_id: int, why: str, *, at: datetime) -> None:
    """End a run that no later try would help."""
    run = _locked(session, run_id)
    if run is not None and run.state is RunState.RUNNING:
        _end(run, RunState.FAILED, at, why)
        session.add(run)


def due(session: Session, *, at: datetime) -> list[int]:
    """Return the runs that may go on now."""
    question = select(ModelRun.id).where(
        ModelRun.state == RunState.RUNNING, col(ModelRun.next_try_at) <= at
    )
    return [run_id for run_id in session.exec(question) if run_id is not None]


def defer(session: Session, run_id: int) -> None:
    """Let a job ask on."""
    jobs.defer(
        session,
        "annotation.ask_model",
        lock=f"model-run:{run_id}",
        queueing_lock=f"model-run:{run_id}",
        run_id=run_id,
    )


def _begin(session: Session, project: Project, run: ModelRun, by: User) -> ModelRun:
    if _running(session, id_of(project)):
        raise AlreadyAsking
    session.add(run)
    session.flush()  # the job needs its id
    _note_act(session, "predictions.asked_for", run, by)
    defer(session, run.key)
    return run


def _running(session: Session, project_id: int) -> bool:
    question = select(ModelRun.id).where(
        ModelRun.project_id == project_id, ModelRun.state == RunState.RUNNING
    )
    return session.exec(question).first() is not None


def _locked(session: Session, run_id: int) -> ModelRun | None:
    return session.get(ModelRun, run_id, with_for_update=True, populate_existing=True)


def _tasks(session: Session, run: ModelRun, most: int) -> dict[int, dict[str, Any]]:
    if most <= 0:
        return {}
    question = select(Task.id, Task.data).where(
        Task.project_id == run.project_id, col(Task.id) > run.last_task_id
    )
    if run.source is Source.ENDPOINT:
        # The version is known before it answers: nobody pays for the same words twice.
        there = select(Prediction.id).where(
            Prediction.task_id == Task.id, Prediction.model_version == run.model_version
        )
        question = question.where(~there.exists())
    rows = session.exec(question.order_by(col(Task.id)).limit(most))
    return {task_id: dict(data) for task_id, data in rows if task_id is not None}


def _limit(session: Session, run: ModelRun, settings: Settings, at: datetime) -> str | None:
    """Return the limit that is reached, if one is."""
    if run.asked >= (run.most_tasks or 0):
        return "most_tasks"
    if run.source is not Source.ENDPOINT:
        return None
    if model_calls.tokens_of(session, f"model_run:{run.id}") >= (run.most_tokens or 0):
        return "most_tokens"
    month = settings.llm_month_limit * model_calls.MILLION
    if month and model_calls.spent(session, settings.llm_currency, at) >= month:
        return "month_limit"
    return None


def _given(batch: Batch, number: int, task_id: int, one: Predicted | None) -> Given:
    if one is None:
        raise UnreadableLine(model_choices.nonsense())
    row = {
        "result": one.result,
        "score": one.score,
        "model_version": one.model_version,
        "probabilities": one.probabilities,
    }
    said = prediction_of(row, batch.model_version)
    return Given(number, task_id, dict(batch.tasks[task_id]), *said)


def _end(run: ModelRun, state: RunState, at: datetime, why: str | None = None) -> None:
    run.state, run.ended_at, run.trouble = state, at, why


def _note_act(session: Session, action: str, run: ModelRun, by: User) -> None:
    audit.record(
        session,
        action,
        by=by.id,
        subject=f"project:{run.project_id}",
        details={"run": run.id, "source": run.source, "address": run.address},
    )
