"""Label Studio under gunicorn with two workers, on the same PostgreSQL, with tasks in a project."""

import importlib.util
import json
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import psycopg

from bench import debian_postgres
from demo import label_studio

SERVE = Path(__file__).with_name("label_studio_serve.py")
ROOT = SERVE.parent.parent
LUA = Path(__file__).with_name("lua") / "label_studio.lua"
TASKS, AT_ONCE = 10_000, 1_000
DATABASE = "label_studio"


@dataclass(frozen=True)
class Theirs:
    """A running Label Studio with a project full of tasks."""

    url: str
    folder: Path
    project_id: int

    def load(self) -> tuple[object, ...]:
        """Return what `wrk` is told: the script, the tokens, the project and an answer."""
        return LUA, self.folder / "tokens", self.project_id, self.folder / "answer"


@contextmanager
def running(
    url: str, people: int, config: str, answer: object, *, tasks: int = TASKS
) -> Iterator[Theirs]:
    """Install Label Studio if need be and run it; it is gone at the end."""
    python = label_studio.ensure_installed(ROOT / "var")
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {DATABASE}")  # type: ignore[call-overload]
    folder, port = Path(tempfile.mkdtemp(prefix="doyen-bench-ls-")), debian_postgres.free_port()
    (folder / "answer").write_text(json.dumps({"result": answer, "lead_time": 3}))
    command = [str(python), "-I", str(SERVE), str(label_studio.BOOT), str(_gunicorn(folder))]
    with (folder / "web.log").open("wb") as log:
        process = subprocess.Popen(
            [*command, str(folder), str(port), str(people)],
            env=_environment(folder, url),
            cwd=folder,
            stdout=log,
            stderr=log,
        )
    try:
        debian_postgres.wait_for(port, seconds=600)
        address = f"http://127.0.0.1:{port}"
        yield Theirs(address, folder, _fill(address, folder, config, tasks))
    finally:
        process.terminate()
        process.wait()
        shutil.rmtree(folder, ignore_errors=True)


def _environment(folder: Path, url: str) -> dict[str, str]:
    there = urlsplit(url)
    return label_studio.environment(folder) | {
        "DJANGO_DB": "default",
        "POSTGRE_NAME": DATABASE,
        "POSTGRE_USER": str(there.username),
        "POSTGRE_PASSWORD": "",
        "POSTGRE_HOST": str(there.hostname),
        "POSTGRE_PORT": str(there.port),
    }


def _gunicorn(folder: Path) -> Path:
    """Return a folder with our gunicorn and nothing else of ours."""
    spec = importlib.util.find_spec("gunicorn")
    assert spec
    assert spec.origin
    (folder / "path").mkdir()
    os.symlink(Path(spec.origin).parent, folder / "path" / "gunicorn")
    return folder / "path"


def _fill(address: str, folder: Path, config: str, count: int) -> int:
    token = (folder / "tokens").read_text().splitlines()[0]
    with httpx.Client(
        base_url=address, headers={"Authorization": f"Bearer {token}"}, timeout=300
    ) as client:
        made = client.post("/api/projects/", json={"title": "Bench", "label_config": config})
        project_id = int(made.raise_for_status().json()["id"])
        text = "The licensor grants. " * 10
        for _ in range(count // AT_ONCE):
            tasks = [{"text": text} for _ in range(AT_ONCE)]
            client.post(f"/api/projects/{project_id}/import", json=tasks).raise_for_status()
    return project_id
