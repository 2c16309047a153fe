"""Labels that are probably wrong: asked for by an owner, found by a job, sent back by a person.

A report accuses nobody. What is sent back is answered once more, by an expert who has not seen the
task, and then reviewed as any answer is: verdicts and pay that stand are not touched, and releases
that are out stay as they are.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import func
from sqlalchemy.dialects.postgresql import insert
from sqlmodel import Session, col, select

from accounts.models import User
from annotation import agreement, label_config, released, slots
from annotation.label_config import Control, LabelConfig
from annotation.models import Assignment, Task
from core import audit, jobs
from core.errors import Conflict, Invalid
from projects.models import Project, id_of
from projects.models import State as ProjectState
from releases.noise_models import FindingState, NoiseFinding, NoiseReport, ReportState
from releases.noise_work import Item, Looked, Question, Trouble

HELD = timedelta(minutes=15)
ATTEMPTS = 3
# So many tasks are looked at; of more, every so manieth, and others the next time.
LOOKED_AT = 20_000
TEXT_AT_MOST = 4_000
KEPT = 1_000  # of the doubtful labels, the least likely
SENT_AT_ONCE = 200
TEXTS = frozenset({"Text", "HyperText"})


class NoQuestion(Invalid):
    """Only questions with one choice can be looked at, and this project asks none."""


class NothingChosen(Invalid):
    """Choose at least one label, or say how many of the least likely."""


class ProjectOver(Conflict):
    """This project is completed: nobody can answer its tasks any more."""


class DealtWith(Conflict):
    """This label was sent back already."""


@dataclass(frozen=True)
class Sent:
    """What sending back has done: tasks that get one more answer, and those that wait for one."""

    tasks: int
    waiting: int


def questions(config: LabelConfig) -> list[Control]:
    """Return the questions of a form that are looked at: one choice about the whole task."""
    return [
        one
        for one in config.controls.values()
        if one.kind == "Choices"
        and not (one.is_multiple or one.is_dynamic or one.is_on("perregion"))
    ]


def newest(session: Session, project_id: int) -> NoiseReport | None:
    """Return the report of a project that was asked for last."""
    query = select(NoiseReport).where(NoiseReport.project_id == project_id)
    return session.exec(query.order_by(col(NoiseReport.id).desc()).limit(1)).first()


def findings(report: NoiseReport) -> Any:
    """Select the doubtful labels of a report with their tasks, the least likely first."""
    return (
        select(NoiseFinding, Task)
        .join(Task, col(Task.id) == col(NoiseFinding.task_id))
        .where(NoiseFinding.report_id == report.id)
        .order_by(col(NoiseFinding.score), col(NoiseFinding.id))
    )


def count_open(session: Session, report: NoiseReport) -> int:
    """Count the doubtful labels of a report that nobody has dealt with."""
    query = select(func.count()).where(
        NoiseFinding.report_id == report.id, NoiseFinding.state == FindingState.OPEN
    )
    return int(session.exec(query).one())


def ask(session: Session, project: Project, *, by: User, at: datetime) -> NoiseReport:
    """Let a job look at all labels; asking again while it looks changes nothing."""
    project_id = id_of(project)
    if not questions(label_config.parse(project.label_config)):
        raise NoQuestion
    values = {"project_id": project_id, "state": ReportState.LOOKING}
    values |= {"asked_by": id_of(by), "asked_at": at, "attempts": 0, "tasks": 0, "left_out": 0}
    values |= {"found": 0, "dealt_with": 0, "used_votes": False, "used_text": False}
    made = session.execute(
        insert(NoiseReport)
        .values(**values)
        .on_conflict_do_nothing(
            index_elements=["project_id"], index_where=col(NoiseReport.state) == "looking"
        )
        .returning(col(NoiseReport.id))
    ).scalar()
    report = newest(session, project_id)
    assert report is not None
    if made is not None:
        audit.record(session, "noise.asked", by=by.id, subject=f"project:{project_id}")
        _defer(session, made)
    return report


def take(session: Session, report_id: int, *, at: datetime) -> NoiseReport | None:
    """Take a report in hand, unless it has ended or is in another worker's; too often fails it."""
    report = session.exec(
        select(NoiseReport).where(NoiseReport.id == report_id).with_for_update(skip_locked=True)
    ).first()
    if report is None or report.state is not ReportState.LOOKING or _is_held(report, at):
        return None
    if report.attempts >= ATTEMPTS:
        _end(report, ReportState.FAILED, at, trouble=Trouble.GAVE_UP)
        return None
    report.attempts += 1
    report.held_until = at + HELD
    return report


