"""Chores of the operator about releases."""

import sys

import click

from core.errors import NotFound
from releases import rebuild
from releases.jobs import releases_folder


@click.group("release")
def group() -> None:
    """Look after releases."""


@group.command("rebuild")
@click.argument("name", metavar="ORG/NAME")
@click.argument("version")
def rebuild_one(name: str, version: str) -> None:
    """Build a release again from the same answers and compare every file with what is published.

    Ends with 0 when all are the same, 1 when they differ though the answers are the same, and 3
    when answers have changed since, so that nothing can be said.
    """
    try:
        release = rebuild.by_name(name, version)
    except NotFound:
        raise click.ClickException("There is no such release.") from None
    if "inputs" not in release.facts:
        raise click.ClickException("It was built before builds could be repeated.")
    found = rebuild.verify(release, releases_folder())
    if found.is_same:
        click.echo(f"The same: {found.files} files, commit {release.commit}.")
        return
    if not found.same_writer:
        writer = release.facts["writer"]["pyarrow"]
        click.echo(f"It was written by another version of pyarrow ({writer}).", err=True)
    if not found.same_inputs:
        click.echo("Answers have changed since (appeals, erasures, reviews).", err=True)
    for path in found.differing:
        click.echo(f"differs: {path}", err=True)
    sys.exit(3 if not (found.same_inputs and found.same_writer) else 1)
