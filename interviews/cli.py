"""Chores of the operator about interviews."""

import sys
from typing import Any

import click

from core.clock import now
from core.db import transaction
from core.ports import ports
from core.settings import current_settings
from interviews import judge_jobs, judge_runs, judges
from interviews.judge_models import JudgeRun


@click.group()
def group() -> None:
    """Look after interviews."""


@group.group("interviews")
def interviews() -> None:
    """Look after interviews."""


@interviews.command("judge-check")
def judge_check() -> None:
    """Let the judges read the frozen set, and open the gates where they agree with people."""
    having = judges.of(ports(), current_settings())
    if having is None:
        raise click.ClickException("No language model is set (LLM_BASE_URL, LLM_MODEL).")
    with transaction() as session:
        run_id = judge_runs.begin(session, having, by=None, at=now()).key
    judge_jobs.check_judges(run_id, having)
    with transaction() as session:
        results = session.get_one(JudgeRun, run_id).results
    if results is None:
        raise click.ClickException(
            "The run is not finished (the model is away, a limit is reached, or a worker has it)."
            " A worker goes on with it."
        )
    _tell("all", results["whole"])
    for name, found in results["fields"].items():
        _tell(name, found)
    opened = [name for name, found in results["fields"].items() if found["opens"]]
    click.echo(f"Open: {', '.join(opened) or 'none'}.")
    sys.exit(0 if opened else 1)


def _tell(name: str, found: dict[str, Any]) -> None:
    figures = found["judges"]
    kappa, bias, error = (_figure(figures[key]) for key in ("kappa", "bias", "error"))
    lacks = f"; lacks {', '.join(found['lacks'])}" if found["lacks"] else ""
    click.echo(
        f"{name}: {found['read']} of {found['answers']} read alike, kappa {kappa}, bias {bias},"
        f" error {error}{lacks}"
    )


def _figure(value: float | None) -> str:
    return "-" if value is None else f"{value:+.2f}"
