"""The commands of the audit trail: seal what waits, verify the chain, export an anchor."""

import sys
from collections.abc import Callable

import click
from flask import Flask

from core import seals
from core.db import transaction
from core.errors import DomainError
from core.seals import Anchor


def group(make: Callable[[], Flask]) -> click.Group:
    """Return the commands; `make` builds the app whose database is read."""

    @click.group()
    def audit() -> None:
        """Seal, verify and anchor the audit trail."""

    @audit.command()
    def seal() -> None:
        """Seal the rows that wait, without waiting for the sweep."""
        with make().app_context():
            click.echo(f"{seals.seal_all()} rows sealed.")

    @audit.command()
    @click.option("--anchor", "anchors", multiple=True, help="A link noted before, POSITION:HASH.")
    @click.option("--after", is_flag=True, help="Begin at the anchor; trust the chain before it.")
    def verify(anchors: tuple[str, ...], after: bool) -> None:
        """Read the whole chain; exit with 1 at the first row that breaks it."""
        if after and not anchors:
            raise click.UsageError("--after begins at an anchor: give one with --anchor.")
        with make().app_context(), transaction() as session:
            found = seals.verify(session, anchors=[_anchor(one) for one in anchors], after=after)
        if found.broken is None:
            click.echo(
                f"whole: {found.sealed} rows sealed, {found.unsealed} wait, last {found.last}"
            )
            return
        broken = found.broken
        click.echo(
            f"broken: {broken.breach} at link {broken.position or '-'}, "
            f"row {broken.event_id or '-'}: {broken.words} ({found.sealed} rows before are whole)"
        )
        sys.exit(1)

    @audit.command()
    def anchor() -> None:
        """Print the last link; keep it where nobody who reaches the database can change it."""
        with make().app_context(), transaction() as session:
            click.echo(seals.anchor(session))

    return audit


def _anchor(words: str) -> Anchor:
    try:
        return seals.parse_anchor(words)
    except DomainError as problem:
        raise click.UsageError(str(problem.words)) from None
