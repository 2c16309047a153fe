"""What every test may ask for: a real database, the app, clients, jobs, a browser."""

import atexit
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from pydantic import SecretStr
from sqlalchemy.engine import Engine
from sqlmodel import Session

from app import create_app
from core import db
from core.db import Database
from core.settings import Settings
from interviews import integrity
from tests import clients, database
from tests.browser.fixtures import browser_page, chromium, live_url  # noqa: F401 - fixtures for all
from tests.clients import CheckedClient
from tests.jobs_run import run_jobs


@dataclass
class Live:
    """An app with a database of its own where commits are commits: for threads and servers."""

    app: Flask
    url: str
    engine: Engine

    def transaction(self) -> Any:
        """Open a committed transaction inside an app context."""
        return _InApp(self.app)

    def client(self, user: Any = None) -> CheckedClient:
        """Return a client, signed in as a person when one is given."""
        client: Any = self.app.test_client()
        return client.sign_in(user) if user is not None else client

    def run_jobs(self, **how: Any) -> list[str]:
        """Run what waits in the queue."""
        return run_jobs(self.app, **how)


class _InApp:
    def __init__(self, app: Flask) -> None:
        self.context = app.app_context()

    def __enter__(self) -> Session:
        self.context.push()
        self.opened = db.transaction()
        return self.opened.__enter__()

    def __exit__(self, *error: Any) -> None:
        try:
            self.opened.__exit__(*error)
        finally:
            self.context.pop()


@pytest.fixture(autouse=True)
def nobody_copies(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let made candidates give the same right answers without a person looking at them for it.

    A module that is about just that says `COPIES = True`.
    """
    if not getattr(request.module, "COPIES", False):
        monkeypatch.setattr(integrity, "_alike", lambda *_asked: (0, 0.0))


@pytest.fixture(scope="session")
def shared(tmp_path_factory: pytest.TempPathFactory, worker_id: str) -> Path:
    """A folder that all workers of this run share."""
    base = tmp_path_factory.getbasetemp()
    return base if worker_id == "master" else base.parent


@pytest.fixture(scope="session")
def postgres() -> str:
    """The address of the run's server, with the migrated template ready."""
    url = database.server(database.FOLDER)
    database.migrated_template(url, database.FOLDER)
    return url


def pytest_configure() -> None:
    """Remove the server's data when the run ends; the server, started later, stops before."""
    if not database.IS_WORKER:
        atexit.register(shutil.rmtree, database.FOLDER, ignore_errors=True)


@pytest.fixture(scope="session")
def settings(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """Settings that reach nothing outside this machine."""
    return make_settings(tmp_path_factory.mktemp("data"))


def make_settings(data_dir: Path, **changes: Any) -> Settings:
    """Return settings for a test, whatever the environment says."""
    given: dict[str, Any] = {
        "secret_key": SecretStr("a key for tests only, long enough to be one"),
        "security_password_salt": SecretStr("146585145368132386173505678016728509634"),
        "data_dir": data_dir,
        "public_url": "http://localhost",
        "stripe_webhook_secret": SecretStr("whsec_platform"),
        "stripe_connect_webhook_secret": SecretStr("whsec_connect"),
    }
    return Settings(_env_file=None, **(given | changes))


@pytest.fixture(scope="session")
def engine(postgres: str) -> Iterator[Engine]:
    """An engine to a database of this worker's own."""
    with database.copy(postgres) as url, database.engine_for(url) as engine:
        yield engine


@pytest.fixture(scope="session")
def worker_app(engine: Engine, settings: Settings) -> Flask:
    """The app of this worker; `app` binds it to one test's transaction."""
    app = create_app(settings, Database(engine))
    app.config["TESTING"] = True
    clients.use_in(app)
    return app


@pytest.fixture
def app(worker_app: Flask, engine: Engine) -> Iterator[Flask]:
    """The app, with everything that a test writes undone at its end."""
    known: Database = worker_app.extensions["doyen.db"]
    with engine.connect() as connection:
        outer = connection.begin()
        known.make_session.configure(bind=connection, join_transaction_mode="create_savepoint")
        try:
            yield worker_app
        finally:
            known.make_session.configure(bind=engine, join_transaction_mode="conditional_savepoint")
            outer.rollback()


@pytest.fixture
def session(app: Flask) -> Iterator[Session]:
    """A session in the test's transaction, with an app context around it."""
    with app.app_context():
        known: Database = app.extensions["doyen.db"]
        session = known.make_session()
        yield session
        session.close()


@pytest.fixture
def client(app: Flask) -> CheckedClient:
    """A client that has not signed in."""
    client: Any = app.test_client()
    return client


@pytest.fixture
def sign_in(app: Flask) -> Callable[[Any], CheckedClient]:
    """Return a client that is signed in as a person."""

    def sign_in(user: Any) -> CheckedClient:
        client: Any = app.test_client()
        return client.sign_in(user)

    return sign_in


@pytest.fixture
def jobs(app: Flask) -> Callable[..., list[str]]:
    """Run the jobs that wait in the test's transaction."""
    return lambda **how: run_jobs(app, **how)


@pytest.fixture
def live(postgres: str, tmp_path: Path) -> Iterator[Live]:
    """An app whose commits are real, on a database of its own."""
    with database.copy(postgres) as url, database.engine_for(url, pool_size=20) as engine:
        app = create_app(make_settings(tmp_path), Database(engine))
        app.config["TESTING"] = True
        clients.use_in(app)
        yield Live(app, url, engine)
