"""How many answers of experts Label Studio holds for a project, as its own API tells."""

from typing import Any

import httpx


class NotThere(Exception):
    """Label Studio has no project of that title yet."""


def annotations(base: str, refresh_token: str, title: str) -> tuple[int, int]:
    """Return how many answers a project has there, and how many of them are distinct.

    Two are the same when one person (a shadow user) gave two to one task. Known answers are there
    as well, from nobody.
    """
    with httpx.Client(base_url=base, timeout=60) as client:
        answer = client.post("/api/token/refresh/", json={"refresh": refresh_token})
        answer.raise_for_status()
        client.headers["Authorization"] = f"Bearer {answer.json()['access']}"
        project_id = _project(client, title)
        pairs = [
            (task["id"], one["completed_by"])
            for task in _tasks(client, project_id)
            for one in task.get("annotations") or []
            if not one["ground_truth"]
        ]
    return len(pairs), len({(task, _person(by)) for task, by in pairs})


def _project(client: httpx.Client, title: str) -> int:
    found = _json(client, "/api/projects/", {"title": title[:50], "page_size": 1000})
    ids = [one["id"] for one in found["results"] if title[:40] in one["title"]]
    if not ids:
        raise NotThere(title)
    return int(ids[0])


def _tasks(client: httpx.Client, project_id: int) -> list[dict[str, Any]]:
    answer = client.get(
        f"/api/projects/{project_id}/export",
        params={"exportType": "JSON", "download_all_tasks": "true"},
    )
    answer.raise_for_status()
    tasks: list[dict[str, Any]] = answer.json()
    return tasks


def _json(client: httpx.Client, path: str, query: dict[str, Any]) -> Any:
    answer = client.get(path, params=query)
    answer.raise_for_status()
    return answer.json()


def _person(by: Any) -> Any:
    return by["id"] if isinstance(by, dict) else by
