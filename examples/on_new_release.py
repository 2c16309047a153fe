"""Train again whenever a release comes: a receiver of the webhook `release.published`.

    export HF_ENDPOINT=https://doyen.example DOYEN_TOKEN=dy_... DOYEN_WEBHOOK_SECRET=whsec_...
    python on_new_release.py text_classifier.py --port 8080 --only northlight/contract-clauses

Doyen sends to an https address: put this behind the server that has your certificate. What comes
is verified, answered at once, and worked on afterwards, one release at a time; a message that
comes twice starts nothing twice. What it has begun is kept in `--seen`, so a restart forgets none.
"""

import argparse
import os
import queue
import re
import subprocess
import sys
import threading
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from standardwebhooks import Webhook, WebhookVerificationError

MOST_BYTES = 100_000
NAME = re.compile(r"[a-z0-9][a-z0-9-]*/[a-z0-9][a-z0-9-]*")
COMMIT = re.compile(r"[0-9a-f]{40}")


class Receiver(BaseHTTPRequestHandler):
    """Takes what is signed with our secret, and nothing else."""

    def __init__(self, *args, webhook, take, **more):
        self.webhook, self.take = webhook, take
        super().__init__(*args, **more)

    def do_POST(self):
        """Verify the bytes as they came, and answer before any work is done."""
        size = int(self.headers.get("Content-Length") or 0)
        if not 0 < size <= MOST_BYTES:
            return self.answer(413)
        try:
            message = self.webhook.verify(self.rfile.read(size), dict(self.headers.items()))
        except WebhookVerificationError as problem:
            print(f"refused: {problem}", flush=True)
            return self.answer(401)
        self.take(self.headers["webhook-id"], message)
        return self.answer(204)

    def answer(self, status):
        """Answer with nothing but a status."""
        self.send_response(status)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_args):
        """Keep the terminal for what matters."""


class Begun:
    """The ids of messages that were taken, in a file: each is taken once."""

    def __init__(self, path):
        self.path, self.lock = path, threading.Lock()
        self.ids = set(path.read_text().split()) if path.exists() else set()

    def is_new(self, message_id):
        """Note an id; whether it was not there before."""
        with self.lock:
            if message_id in self.ids:
                return False
            self.ids.add(message_id)
            with self.path.open("a") as file:
                file.write(f"{message_id}\n")
            return True


def main() -> None:
    """Receive until stopped."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("script", help="what to run with the name of the dataset")
    parser.add_argument("--only", help="organisation/dataset; else all that the token may read")
    parser.add_argument("--port", type=int, default=8080)
    parser.add_argument("--seen", type=Path, default=Path("seen-webhooks.txt"))
    wanted, more = parser.parse_known_args()

    begun, waiting = Begun(wanted.seen), queue.Queue()

    def take(message_id, message):
        data = message["data"]
        if message["type"] != "release.published" or wanted.only not in (None, data["name"]):
            return
        # Signed, and still looked at: these become words of a command.
        is_plain = NAME.fullmatch(data["name"]) and COMMIT.fullmatch(data["commit"])
        if is_plain and begun.is_new(message_id):
            waiting.put(data)

    threading.Thread(target=work, args=(waiting, wanted.script, more), daemon=True).start()
    webhook = Webhook(os.environ["DOYEN_WEBHOOK_SECRET"])
    receiver = partial(Receiver, webhook=webhook, take=take)
    with ThreadingHTTPServer(("127.0.0.1", wanted.port), receiver) as server:
        print(f"listening on port {server.server_port}", flush=True)
        server.serve_forever()


def work(waiting, script, more):
    """Run the script for one release after the other, by its commit, which names these bytes."""
    while True:
        data = waiting.get()
        print(f"{data['name']} {data['version']}: {script}", flush=True)
        command = [sys.executable, script, data["name"], "--revision", data["commit"], *more]
        ended = subprocess.run(command, check=False).returncode
        print(f"{data['name']} {data['version']}: ended with {ended}", flush=True)


if __name__ == "__main__":
    main()
