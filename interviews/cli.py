"""Chores of the operator about interviews."""

import sys
from pathlib import Path
from typing import Any

import click
from flask import current_app

from core.clock import now
from core.commands import WithoutApp
from core.db import transaction
from core.ports import ports
from core.settings import current_settings
from experts.fields import Field
from interviews import judge_jobs, judge_runs, judges, modes
from interviews.judge_models import JudgeRun
from interviews.models import Mode
from interviews.personas import scratch, stage


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


FIELDS = click.Choice([field.value for field in Field])
FIELD = click.option("--field", type=FIELDS, default=Field.LAW.value)
LANGUAGE = click.option("--language", type=click.Choice(["en", "fr"]), default="en")


@interviews.command("personas", cls=WithoutApp)
@FIELD
@LANGUAGE
@click.option("--endpoint", default="", help="A language model's address, such as http://.../v1.")
@click.option("--model", default="", help="Its name there.")
@click.option("--key-env", default="", help="The environment variable that holds its key.")
def personas(field: str, language: str, endpoint: str, model: str, key_env: str) -> None:
    """Let simulated candidates take interviews, and say how the interviewer behaved.

    They take them on an instance of their own that is gone afterwards: nothing of this one is read
    or written. Without an endpoint the interview is the structured one.
    """
    if bool(endpoint) != bool(model):
        raise click.UsageError("Give --endpoint and --model together, or neither.")
    inner = ["interviews", "personas-here", "--field", field, "--language", language]
    program = Path(sys.argv[0])
    sys.exit(scratch.run(program, inner, endpoint=endpoint, model=model, key_env=key_env))


@interviews.command("personas-here", hidden=True)
@FIELD
@LANGUAGE
def personas_here(field: str, language: str) -> None:
    """Let them come to this instance, if nobody else has."""
    with transaction() as session:
        if not stage.is_fresh(session):
            raise click.ClickException("Somebody has an account here; use `interviews personas`.")
    app = current_app._get_current_object()  # type: ignore[attr-defined]
    leads = Mode.LLM in modes.offered(modes.model_of(current_settings()))
    if ports().language_model is not None and not leads:
        click.echo("The model is set up, but leads no interviews here: they are structured ones.")
    mode = Mode.LLM if leads else Mode.STRUCTURED
    results = stage.play(app, Field(field), language, mode=mode)
    for line in stage.table(results):
        click.echo(line)
    gaps = [gap for result in results for gap in result.gaps]
    if leads:
        with transaction() as session:
            calls = stage.calls(session)
        click.echo(f"model: {calls.all} calls, {calls.answered} answered")
        if not calls.answered:
            gaps.append("the model never answered, so nothing is known of how it behaves")
    for gap in gaps:
        click.echo(f"gap: {gap}")
    click.echo(f"personas: {'failed' if gaps else 'held'} ({len(results)} interviews, {mode})")
    sys.exit(1 if gaps else 0)
