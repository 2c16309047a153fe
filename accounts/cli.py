"""Commands about people."""

import click
from sqlmodel import select

from accounts import organisations, retention
from accounts.models import RoleName, User
from core import audit, personal_data
from core.clock import now
from core.db import transaction
from core.settings import current_settings


@click.group()
def group() -> None:
    """Commands about people."""


@group.command("operator")
@click.argument("email")
def make_operator(email: str) -> None:
    """Make the person who registered with EMAIL an operator of this instance."""
    with transaction() as session:
        user = session.exec(select(User).where(User.email == email.strip().lower())).first()
        if user is None or user.confirmed_at is None:
            raise click.ClickException(
                f"{email} has no confirmed account. Register at /register and confirm first."
            )
        organisations.give_role(session, user, RoleName.OPERATOR)
        audit.record(session, "account.made_operator", by=None, subject=f"user:{user.id}")
    click.echo(f"{email} is an operator.")


@group.group("privacy")
def privacy() -> None:
    """What is kept of people, and for how long."""


@privacy.command("retention")
@click.option("--dry-run", is_flag=True, help="Only say what would go.")
def apply_retention(dry_run: bool) -> None:
    """Let go what was kept long enough, or say what would go."""
    days = current_settings().retention_days
    if not dry_run:
        for name, count in retention.apply(personal_data.of_app(), days, at=now()).items():
            click.echo(f"{name}: {count} gone")
        return
    with transaction() as session:
        for rule in retention.foresee(session, personal_data.of_app(), days, at=now()):
            kept = f"after {rule.days} days" if rule.days else "kept for good"
            click.echo(f"{rule.name}: {rule.count} would go ({kept})")
