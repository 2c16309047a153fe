"""Chores of the operator about money."""

import sys
from collections.abc import Callable, Iterator
from typing import TextIO, TypeVar

import click
from sqlmodel import select

from accounts.models import RoleName, User
from core import audit
from core.clock import now
from core.db import transaction
from core.errors import DomainError
from core.ports import PayoutRefused, RailDown, ports
from payouts import ledger, ledger_audit, ledger_export, reconciliation, runs, words
from payouts.rehearsal_commands import rehearse

Answer = TypeVar("Answer")


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


@group.group("payouts")
def payouts_group() -> None:
    """Our adapter to Stripe."""


payouts_group.add_command(rehearse)


@group.group("ledger")
def ledger_group() -> None:
    """The ledger as a whole."""


@ledger_group.command("export")
@click.option("--beancount", type=click.File("w", "utf-8", lazy=True), help="Write beancount here.")
@click.option("--csv", type=click.File("w", "utf-8", lazy=True), help="Write CSV here.")
@click.option("--first", default="", help="The first day, like 2026-01-31, in UTC.")
@click.option("--last", default="", help="The last day.")
def export(beancount: TextIO | None, csv: TextIO | None, first: str, last: str) -> None:
    """Write the moves to a file, `-` for the screen, all or those of a period."""
    files = {"beancount": beancount, "csv": csv}
    if not any(files.values()):
        raise click.UsageError("Name a file: --beancount FILE, --csv FILE, or both.")
    writers: dict[str, Callable[[ledger_export.Period], Iterator[str]]] = {
        "beancount": ledger_export.beancount,
        "csv": ledger_export.as_csv,
    }
    during = _said(lambda: ledger_export.period(first, last))
    for kind, file in files.items():
        if file is not None:
            file.writelines(writers[kind](during))


@ledger_group.command("correct")
@click.argument("event")
@click.option("--by", required=True, help="The e-mail address of the operator who decides it.")
@click.option("--reason", required=True, help="Why, in a few words; it stands in the ledger.")
def correct(event: str, by: str, reason: str) -> None:
    """Take EVENT back by moves the other way round, such as assignment:12:1:earned.

    Nothing that was posted changes, and no row beside the ledger does: what an assignment or a
    payout says of itself stays. Refused when the money is no longer where the event put it.
    """
    if not reason.strip():
        raise click.UsageError("A correction needs a reason.")
    with transaction() as session:
        user = session.exec(select(User).where(User.email == by.strip().lower())).first()
        if user is None or not user.has(RoleName.OPERATOR):
            raise click.ClickException(f"{by} is no operator of this instance.")
        words = " ".join(reason.split())
        made = _said(lambda: ledger.correct(session, event, at=now(), reason=words))
        if made:
            audit.record(
                session,
                "ledger.corrected",
                by=user.id,
                subject="ledger:0",
                details={"event": event, "reason": words},
            )
    click.echo(f"{event} is taken back." if made else f"{event} was taken back before.")


def _said(act: Callable[[], Answer]) -> Answer:
    """Say a refusal in words instead of a traceback."""
    try:
        return act()
    except DomainError as refusal:
        words = refusal.words
        raise click.ClickException(words) from refusal
