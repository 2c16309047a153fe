"""A language model that says what a script says, over the real protocol, faults included.

A script takes the request's JSON and returns text, or a `Fault`. For tests, proofs and a look at
the pages without a model; nothing of an instance needs it.
"""

import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

Asked = dict[str, Any]


@dataclass(frozen=True)
class Fault:
    """What goes wrong: a status, silence for so long, an end in the middle, pauses on the way."""

    status: int = 0
    silence: float = 0.0
    text: str = ""
    cut: bool = False
    pause: float = 0.0  # before each piece of what is streamed


Script = Callable[[Asked], "str | Fault"]


@dataclass
class ScriptedModel:
    """The endpoint: its address, what it was asked, and what it answers from now on."""

    base_url: str
    script: Script
    asked: list[Asked] = field(default_factory=list)
    heard: str = "What was said."


@contextmanager
def running(script: Script, *, port: int = 0) -> Iterator[ScriptedModel]:
    """Run the endpoint until the block ends."""
    server = _Server(("127.0.0.1", port), _Handler)
    server.daemon_threads = True
    model = ScriptedModel(f"http://127.0.0.1:{server.server_address[1]}/v1", script)
    server.model = model  # type: ignore[attr-defined]
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield model
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


class _Server(ThreadingHTTPServer):
    def handle_error(self, _request: Any, _address: Any) -> None:
        """Say nothing of those who hang up while they are answered: that is what is tried."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_what: Any) -> None:
        """Say nothing."""

    def do_POST(self) -> None:
        model: ScriptedModel = self.server.model  # type: ignore[attr-defined]
        body = self.rfile.read(int(self.headers.get("Content-Length", "0")))
        if self.path.endswith("/audio/transcriptions"):
            self._json(200, {"text": model.heard})
            return
        asked = json.loads(body)
        model.asked.append(asked)
        answer = model.script(asked)
        fault = answer if isinstance(answer, Fault) else Fault(text=answer)
        time.sleep(fault.silence)
        if fault.status:
            self._json(fault.status, {"error": {"message": "scripted", "type": "scripted"}})
        elif asked.get("stream"):
            self._stream(asked, fault)
        elif fault.cut:
            self.close_connection = True
        else:
            self._json(200, _whole(asked, fault.text))

    def _json(self, status: int, what: Any) -> None:
        body = json.dumps(what).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def _stream(self, asked: Asked, fault: Fault) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.send_header("Connection", "close")
        self.end_headers()
        self.close_connection = True
        pieces = fault.text.split(" ")
        for number, piece in enumerate(pieces):
            if fault.cut and number >= len(pieces) // 2:
                return
            time.sleep(fault.pause)
            said = piece if number == 0 else f" {piece}"
            self._event(_piece(asked, {"content": said}, None))
        self._event(_piece(asked, {}, "stop"))
        self._event({**_piece(asked, {}, None), "choices": [], "usage": _usage(asked, fault.text)})
        self.wfile.write(b"data: [DONE]\n\n")

    def _event(self, what: Any) -> None:
        self.wfile.write(f"data: {json.dumps(what)}\n\n".encode())
        self.wfile.flush()


def _whole(asked: Asked, text: str) -> dict[str, Any]:
    message = {"role": "assistant", "content": text}
    return {
        "id": "scripted",
        "object": "chat.completion",
        "created": 0,
        "model": asked["model"],
        "choices": [{"index": 0, "message": message, "finish_reason": "stop"}],
        "usage": _usage(asked, text),
    }


def _piece(asked: Asked, delta: dict[str, str], finish: str | None) -> dict[str, Any]:
    return {
        "id": "scripted",
        "object": "chat.completion.chunk",
        "created": 0,
        "model": asked["model"],
        "choices": [{"index": 0, "delta": delta, "finish_reason": finish}],
    }


def _usage(asked: Asked, text: str) -> dict[str, int]:
    """Count words, near enough to tokens."""
    tokens_in = sum(len(one["content"].split()) for one in asked["messages"])
    tokens_out = len(text.split())
    return {
        "prompt_tokens": tokens_in,
        "completion_tokens": tokens_out,
        "total_tokens": tokens_in + tokens_out,
    }
