"""What proofs of releases stand on: an instance of their own, gunicorn, and parts that tell."""

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

from app import ROOT, create_app
from bench import debian_postgres
from core.db import Database
from core.settings import Settings
from tests import clients, database
from tests.conftest import Live, make_settings

World = TypeVar("World")


@dataclass
class Part:
    """What one part of a proof came to."""

    said: str
    gaps: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Instance:
    """An instance with a database of its own."""

    live: Live
    address: str
    settings: Settings


def holds(proof: str, parts: Mapping[str, Callable[[World], Part]], world: World) -> bool:
    """Run all parts of a proof, print what each came to, and return whether all have held."""
    found: dict[str, Part] = {}
    for name, part in parts.items():
        begun = time.monotonic()
        found[name] = part(world)
        print(f"  {name}: {found[name].said} ({time.monotonic() - begun:.0f} s)", flush=True)
        for gap in found[name].gaps:
            print(f"    gap: {gap}", flush=True)
    failed = [name for name, part in found.items() if part.gaps]
    if failed:
        print(f"{proof}: failed: {', '.join(failed)}")
        return False
    print(f"{proof}: held ({'; '.join(part.said for part in found.values())})")
    return True


@contextmanager
def instance(folder: Path, **changes: Any) -> Iterator[Instance]:
    """Make an instance that keeps its files in a folder."""
    url = database.server(database.FOLDER)
    database.migrated_template(url, database.FOLDER)
    with database.copy(url) as address, database.engine_for(address, 5) as engine:
        settings = make_settings(folder, **changes)
        app = create_app(settings, Database(engine))
        clients.use_in(app)
        yield Instance(Live(app, address, engine), address, settings)


def environment(address: str, settings: Settings) -> dict[str, str]:
    """Return what a program of the instance finds in its environment."""
    return {
        **os.environ,
        "SECRET_KEY": settings.secret_key.get_secret_value(),
        "SECURITY_PASSWORD_SALT": settings.security_password_salt.get_secret_value(),
        "DATABASE_URL": address,
        "DATA_DIR": str(settings.data_dir),
    }


@contextmanager
def gunicorn(address: str, settings: Settings, **more: str) -> Iterator[tuple[str, int]]:
    """Serve the pages as in production; give the address and the number of the process."""
    port = debian_postgres.free_port()
    url = f"http://127.0.0.1:{port}"
    command = [sys.executable, "-m", "gunicorn", "app:serve()", "--bind", f"127.0.0.1:{port}"]
    command += ["--workers", "2", "--threads", "4", "--no-control-socket", "--chdir", str(ROOT)]
    known = environment(address, settings) | more | {"PUBLIC_URL": url}
    with (settings.data_dir / "web.log").open("wb") as log:
        process = subprocess.Popen(command, env=known, stdout=log, stderr=log)
    try:
        debian_postgres.wait_for(port)
        yield url, process.pid
    finally:
        process.terminate()
        process.wait()
