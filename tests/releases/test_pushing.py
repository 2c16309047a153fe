"""A release is pushed to a hub as one commit with its tag, private unless it is said otherwise."""

import socket
import subprocess
import sys

from proofs import hub_taker
from releases import storage
from tests.database import ROOT
from tests.factories.releases import build_release, make_work

PUSH = """
import sys
from pathlib import Path
from types import SimpleNamespace
from releases import pushing

folder, url = Path(sys.argv[1]), sys.argv[2]
release = SimpleNamespace(version="1.0.0", changelog="First.")
wish = pushing.Wish("acme/clauses", url, "hf_theirs", False)
try:
    print(pushing.push(folder, release, wish, {"more/README.md": folder / "README.md"}))
except pushing.HubSilent as silent:
    sys.exit(str(silent))
"""


def test_a_release_is_pushed_whole_and_tagged(app, session, monkeypatch):
    release = build_release(app, session, make_work(session, tasks=4))
    with app.app_context():
        root = app.extensions["doyen.settings"].data_dir.resolve() / "releases"
        folder = storage.folder(root, release)
    monkeypatch.setenv("HF_HUB_DISABLE_XET", "1")  # read when the library is loaded

    with hub_taker.Server() as hub:
        command = [sys.executable, "-c", PUSH, str(folder), hub.url]
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)

    assert done.returncode == 0, done.stderr
    files = hub.taken.commits[-1]
    assert files["manifest.json"] == (folder / "manifest.json").read_bytes()
    assert {path.as_posix() for path in storage.files(folder)} | {"more/README.md"} == set(files)
    assert hub.taken.tags == {"v1.0.0": done.stdout.split()[-1]}
    assert hub.taken.private
    assert hub.taken.tokens == {"Bearer hf_theirs", ""} or hub.taken.tokens == {"Bearer hf_theirs"}


def test_a_hub_that_does_not_answer_is_named_in_one_line(tmp_path):
    (tmp_path / "README.md").write_text("Card.")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{free.getsockname()[1]}"

    command = [sys.executable, "-c", PUSH, str(tmp_path), url]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)

    assert done.returncode == 1
    assert done.stderr.splitlines()[-1].startswith(f"{url} does not answer (")
    assert "Traceback" not in done.stderr
