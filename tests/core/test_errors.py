"""What a failed request leaves behind: nothing, not even words about what it did."""

import pytest
from flask import Flask, flash
from sqlalchemy import text

from app import create_app
from core.access import public
from core.db import Database, db_session
from tests import database
from tests.conftest import make_settings


@pytest.fixture
def failing(postgres: str, tmp_path) -> Flask:
    """An app with a view that says "Saved." and then fails, as at its commit."""
    with database.copy(postgres) as url, database.engine_for(url) as engine:
        app = create_app(make_settings(tmp_path), Database(engine))

        @app.get("/fails")
        @public
        def fails() -> str:
            flash("Saved.")
            db_session().execute(text("SELECT 1 / 0"))
            return "never"

        yield app


def test_words_about_what_was_undone_are_not_shown(failing: Flask):
    client = failing.test_client()

    page = client.get("/fails")
    after = client.get("/sign-in")

    assert page.status_code == 500
    assert "Saved." not in page.text
    assert "Saved." not in after.text
