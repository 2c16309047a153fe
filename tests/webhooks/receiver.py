"""A real server that receives webhooks and verifies them as anybody would."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from standardwebhooks import Webhook


@dataclass
class Receiver:
    """What a server got, and what it answers next: statuses, or functions of the handler."""

    url: str = ""
    answers: list[int | Callable[[Any], None]] = field(default_factory=list)
    got: list[tuple[dict[str, str], bytes]] = field(default_factory=list)

    def verified(self, secret: str, number: int = -1) -> Any:
        """Return a message, verified with a secret by the library of Standard Webhooks."""
        headers, body = self.got[number]
        return Webhook(secret).verify(body, headers)

    @property
    def ids(self) -> list[str]:
        """The webhook-ids, in the order of arrival."""
        return [headers["webhook-id"] for headers, _body in self.got]


@contextmanager
def receiving() -> Iterator[Receiver]:
    """Serve on a free port of loopback."""
    receiver = Receiver()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("content-length", 0)))
            receiver.got.append(({k.lower(): v for k, v in self.headers.items()}, body))
            answer = receiver.answers.pop(0) if receiver.answers else 204
            if callable(answer):
                answer(self)
                return
            self.send_response(answer)
            self.send_header("content-length", "0")
            self.end_headers()

        def do_GET(self) -> None:
            receiver.got.append(({"method": "GET"}, b""))
            self.send_response(204)
            self.end_headers()

        def log_message(self, *_args: Any) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    receiver.url = f"http://127.0.0.1:{server.server_port}/in"
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield receiver
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def says(status: int, body: bytes, **headers: str) -> Callable[[Any], None]:
    """Answer with words."""

    def answer(handler: Any) -> None:
        handler.send_response(status)
        for name, value in headers.items():
            handler.send_header(name, value)
        handler.send_header("content-length", str(len(body)))
        handler.end_headers()
        handler.wfile.write(body)

    return answer


def drips(handler: Any) -> None:
    """Answer a byte at a time, each soon enough to look alive."""
    for byte in b"HTTP/1.1 200 OK\r\nx: " + b"a" * 1000:
        try:
            handler.wfile.write(bytes([byte]))
            handler.wfile.flush()
        except OSError:
            return
        time.sleep(0.05)


def babbles(handler: Any) -> None:
    """Answer with what is no HTTP."""
    handler.wfile.write(b"hello\r\n\r\n")
    handler.close_connection = True
