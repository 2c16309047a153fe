"""How gunicorn listens; it reads this file by itself where `app.py` is."""

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
