"""Jobs that look for labels that are probably wrong."""

from importlib import import_module
from typing import Any

from core import db
from core.clock import now
from core.jobs import Tasks
from releases import noise
from releases.noise_work import Looked


def register(tasks: Tasks) -> None:
    """Add these jobs to those of the package."""
    for job in (look_at_labels, take_up_looks):
        tasks.task(queue="releases")(job)


def look_at_labels(report_id: int) -> str:
    """Look at all labels of a project, unless it is done or in another worker's hands."""
    with db.transaction() as session:
        report = noise.take(session, report_id, at=now())
    if report is None:
        return "nothing to do"
    try:
        with db.snapshot() as session:
            asked = noise.read(session, report)
        # Loaded here alone: web processes do without some hundred megabytes of libraries.
        measures: Any = import_module("releases.noise_measures")
        looked: dict[str, Looked] = {one.control: measures.look(one) for one in asked}
    except BaseException:
        with db.transaction() as session:
            noise.let_go(session, report_id)
        raise
    with db.transaction() as session:
        report = noise.finish(session, report_id, looked, at=now())
        return f"{report.state}: {report.found} of {report.tasks}"


def take_up_looks() -> int:
    """Defer the reports that nobody is working on."""
    with db.transaction() as session:
        return noise.take_up(session, at=now())
