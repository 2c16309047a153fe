"""Reviews and comments of Label Studio Enterprise, by the SDK's client; Community has neither.

What we wrote there is found by its author, our service user, so that it is never written twice.
"""

from typing import Any

# Our comments begin with it: our service user's other comments are left alone.
_MARK = "[Doyen] "


def of_project(api: Any, me: int, project: int) -> dict[int, bool]:
    """Return by annotations whether our newest review of each accepts it."""
    listed = api.annotation_reviews.list(annotation_task_project=project)
    return {one.annotation: bool(one.accepted) for one in _ours(listed, me)}


def ensure(api: Any, me: int, annotation: int, *, is_accepted: bool, words: str) -> int:
    """Let our newest review and our comment say what holds; earlier reviews stay as history."""
    known = _ours(api.annotation_reviews.list(annotation=annotation), me)
    newest = known[-1] if known else None
    if newest is None or newest.accepted is not is_accepted:
        # Refused work is open to others here: there it goes back to nobody.
        refused: dict[str, Any] = {} if is_accepted else {"reject_action": "remove"}
        newest = api.annotation_reviews.create(
            annotation=annotation, accepted=is_accepted, **refused
        )
    _comment(api, me, annotation, f"{_MARK}{words}" if words else "")
    return int(newest.id)


def _comment(api: Any, me: int, annotation: int, text: str) -> None:
    listed = api.comments.list(annotation=annotation, expand_created_by=False)
    ours = [one for one in listed if one.created_by == me and (one.text or "").startswith(_MARK)]
    for one in ours:
        if one.text != text:
            api.comments.delete(one.id)
    if text and all(one.text != text for one in ours):
        api.comments.create(annotation=annotation, text=text)


def _ours(listed: Any, me: int) -> list[Any]:
    return sorted((one for one in listed if one.created_by == me), key=lambda one: int(one.id))
