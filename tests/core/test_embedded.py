"""The database that is ours alone: it goes when the last who used it is gone, killed or not."""

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

HOLD = """
import sys, time
from pathlib import Path
from core import embedded

embedded.start(Path(sys.argv[1]))
print("started", flush=True)
sys.stdin.read()
"""


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    """A place for a server's data; none that a failing test left running stays."""
    folder = tmp_path / "postgres"
    yield folder
    for process in _servers(folder):
        process.kill()


def _holder(folder: Path) -> subprocess.Popen[str]:
    process = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(folder)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env=os.environ | {"PYTHONPATH": str(Path(__file__).parents[2])},
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "started\n"
    return process


def _servers(folder: Path) -> list[psutil.Process]:
    found = []
    for process in psutil.process_iter():
        try:
            if process.name() == "postgres" and process.cwd() == str(folder):
                found.append(process)
        except psutil.Error:
            continue
    return found


def _ends(folder: Path) -> bool:
    until = time.monotonic() + 20
    while _servers(folder) and time.monotonic() < until:
        time.sleep(0.1)
    return not _servers(folder)


@pytest.mark.parametrize("harm", ["killed", "list half-written"])
def test_it_stops_with_its_last_user_though_an_earlier_one_was_killed(
    folder: Path, harm: str
) -> None:
    first = _holder(folder)
    first.kill()
    first.communicate()
    if harm == "list half-written":
        (folder / ".handle_pids.json").write_text("[12")
    assert _servers(folder)

    second = _holder(folder)
    second.communicate("")

    assert _ends(folder)


def test_it_stays_for_whoever_still_uses_it(folder: Path) -> None:
    first, second = _holder(folder), _holder(folder)

    first.communicate("")
    kept = bool(_servers(folder))
    second.communicate("")

    assert kept
    assert _ends(folder)


@pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="no cores to choose from")
def test_a_server_has_all_cores_also_if_its_starter_keeps_to_one(folder: Path) -> None:
    all_cores = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {min(all_cores)})
    try:
        holder = _holder(folder)
    finally:
        os.sched_setaffinity(0, all_cores)

    found = {frozenset(os.sched_getaffinity(one.pid)) for one in _servers(folder)}

    assert found == {frozenset(all_cores)}
    assert os.sched_getaffinity(holder.pid) == {min(all_cores)}
    holder.communicate("")
    assert _ends(folder)
