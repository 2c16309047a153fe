"""A small hub that takes what `huggingface_hub` pushes: as much as one commit needs.

It keeps all in memory: `Taken.commits` has the files of each commit, `Taken.tags` what tags name.
"""

import base64
import hashlib
import json
import logging
import threading
from dataclasses import dataclass, field
from typing import Any

from flask import Blueprint, Flask, current_app, jsonify, request
from flask.typing import ResponseReturnValue
from werkzeug.serving import make_server


@dataclass
class Taken:
    """What was pushed."""

    private: bool = False
    tokens: set[str] = field(default_factory=set)
    blobs: dict[str, bytes] = field(default_factory=dict)
    commits: list[dict[str, bytes]] = field(default_factory=list)
    tags: dict[str, str] = field(default_factory=dict)


def oid(number: int) -> str:
    """Return the name of a commit."""
    return f"{number:040x}"


bp = Blueprint("hub_taker", __name__)


@bp.before_request
def note() -> None:
    """Note who asks."""
    taken = _taken()
    taken.tokens.add(request.headers.get("Authorization", ""))


@bp.post("/api/repos/create")
def create() -> ResponseReturnValue:
    """Make a repository."""
    taken = _taken()
    said = request.get_json()
    taken.private = said.get("private") or said.get("visibility") == "private"
    return jsonify(url=f"{request.url_root}datasets/{said.get('organization')}/{said['name']}")


@bp.post("/api/validate-yaml")
def valid() -> ResponseReturnValue:
    """Find every card valid."""
    return jsonify(errors=[], warnings=[])


@bp.post("/api/datasets/<owner>/<name>/preupload/<revision>")
def preupload(owner: str, name: str, revision: str) -> ResponseReturnValue:
    """Say which files come as blobs."""
    taken = _taken()
    files = [
        {
            "path": one["path"],
            "uploadMode": "lfs" if one["path"].endswith(".parquet") else "regular",
            "shouldIgnore": False,
            "oid": None,
        }
        for one in request.get_json()["files"]
    ]
    return jsonify(files=files, commitOid=oid(len(taken.commits)))


@bp.post("/datasets/<owner>/<name>.git/info/lfs/objects/batch")
def batch(owner: str, name: str) -> ResponseReturnValue:
    """Say where blobs go."""
    taken = _taken()
    objects = []
    for one in request.get_json()["objects"]:
        said: dict[str, Any] = {"oid": one["oid"], "size": one["size"]}
        if one["oid"] not in taken.blobs:
            said["actions"] = {"upload": {"href": f"{request.url_root}blobs/{one['oid']}"}}
        objects.append(said)
    answer = jsonify(transfer="basic", objects=objects)
    answer.content_type = "application/vnd.git-lfs+json"
    return answer


@bp.put("/blobs/<digest>")
def blob(digest: str) -> ResponseReturnValue:
    """Take a blob."""
    taken = _taken()
    content = request.get_data()
    if hashlib.sha256(content).hexdigest() != digest:
        return "not what was said", 422
    taken.blobs[digest] = content
    return ""


@bp.post("/api/datasets/<owner>/<name>/commit/<revision>")
def commit(owner: str, name: str, revision: str) -> ResponseReturnValue:
    """Take a commit."""
    taken = _taken()
    files = dict(taken.commits[-1]) if taken.commits else {}
    for line in request.get_data(as_text=True).splitlines():
        said = json.loads(line)
        value = said["value"]
        if said["key"] == "file":
            files[value["path"]] = base64.b64decode(value["content"])
        elif said["key"] == "lfsFile":
            files[value["path"]] = taken.blobs[value["oid"]]
    taken.commits.append(files)
    url = f"{request.url_root}datasets/{owner}/{name}/commit/{oid(len(taken.commits))}"
    return jsonify(success=True, commitOid=oid(len(taken.commits)), commitUrl=url)


@bp.post("/api/datasets/<owner>/<name>/tag/<revision>")
def tag(owner: str, name: str, revision: str) -> ResponseReturnValue:
    """Take a tag."""
    taken = _taken()
    taken.tags[request.get_json()["tag"]] = revision
    return ""


@bp.get("/api/datasets/<owner>/<name>")
@bp.get("/api/datasets/<owner>/<name>/revision/<revision>")
def info(owner: str, name: str, revision: str = "main") -> ResponseReturnValue:
    """Say what there is."""
    taken = _taken()
    return jsonify(
        id=f"{owner}/{name}", sha=oid(len(taken.commits)), private=True, tags=[], siblings=[]
    )


def _taken() -> Taken:
    taken: Taken = current_app.extensions["taken"]
    return taken


def app_of(taken: Taken) -> Flask:
    """Build the hub."""
    app = Flask(__name__)
    app.extensions["taken"] = taken
    app.register_blueprint(bp)
    return app


class Server:
    """The hub on a port of its own, while a block lasts."""

    def __init__(self) -> None:
        self.taken = Taken()
        logging.getLogger("werkzeug").setLevel(logging.ERROR)
        self.server = make_server("127.0.0.1", 0, app_of(self.taken), threaded=True)
        self.url = f"http://127.0.0.1:{self.server.port}"

    def __enter__(self) -> "Server":
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_error: object) -> None:
        self.server.shutdown()
        self.server.server_close()
