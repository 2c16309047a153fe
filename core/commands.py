"""The `doyen` command: the parts of an instance, and chores of its operator."""

import secrets as random
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import click
from alembic import command as alembic
from alembic.config import Config
from flask import Flask

from core import audit_commands, catalogue, embedded, jobs, ticking
from core.settings import BadSettings, Settings, load

Make = Callable[[Settings], Flask]


class WithoutApp(click.Command):
    """A command of a package that opens no app, and so no database."""


def doyen(
    make: Make, schedule: Mapping[str, int], packages: Sequence[click.Group], root: Path
) -> click.Group:
    """Return the command with the subcommands of core and of each package."""
    group = click.Group("doyen", help="Run an instance of Doyen.")
    of_core = [texts(make, root), audit_commands.group(lambda: make(settings_or_exit()))]
    for command in [*_parts(make, schedule), *_chores(root), *of_core]:
        group.add_command(command)
    for package in packages:
        for command in package.commands.values():
            _with_app(make, command)
            group.add_command(command)
    return group


def settings_or_exit() -> Settings:
    """Read the settings; say what is wrong with them and stop."""
    try:
        return load()
    except BadSettings as problem:
        click.echo(str(problem), err=True)
        sys.exit(2)


def migrate_to(url: str, root: Path, revision: str = "head") -> None:
    """Bring a database to a revision."""
    config = Config()
    config.set_main_option("script_location", str(root / "migrations"))
    config.attributes["url"] = url
    alembic.upgrade(config, revision)


def _parts(make: Make, schedule: Mapping[str, int]) -> list[click.Command]:
    @click.command()
    @click.option("--host", default="127.0.0.1", help="The address to listen at.")
    @click.option("--port", default=8000, help="The port to listen at.")
    def run(host: str, port: int) -> None:
        """Serve the pages for development; gunicorn serves them elsewhere."""
        make(settings_or_exit()).run(host, port, threaded=True)

    @click.command()
    @click.option("--concurrency", default=4, help="How many jobs run at once.")
    @click.option("--once", is_flag=True, help="Stop when no job waits.")
    def worker(concurrency: int, once: bool) -> None:
        """Run jobs."""
        settings = settings_or_exit()
        app = make(settings)
        queue = jobs.worker_app(app, embedded.database_url(settings))
        with queue.open():
            # A lock that another worker frees is noticed by asking only, so it is asked often.
            queue.run_worker(
                concurrency=concurrency, wait=not once, fetch_job_polling_interval=0.25
            )

    @click.command()
    def clock() -> None:
        """Tick: defer each sweep when it is due."""
        ticking.run(make(settings_or_exit()), schedule)

    return [run, worker, clock]


def _chores(root: Path) -> list[click.Command]:
    @click.command()
    @click.option("--to", default="head", help="The revision to go to.")
    def migrate(to: str) -> None:
        """Bring the database up to the code."""
        migrate_to(embedded.database_url(settings_or_exit()), root, to)

    @click.command()
    def secrets() -> None:
        """Print fresh secrets for .env."""
        click.echo(f"SECRET_KEY={random.token_urlsafe(48)}")
        click.echo(f"SECURITY_PASSWORD_SALT={random.randbits(128)}")

    return [migrate, secrets]


def texts(make: Make, root: Path) -> click.Group:
    """Return the commands that keep the catalogues of words."""

    @click.group()
    def texts() -> None:
        """Keep the words of pages and letters in every language."""

    @texts.command()
    @click.argument("packages", nargs=-1, type=click.Choice(catalogue.PACKAGES))
    def update(packages: tuple[str, ...]) -> None:
        """Bring catalogues up to the code."""
        for package in packages or catalogue.PACKAGES:
            for language, lacking in catalogue.update(root, package).items():
                click.echo(f"{language}/{package}: {lacking} to translate")

    @texts.command()
    def check() -> None:
        """Say what is missing or wrong."""
        found = list(catalogue.problems(root))
        for problem in found:
            click.echo(problem)
        sys.exit(1 if found else 0)

    @texts.command()
    def compile() -> None:
        """Merge the catalogues into what pages use."""
        catalogue.ensure_compiled(root / "translations")

    return texts


def _with_app(make: Make, command: click.Command) -> None:
    if isinstance(command, click.Group):
        for one in command.commands.values():
            _with_app(make, one)
        return
    inner = command.callback
    if inner is None or isinstance(command, WithoutApp):
        return

    def outer(**arguments: object) -> object:
        with make(settings_or_exit()).app_context():
            return inner(**arguments)

    command.callback = outer
