"""How gunicorn listens and where its workers run; it reads this file by itself beside `app.py`."""

import os
import socket
from typing import Any

SPEAKS_WITHIN = 10  # seconds


def when_ready(server: Any) -> None:
    """Hand connections out once something has come over them.

    A thread that is given a silent connection, as browsers open ahead of need, waits for it, and
    answers nobody meanwhile. Only Linux can wait for us.
    """
    for listener in server.LISTENERS:
        if hasattr(socket, "TCP_DEFER_ACCEPT") and listener.sock.family != socket.AF_UNIX:
            listener.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_DEFER_ACCEPT, SPEAKS_WITHIN)


def pre_fork(server: Any, worker: Any) -> None:
    """Choose a core for a new worker: the one that fewest of the others have."""
    taken = [getattr(one, "core", None) for one in server.WORKERS.values()]
    worker.core = min(_cores(), key=taken.count, default=None)


def post_worker_init(worker: Any) -> None:
    """Keep a worker on its core where there are no more cores than workers.

    Its threads take turns at Python, and a turn that changes cores finds nothing in the cache
    there. Where cores are left over, the kernel knows better. Not before the app is loaded: that
    may start the PostgreSQL that comes with it, which is for all cores.
    """
    if worker.core is not None and worker.cfg.workers >= len(_cores()):
        os.sched_setaffinity(0, {worker.core})


def _cores() -> list[int]:
    return sorted(os.sched_getaffinity(0)) if hasattr(os, "sched_setaffinity") else []
