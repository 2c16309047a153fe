"""Commands about people."""

import click
from sqlmodel import select

from accounts import organisations
from accounts.models import RoleName, User
from core import audit
from core.db import transaction


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
