"""Chores of the operator about interviews."""

import sys
from pathlib import Path

import click
from flask import current_app

from core.commands import WithoutApp
from core.db import transaction
from core.ports import ports
from core.settings import current_settings
from experts.fields import Field
from interviews import modes
from interviews.models import Mode
from interviews.personas import scratch, stage


@click.group()
def group() -> None:
    """Look after interviews."""


@group.group("interviews")
def interviews() -> None:
    """Try out interviews."""


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
    for gap in gaps:
        click.echo(f"gap: {gap}")
    click.echo(f"personas: {'failed' if gaps else 'held'} ({len(results)} interviews, {mode})")
    sys.exit(1 if gaps else 0)
