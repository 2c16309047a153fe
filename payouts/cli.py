"""Chores of the operator about money."""

import sys

import click

from core.clock import now
from core.db import transaction
from core.ports import PayoutRefused, RailDown, ports
from payouts import ledger, reconciliation, runs, words


@click.group()
def group() -> None:
    """Look after money."""


@group.command("check-ledger")
def check_ledger() -> None:
    """Recompute the ledger from its moves and say what does not hold."""
    with transaction() as session:
        found = ledger.problems(session)
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


@group.command("payout-plan")
def payout_plan() -> None:
    """Say what a payout run would do now: who is paid, who is not and why. Nothing is sent."""
    try:
        found = {one.available.currency: one.available for one in ports().payout_rail.balances()}
    except (RailDown, PayoutRefused) as trouble:
        found = None
        click.echo(f"Stripe cannot be asked: {trouble}")
    with transaction() as session:
        plans = runs.plans(session, now())
        lines = session.execute(runs.lines(session, now())).all()
    for one in lines:
        said = words.minor(one.amount if one.verdict in runs.MADE else one.owed, one.currency)
        reason = words.VERDICTS[one.verdict]
        click.echo(f"expert {one.expert_id}: {said.decimal} {one.currency.upper()}  {reason}")
    for total in plans:
        code = total.currency.upper()
        click.echo(f"{code}: {total.made.count} payouts, {total.made.amount.decimal} in all")
        if found is not None:
            available = found.get(total.currency, words.minor(0, total.currency))
            click.echo(f"{code}: {available.decimal} available at Stripe")
    if not lines:
        click.echo("Nothing is owed to anybody.")
