"""Label Studio's ML backends: owners' models behind its HTTP protocol. It translates, no more.

Addresses come from owners, so they are asked through the guard that webhooks go through: what a
name leads to is checked and then connected to, and no redirect is followed. The protocol is that
of `label-studio-ml`: GET health, POST predict with tasks and the label config.
"""

import json
from collections.abc import Iterable, Mapping
from typing import Any

from accounts.webhook_sender import HttpSender, Network
from core.ports import (
    Predicted,
    PredictorDown,
    PredictorRefused,
    WebhookRefused,
    WebhookUnanswered,
)

TIMEOUT = 100.0  # as long as Label Studio waits
MOST_BYTES = 32 * 1024 * 1024
LATER = (408, 409, 425, 429)


class MlBackends:
    """Asks ML backends; see `core.ports.Predictor`."""

    def __init__(self, private: Iterable[Network] = (), *, http: HttpSender | None = None) -> None:
        self._http = http or HttpSender(private, timeout=TIMEOUT)

    def check(self, address: str) -> None:
        """Raise `PredictorRefused` when nothing may be asked there, as it is known now."""
        try:
            self._http.check(_joined(address, "predict"))
        except WebhookRefused as refusal:
            raise PredictorRefused(str(refusal)) from None

    def greet(self, address: str) -> None:
        """Ask whether a model is up there."""
        self._ask("GET", address, "health", b"")

    def predict(
        self, address: str, tasks: Mapping[int, Mapping[str, Any]], *, project: str, config: str
    ) -> dict[int, Predicted]:
        """Return what the model says of tasks, by our ids."""
        asked = {
            "tasks": [{"id": task_id, "data": dict(data)} for task_id, data in tasks.items()],
            "project": project,
            "label_config": config,
            "params": {"login": None, "password": None, "context": None},
        }
        answer = self._ask("POST", address, "predict", json.dumps(asked).encode())
        return dict(zip(tasks, _predicted(answer, len(tasks)), strict=True))

    def _ask(self, method: str, address: str, path: str, body: bytes) -> Any:
        headers = {"Content-Type": "application/json", "Accept": "application/json"}
        try:
            status, read = self._http.ask(
                method, _joined(address, path), body, headers, most=MOST_BYTES
            )
        except WebhookRefused as refusal:
            raise PredictorRefused(str(refusal)) from None
        except WebhookUnanswered as silence:
            raise PredictorDown(str(silence)) from None
        if status >= 500 or status in LATER:
            raise PredictorDown("status")
        if status >= 300:
            raise PredictorRefused("status")
        try:
            return json.loads(read) if read.strip() else {}
        except (ValueError, RecursionError):
            raise PredictorDown("not_json") from None


def _predicted(answer: Any, count: int) -> list[Predicted]:
    """Read results; the version may stand beside all of them, and a result in a list of one."""
    results = answer.get("results") if isinstance(answer, dict) else None
    if not isinstance(results, list) or len(results) != count:
        raise PredictorDown("not_results")
    version = answer.get("model_version")
    return [_one(row[0] if isinstance(row, list) and row else row, version) for row in results]


def _one(row: Any, version: Any) -> Predicted:
    said = row if isinstance(row, dict) else {}
    named = said.get("model_version") or version
    return Predicted(said.get("result"), said.get("score"), named, said.get("probabilities"))


def _joined(address: str, path: str) -> str:
    return address.rstrip("/") + "/" + path
