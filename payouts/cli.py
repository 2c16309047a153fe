"""Chores of the operator about money."""

import sys

import click

from core.db import transaction
from core.ports import ports
from payouts import ledger_audit, reconciliation


@click.group()
def group() -> None:
    """Look after money."""


@group.command("check-ledger")
def check_ledger() -> None:
    """Recompute the ledger from its moves and say what does not hold."""
    with transaction() as session:
        found = ledger_audit.problems(session)
    for problem in found:
        click.echo(problem)
    click.echo("The ledger does not hold." if found else "The ledger holds.")
    sys.exit(1 if found else 0)


@group.command("reconcile")
def reconcile() -> None:
    """Compare the ledger with Stripe now."""
    rows = reconciliation.run(ports().payout_rail)
    for row in rows:
        held, difference = row.ledger.decimal, row.difference.decimal
        click.echo(f"{row.currency}: {row.state}, held {held}, difference {difference}")
    sys.exit(1 if any(row.state == "alarm" for row in rows) else 0)
