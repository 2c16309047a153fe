"""The code that a release's page offers to copy runs as it stands, against a running instance."""

import os
import subprocess
import sys

import pytest

from releases import snippets
from releases.models import Release
from tests.browser import served
from tests.factories.releases import make_grant, make_ml_team, make_release, make_work
from tests.factories.tokens import make_token

# What loads tables is tried by the proof, in environments of its own; here what every one has.
SHELL = ("curl",)
PYTHON = ("hub",)
ELSEWHERE = ("datasets", "streaming", "hf", "pandas", "polars", "duckdb")


@pytest.fixture
def loaded(live, tmp_path):
    with live.transaction() as session:
        desk = make_work(session, tasks=6)
        user, organisation = make_ml_team(session)
        make_grant(session, desk, organisation)
        release = make_release(session, desk)
        _, token = make_token(session, user)
    live.run_jobs()
    with served(live.app) as url, live.transaction() as session:
        found = session.get_one(Release, release.id)
        yield {one.key: one.code for one in snippets.all_of(found, url)}, token


def test_each_way_to_load_is_true(loaded, tmp_path):
    codes, token = loaded
    env = os.environ | {"DOYEN_TOKEN": token, "HF_HOME": str(tmp_path / "hf")}
    made = [("sh", "-c", codes[key]) for key in SHELL]
    # What they share is imported once.
    made.append((sys.executable, "-c", "\n".join(codes[key] for key in PYTHON)))
    for command in made:
        done = subprocess.run(
            command, cwd=tmp_path, env=env, capture_output=True, text=True, check=False, timeout=120
        )
        assert done.returncode == 0, done.stdout + done.stderr
    assert list((tmp_path / "hf").rglob("*.parquet"))
    assert set(codes) == {*SHELL, *PYTHON, *ELSEWHERE}
