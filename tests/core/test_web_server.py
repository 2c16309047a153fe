"""How gunicorn is set up: each worker has a core of its own where there are not more of them."""

import os
import runpy
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

CONF = Path(__file__).parents[2] / "gunicorn.conf.py"

pytestmark = pytest.mark.skipif(
    not hasattr(os, "sched_setaffinity"), reason="this system has no cores to choose from"
)


@pytest.fixture
def pinned(monkeypatch: pytest.MonkeyPatch) -> list[set[int]]:
    """Let a machine have the cores 4 and 6; note to which of them somebody was kept."""
    kept: list[set[int]] = []
    monkeypatch.setattr(os, "sched_getaffinity", lambda _pid: {4, 6})
    monkeypatch.setattr(os, "sched_setaffinity", lambda _pid, cores: kept.append(cores))
    return kept


def _worker(server: Any, workers: int) -> Any:
    worker = SimpleNamespace(cfg=SimpleNamespace(workers=workers))
    runpy.run_path(str(CONF))["pre_fork"](server, worker)
    server.WORKERS[len(server.WORKERS)] = worker
    return worker


def test_workers_are_spread_over_the_cores_also_after_one_has_died(
    pinned: list[set[int]],
) -> None:
    server = SimpleNamespace(WORKERS={})
    first, second = _worker(server, 2), _worker(server, 2)
    del server.WORKERS[0]
    third = _worker(server, 2)

    for worker in (first, second, third):
        runpy.run_path(str(CONF))["post_worker_init"](worker)

    assert pinned == [{4}, {6}, {4}]


def test_where_cores_are_left_over_a_worker_may_use_all(pinned: list[set[int]]) -> None:
    worker = _worker(SimpleNamespace(WORKERS={}), 1)

    runpy.run_path(str(CONF))["post_worker_init"](worker)

    assert pinned == []
