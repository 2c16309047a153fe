"""Looks for doubtful labels, and what they found."""

from typing import Any

from sqlmodel import Session

from annotation.models import State, Task
from core.clock import now
from releases.noise_models import NoiseFinding, NoiseReport, ReportState
from tests.factories.annotation import Desk, choice, make_assignment, make_desk, make_task

WORDS = {
    "grant": "may use copy and modify the work in every country",
    "warranty": "comes as is and no fitness for any purpose is promised",
}


def make_report(session: Session, desk: Desk, **changes: Any) -> NoiseReport:
    """Make a report that is done and has found nothing."""
    values: dict[str, Any] = {
        "project_id": desk.project_id,
        "state": ReportState.DONE,
        "asked_by": desk.owner.id,
        "asked_at": now(),
        "ended_at": now(),
        "tasks": 30,
    }
    report = NoiseReport(**(values | changes))
    session.add(report)
    session.flush()
    return report


def make_finding(session: Session, report: NoiseReport, task: Task, **changes: Any) -> NoiseFinding:
    """Make a doubtful label that nobody has dealt with."""
    values: dict[str, Any] = {
        "report_id": report.id,
        "project_id": report.project_id,
        "task_id": task.id,
        "control": "clause",
        "given": "grant",
        "likely": "warranty",
        "score": 0.1,
        "votes": {"grant": 2},
        "reasons": [["text", "warranty", 0.9]],
    }
    finding = NoiseFinding(**(values | changes))
    session.add(finding)
    session.flush()
    return finding


def make_labelled(
    session: Session, *, tasks: int = 24, wrong: tuple[int, ...] = (), **changes: Any
) -> Desk:
    """Make a project whose two experts agree on clauses, and on some of them wrongly."""
    desk = make_desk(session, experts=2, tasks=0, **changes)
    for number in range(tasks):
        label, other = ("grant", "warranty") if number % 2 else ("warranty", "grant")
        task = make_task(
            session,
            desk.project,
            external_id=f"t-{number:03d}",
            data={"text": f"The party {number} {WORDS[label]}."},
        )
        said = other if number in wrong else label
        for expert in desk.experts:
            make_assignment(
                session,
                desk.project,
                expert=expert,
                task=task,
                state=State.ACCEPTED,
                result=choice(said),
            )
    return desk
