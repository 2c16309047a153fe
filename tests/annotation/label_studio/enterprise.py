"""A stand-in for Label Studio Enterprise, of which there is none here.

The real Community server behind it answers all but the version, and the reviews and comments of
annotations, which speak as the SDK's models and methods say.
"""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx

SERVICE_USER = 1
FIELDS = {
    "annotation-reviews": {"annotation", "accepted", "reject_action"},
    "comments": {"annotation", "text"},
}


class Enterprise:
    """What it keeps, and with which status it refuses where it is to."""

    def __init__(self, behind: str) -> None:
        self.behind = behind
        self.url = ""
        self.refuses: int | None = None
        self.rows: dict[str, list[dict[str, Any]]] = {"annotation-reviews": [], "comments": []}

    def said(self, place: str, annotation: int) -> list[Any]:
        """Return what is kept of an annotation, the oldest first."""
        name = "accepted" if place == "annotation-reviews" else "text"
        return [one[name] for one in self.rows[place] if one["annotation"] == annotation]

    def answer(self, method: str, path: str, query: Any, body: Any) -> tuple[int, Any]:
        """Answer as the SDK's models say, or with the refusal that was asked for."""
        if path == "api/version":
            told = httpx.get(f"{self.behind}/{path}").json()
            return 200, told | {"edition": "Enterprise"}
        place, *rest = path.removeprefix("api/").split("/")
        rows = self.rows[place]
        if self.refuses:
            return self.refuses, {"detail": "no"}
        if method == "GET" and query.get("annotation") == ["0"]:
            return 400, {"annotation": ["Select a valid choice."]}
        if method == "GET":
            wanted = query.get("annotation")
            of_project = "annotation__task__project" in query
            return 200, [
                one for one in rows if of_project or str(one["annotation"]) == (wanted or [""])[0]
            ]
        if method == "DELETE":
            rows[:] = [one for one in rows if str(one["id"]) != rest[0]]
            return 204, None
        assert set(body) <= FIELDS[place]
        rows.append({"id": len(rows) + 100, "created_by": SERVICE_USER, **body})
        return 201, rows[-1]


@contextmanager
def enterprise(behind: str) -> Iterator[Enterprise]:
    """Serve the stand-in in front of a Community server."""
    stand_in = Enterprise(behind)
    server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(stand_in))
    stand_in.url = f"http://127.0.0.1:{server.server_address[1]}"
    Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
    try:
        yield stand_in
    finally:
        server.shutdown()
        server.server_close()


def _handler(stand_in: Enterprise) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def _serve(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            url = urlsplit(self.path)
            path = url.path.strip("/")
            place = path.removeprefix("api/").split("/")[0]
            if place in stand_in.rows or path == "api/version":
                status, told = stand_in.answer(
                    self.command, path, parse_qs(url.query), json.loads(body or b"{}")
                )
                answer = json.dumps(told).encode() if told is not None else b""
                self._say(status, answer, "application/json")
            else:
                real = httpx.request(
                    self.command,
                    f"{stand_in.behind}{self.path}",
                    content=body,
                    headers={
                        name: value
                        for name, value in self.headers.items()
                        if name.lower() in ("authorization", "content-type")
                    },
                    timeout=60,
                )
                self._say(
                    real.status_code, real.content, real.headers.get("Content-Type", "text/plain")
                )

        def _say(self, status: int, answer: bytes, kind: str) -> None:
            self.send_response(status)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)

        do_GET = do_POST = do_PATCH = do_DELETE = _serve  # noqa: N815 - names of the library

        def log_message(self, *_args: Any) -> None:
            """Say nothing."""

    return Handler
