"""A real Label Studio, and an app that works with it."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr

from annotation.label_studio import LabelStudioBackend
from annotation.labelling import labelling_backend
from app import create_app
from core.db import Database
from tests import clients, database
from tests.conftest import Live, make_settings
from tests.label_studio_server import Server, own_server, shared_server


@pytest.fixture(scope="session")
def label_studio(shared: Path) -> Server:
    """The run's server, shared by all workers; nobody stops it."""
    return shared_server(shared)


@pytest.fixture
def own_label_studio(tmp_path: Path) -> Iterator[Server]:
    """A server that a test may kill and start again."""
    server = own_server(tmp_path / "label-studio")
    yield server
    server.kill()


@pytest.fixture
def backend(label_studio: Server) -> LabelStudioBackend:
    """Our side of the shared server."""
    return LabelStudioBackend(label_studio.url, label_studio.token)


@pytest.fixture
def bench(postgres: str, tmp_path: Path, label_studio: Server) -> Iterator[Live]:
    """An app with a database of its own, working with the shared server."""
    with bench_app(postgres, tmp_path, label_studio) as live:
        yield live


@contextmanager
def bench_app(postgres: str, folder: Path, server: Server) -> Iterator[Live]:
    """Make an app with a database of its own, working with a server."""
    changes: dict[str, Any] = {
        "label_studio_url": server.url,
        "label_studio_token": SecretStr(server.token),
    }
    with database.copy(postgres) as url, database.engine_for(url, pool_size=20) as engine:
        app = create_app(make_settings(folder, **changes), Database(engine))
        app.config["TESTING"] = True
        clients.use_in(app)
        labelling = labelling_backend(app.extensions["doyen.settings"])
        app.extensions["doyen.ports"] = replace(app.extensions["doyen.ports"], labelling=labelling)
        yield Live(app, url, engine)