def let_go(session: Session, report_id: int) -> None:
    """Let another worker take a report that this one could not finish."""
    session.get_one(NoiseReport, report_id, with_for_update=True).held_until = None


def read(session: Session, report: NoiseReport) -> list[Question]:
    """Read the accepted answers of a project, by question; the session sees one state of it all."""
    project = session.get_one(Project, report.project_id)
    config = label_config.parse(project.label_config)
    asked = questions(config)
    step = -(-_final_tasks(session, report.project_id) // LOOKED_AT) or 1
    items: dict[str, list[Item]] = {one.name: [] for one in asked}
    found = released.read(session, [report.project_id], until=report.asked_at)
    for number, one in enumerate(found):
        if (number + (report.id or 0)) % step:
            continue
        for control in asked:
            item = _item(one, control, _field(config, control))
            if item.votes:
                items[control.name].append(item)
    return [Question(name, tuple(some)) for name, some in items.items()]


def finish(
    session: Session, report_id: int, looked: Mapping[str, Looked], *, at: datetime
) -> NoiseReport:
    """Keep what was found; a report that has ended stays as it is."""
    report = session.get_one(NoiseReport, report_id, with_for_update=True)
    if report.state is not ReportState.LOOKING:
        return report
    said = list(looked.values())
    report.tasks = max((one.tasks for one in said), default=0)
    report.left_out = max((one.left_out for one in said), default=0)
    if all(one.trouble for one in said):
        _end(report, ReportState.FAILED, at, trouble=said[0].trouble or Trouble.NO_QUESTION)
        return report
    report.used_votes = any(one.used_votes for one in said)
    report.used_text = any(one.used_text for one in said)
    before = _dealt_with(session, report.project_id)
    every = [(control, doubt) for control, one in looked.items() for doubt in one.found]
    fresh = [
        (control, doubt)
        for control, doubt in every
        if doubt.votes not in before.get((doubt.task_id, control), ())
    ]
    report.dealt_with, report.found = len(every) - len(fresh), len(fresh)
    fresh.sort(key=lambda pair: (pair[1].score, pair[1].task_id))
    session.add_all(
        NoiseFinding(
            report_id=report_id,
            project_id=report.project_id,
            task_id=doubt.task_id,
            control=control,
            given=doubt.given,
            likely=doubt.likely,
            score=doubt.score,
            votes=doubt.votes,
            reasons=[list(one) for one in doubt.reasons],
        )
        for control, doubt in fresh[:KEPT]
    )
    _end(report, ReportState.DONE, at)
    return report


def take_up(session: Session, *, at: datetime) -> int:
    """Defer the reports that no worker holds; return how many there are."""
    waiting = select(NoiseReport).where(NoiseReport.state == ReportState.LOOKING)
    left = [one for one in session.exec(waiting) if not _is_held(one, at)]
    for one in left:
        _defer(session, one.id or 0)
    return len(left)


def least_likely(session: Session, report: NoiseReport, most: int) -> list[int]:
    """Return the ids of the least likely labels that nobody has dealt with."""
    query = (
        select(NoiseFinding.id)
        .where(NoiseFinding.report_id == report.id, NoiseFinding.state == FindingState.OPEN)
        .order_by(col(NoiseFinding.score), col(NoiseFinding.id))
        .limit(max(0, min(most, SENT_AT_ONCE)))
    )
    return [one for one in session.exec(query) if one is not None]


def send_back(
    session: Session, project: Project, finding_ids: Sequence[int], *, by: User, at: datetime
) -> Sent:
    """Let one more expert answer the tasks of some doubtful labels; sent twice is sent once.

    Nobody's verdict or pay changes. The new answer is paid and reviewed as any other, and counts
    from the next release on.
    """
    if not finding_ids:
        raise NothingChosen
    if project.state is ProjectState.COMPLETED:
        raise ProjectOver
    chosen = [
        one
        for one in _locked(session, project, finding_ids[:SENT_AT_ONCE])
        if one.state is FindingState.OPEN
    ]
    for one in chosen:
        one.state, one.decided_by, one.decided_at = FindingState.SENT, id_of(by), at
    task_ids = sorted({one.task_id for one in chosen})
    opened = slots.ask_again(session, task_ids)
    if chosen:
        audit.record(
            session,
            "noise.sent_back",
            by=by.id,
            subject=f"project:{project.id}",
            details={"report": chosen[0].report_id, "tasks": task_ids, "opened": len(opened)},
        )
    return Sent(len(opened), len(task_ids) - len(opened))


def say_right(session: Session, finding: NoiseFinding, *, by: User, at: datetime) -> None:
    """Note that a label is right after all; it is not shown again until a new answer comes.

    `finding` is locked by the caller.
    """
    if finding.state is FindingState.RIGHT:
        return
    if finding.state is FindingState.SENT:
        raise DealtWith
    finding.state, finding.decided_by, finding.decided_at = FindingState.RIGHT, id_of(by), at
    audit.record(
        session,
        "noise.said_right",
        by=by.id,
        subject=f"project:{finding.project_id}",
        details={"report": finding.report_id, "task": finding.task_id},
    )


def _locked(session: Session, project: Project, ids: Iterable[int]) -> Sequence[NoiseFinding]:
    return session.exec(
        select(NoiseFinding)
        .where(col(NoiseFinding.id).in_(list(ids)), NoiseFinding.project_id == project.id)
        .order_by(col(NoiseFinding.id))
        .with_for_update()
        .execution_options(populate_existing=True)
    ).all()


def _item(one: released.Read, control: Control, field: str | None) -> Item:
    task = one.task
    votes = tuple((answer.expert_id, chosen) for answer, chosen in _chosen(one, control.name))
    known = agreement.choices(task.gold or []).get(control.name, ())
    text = released.data_of(task).get(field) if field else None
    return Item(
        task.id,
        text[:TEXT_AT_MOST] if isinstance(text, str) else "",
        votes,
        known[0] if known else None,
    )


def _chosen(one: released.Read, control: str) -> Iterable[tuple[released.AnswerRow, str]]:
    for answer in one.answers:
        chosen = agreement.choices(released.result_of(answer)).get(control, ())
        if len(chosen) == 1:
            yield answer, chosen[0]


def _field(config: LabelConfig, control: Control) -> str | None:
    """Return the field of the data that holds the text which a question is about."""
    about = [config.objects.get(name) for name in control.to_names]
    return next((one.variable for one in about if one and one.kind in TEXTS and one.variable), None)


def _final_tasks(session: Session, project_id: int) -> int:
    query = select(func.count(func.distinct(Assignment.task_id))).where(
        Assignment.project_id == project_id, col(Assignment.state).in_(released.VALIDATED)
    )
    return int(session.exec(query).one())


def _dealt_with(session: Session, project_id: int) -> dict[tuple[int, str], list[Any]]:
    """Return the votes with which tasks were dealt with before, by task and question."""
    query = select(NoiseFinding.task_id, NoiseFinding.control, NoiseFinding.votes).where(
        NoiseFinding.project_id == project_id, NoiseFinding.state != FindingState.OPEN
    )
    found: dict[tuple[int, str], list[Any]] = {}
    for task_id, control, votes in session.exec(query):
        found.setdefault((task_id, control), []).append(votes)
    return found


def _is_held(report: NoiseReport, at: datetime) -> bool:
    return report.held_until is not None and report.held_until > at


def _end(
    report: NoiseReport, state: ReportState, at: datetime, *, trouble: Trouble | None = None
) -> None:
    report.state, report.ended_at, report.trouble = state, at, trouble
    report.held_until = None


def _defer(session: Session, report_id: int) -> None:
    jobs.defer(
        session,
        "releases.look_at_labels",
        queue="releases",
        queueing_lock=f"noise:{report_id}",
        report_id=report_id,
    )
