"""Chores of the operator about Label Studio and media files."""

import sys
import time
from datetime import timedelta

import click
from sqlmodel import select

from annotation import backend_checks, media_watch, mirror_reports, mirror_runs, pushing
from core.clock import now
from core.db import transaction
from core.models import Heartbeat
from core.settings import current_settings
from projects.models import Project

SILENT_AFTER = timedelta(minutes=2)


@click.group()
def group() -> None:
    """Look after labelling."""


@group.command("media")
@click.option(
    "--all", "everything", is_flag=True, help="Look at every file now, and read it whole."
)
def media(everything: bool) -> None:
    """Say which media files are missing or damaged on the disk."""
    while everything:
        with transaction() as session:
            batch = media_watch.next_up(session)
        found = media_watch.examine(batch, current_settings())
        with transaction() as session:
            media_watch.note(session, batch, found, at=now())
        everything = bool(batch.whole)
    with transaction() as session:
        lost = media_watch.listed(session)
        for one in lost:
            click.echo(f"{one.trouble} project {one.project_id} {one.name} {one.sha256}")
    click.echo(f"{len(lost)} files are missing or damaged.")
    sys.exit(1 if lost else 0)


@group.group("label-studio")
def label_studio() -> None:
    """Look after Label Studio."""


@label_studio.command("check")
def check() -> None:
    """Say how Label Studio is set up, as it was last asked, and what to do."""
    with transaction() as session:
        last = backend_checks.last(session)
    found = backend_checks.verdicts(last, current_settings().data_dir / "editor", at=now())
    for one in found:
        click.echo(f"{one.tone:4} {one.part}: {one.words} {one.to_do}".rstrip())
    sys.exit(1 if any(one.tone == "stop" for one in found) else 0)


@label_studio.command("refill")
@click.option("--project", "only", type=int, help="One project; otherwise all.")
@click.option("--wait/--no-wait", default=True, help="Say how far it is until it is done.")
@click.option("--every", default=2.0, help="Seconds between two looks.")
def refill(only: int | None, wait: bool, every: float) -> None:
    """Bring everything to an empty or restored Label Studio again.

    What is there is kept, what lacks is brought, nothing twice. Workers do it in batches: this
    command may be stopped and given again at any time, and so may they.
    """
    with transaction() as session:
        wanted = mirror_runs.mirrored(session)
        if only is not None and only not in wanted:
            raise click.ClickException("There is no published project of this number.")
        wanted = wanted if only is None else [only]
        for project_id in wanted:
            mirror_runs.begin(session, project_id, mends=True, by=None, at=now(), afresh=True)
    click.echo(f"{len(wanted)} projects are being brought.")
    while wait and not _is_done(wanted):
        time.sleep(every)


def _is_done(wanted: list[int]) -> bool:
    """Say how far the work is; return whether nothing is left."""
    with transaction() as session:
        projects = session.exec(select(Project).where(Project.id.in_(wanted))).all()  # type: ignore[union-attr]
        lines = mirror_reports.lines(session, list(projects))
        worker = session.get(Heartbeat, "worker")
        behind = set(pushing.projects_behind(session)).intersection(wanted)
    running = [one for one in lines if one.run is not None and one.run.ended_at is None]
    tasks_left, answers, verdicts = (
        sum(one.tasks_left for one in lines),
        sum(one.answers_left for one in lines),
        sum(one.verdicts_left for one in lines),
    )
    click.echo(
        f"{len(running)} projects to compare, {tasks_left} tasks, {answers} answers and"
        f" {verdicts} verdicts to bring, {len(behind)} projects not whole"
    )
    for trouble in sorted({one.trouble for one in running if one.trouble}):
        click.echo(f"  {trouble}")
    is_done = not (running or tasks_left or answers or behind)
    if not is_done and (worker is None or now() - worker.seen_at > SILENT_AFTER):
        click.echo("  No worker was seen lately: start one (`doyen worker`) and a clock.")
    return is_done
