"""Jobs about models: asking them, and setting tasks in the order of their doubt."""

import time
from collections.abc import Iterator

from sqlmodel import Session

from annotation import asking, doubt, model_choices
from annotation.asking import Batch
from annotation.loop_models import ModelRun, Source
from core import db
from core.clock import now
from core.jobs import Tasks
from core.ports import (
    LanguageModel,
    ModelDown,
    ModelNonsense,
    ModelRefused,
    ModelUse,
    Ports,
    Predicted,
    PredictorDown,
    PredictorRefused,
)
from core.settings import current_settings
from projects.models import Project

BATCHES = 20  # that one job asks before the next takes over
PAUSE = 0.2  # seconds, where others hold the next tasks


def register(tasks: Tasks) -> None:
    """Add these jobs to those of the package."""
    for job in (take_up_model_runs, order_tasks, take_up_orders):
        tasks.task()(job)


def ask(run_id: int, has: Ports) -> str:
    """Ask about some batches of tasks; another job goes on."""
    settings = current_settings()
    for _batch in range(BATCHES):
        with db.transaction() as session:
            batch = asking.next_batch(session, run_id, settings, at=now())
            guidelines = _guidelines(session, run_id)
        if batch is None:
            return "nothing left"
        heard = _Heard()
        try:
            _ask(has, batch, guidelines, heard)
        except (PredictorDown, ModelDown) as silence:
            heard.silence = str(silence)
        except (PredictorRefused, ModelRefused) as refusal:
            heard.refusal = str(refusal)
        with db.transaction() as session:
            asking.record(session, batch, heard.said, heard.uses, settings, at=now())
            if heard.silence:
                asking.note_silence(session, run_id, heard.silence[:200], at=now())
            if heard.refusal:
                asking.fail(session, run_id, heard.refusal[:200], at=now())
        if heard.silence or heard.refusal:
            return heard.silence or heard.refusal
    with db.transaction() as session:
        asking.defer(session, run_id)
    return "more to ask"


def take_up_model_runs() -> int:
    """Defer a job for each run that may go on."""
    with db.transaction() as session:
        due = asking.due(session, at=now())
        for run_id in due:
            asking.defer(session, run_id)
    return len(due)


def order_tasks(project_id: int) -> str:
    """Set all tasks of a project in order, batch by batch; then experts begin at the front."""
    before = None
    while True:
        with db.transaction() as session:
            more = doubt.go_on(session, project_id)
            order = doubt.of(session, project_id)
            reached = order.last_task_id if order else 0
        if not more:
            break
        if reached == before:
            time.sleep(PAUSE)
        before = reached
    with db.transaction() as session:
        experts = doubt.experts_with_place(session, project_id)
    for expert_id in experts:
        with db.transaction() as session:
            doubt.from_the_front(session, project_id, expert_id)
    return f"{len(experts)} experts begin at the front"


def take_up_orders() -> int:
    """Defer a job for each order that is not done, or that tasks came after."""
    with db.transaction() as session:
        return len(doubt.take_up(session))


class _Heard:
    """What was said of a batch before somebody fell silent."""

    def __init__(self) -> None:
        self.said: dict[int, Predicted | None] = {}
        self.uses: list[ModelUse] = []
        self.silence = ""
        self.refusal = ""


def _ask(has: Ports, batch: Batch, guidelines: str, heard: _Heard) -> None:
    if batch.source is Source.BACKEND:
        if has.predictor is None or batch.address is None:
            raise PredictorRefused("no_predictor")
        if batch.is_first:
            has.predictor.greet(batch.address)
        heard.said |= has.predictor.predict(
            batch.address, batch.tasks, project=batch.project, config=batch.label_config
        )
        return
    if has.language_model is None:
        raise ModelRefused("no_model")
    for task_id, found in _answers(has.language_model, batch, guidelines, heard):
        heard.said[task_id] = found


def _answers(
    model: LanguageModel, batch: Batch, guidelines: str, heard: _Heard
) -> Iterator[tuple[int, Predicted | None]]:
    form = model_choices.form(batch.label_config)
    for task_id, data in batch.tasks.items():
        try:
            said = model_choices.question(batch.label_config, guidelines, data)
            answer = model.ask(said, form, most_tokens=model_choices.MOST_TOKENS)
        except model_choices.TooLong:
            yield task_id, None
        except ModelNonsense as nonsense:
            heard.uses.append(nonsense.use)
            yield task_id, None
        else:
            heard.uses.append(answer.use)
            yield task_id, model_choices.predicted(batch.label_config, answer.value, model.name)


def _guidelines(session: Session, run_id: int) -> str:
    run = session.get(ModelRun, run_id)
    return session.get_one(Project, run.project_id).guidelines if run else ""
