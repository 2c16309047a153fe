"""One validated task as one row of a release.

Nobody is named in it: annotators have keys that mean nothing outside the releases of one project.
"""

import hashlib
import hmac
import json
from collections.abc import Iterator
from datetime import datetime
from typing import Any

from annotation import agreement, rules
from annotation.validated import ValidatedAnnotation, ValidatedTask

Row = dict[str, Any]
_CANONICAL = json.JSONEncoder(sort_keys=True, ensure_ascii=False, separators=(",", ":"))
PERSON = "person"
PATHS = {PERSON: "review", rules.AGREEMENT: "agreement", rules.SILENCE: "silence"}


def row_of(task: ValidatedTask, annotator_key: str, *, until: datetime) -> Row | None:
    """Return the row of a task, or None when no answer was final by then.

    Its data stands apart until the columns are known.
    """
    answers = [one for one in task.annotations if one.decided_at <= until]
    results = [one.result for one in answers]
    label, spans = agreement.majority_label(results), agreement.majority_spans(results)
    if not answers or (label is None and any(one.label for one in answers)):
        return None  # nothing yet, or no choice that more than half made
    marks = list(_marks(spans, answers))
    keys = sorted({annotator(annotator_key, one.expert_id) for one in answers})
    closest = _closest(label, spans, answers)
    return {
        "id": task.external_id,
        "data": task.data,
        "label": label,
        "spans": marks,
        "confidence": _confidence(label, spans, answers),
        "agreement": agreement.pairwise([agreement.answer(result) for result in results]),
        "annotator_count": len(keys),
        "annotators": keys,
        "review_path": _path(answers),
        "validated_at": max(one.decided_at for one in answers).isoformat(),
        "group": task.group_key or task.external_id,
        "result": canonical(closest.result),
        "started_from": closest.origin,
        "started_from_model": closest.model_version,
        "models_compared": _compared(answers, annotator_key),
        "row_hash": _hash(task, label, marks),
    }


def annotator(key: str, expert_id: int) -> str:
    """Return an expert's key in the releases of one project."""
    return "a-" + hmac.new(key.encode(), str(expert_id).encode(), "sha256").hexdigest()[:10]


def canonical(value: Any) -> str:
    """Return a value as JSON, the same whatever the order of its keys."""
    return _CANONICAL.encode(value)


def _marks(
    spans: tuple[agreement.Span, ...], answers: list[ValidatedAnnotation]
) -> Iterator[dict[str, Any]]:
    """Yield the final marks in reading order, with the text that they mark."""
    texts = {
        (value.get("start"), value.get("end")): value["text"]
        for one in answers
        for item in one.result
        if isinstance((value := item.get("value") or {}).get("text"), str)
    }
    for span in sorted(spans, key=lambda one: (one.start, one.end, one.label)):
        place = {"start": span.start, "end": span.end}
        yield place | {"label": span.label, "text": texts.get((span.start, span.end))}


def _confidence(
    label: str | None, spans: tuple[agreement.Span, ...], answers: list[ValidatedAnnotation]
) -> float:
    """Return how far the accepted answers support the final one."""
    if label is not None:
        return round(sum(one.label == label for one in answers) / len(answers), 6)
    return round(sum(_nearness(spans, one) for one in answers) / len(answers), 6)


def _closest(
    label: str | None, spans: tuple[agreement.Span, ...], answers: list[ValidatedAnnotation]
) -> ValidatedAnnotation:
    return max(
        answers,
        key=lambda one: (one.label == label, _nearness(spans, one), -one.annotation_id),
    )


def _nearness(spans: tuple[agreement.Span, ...], one: ValidatedAnnotation) -> float:
    return agreement.span_f1(agreement.spans(one.result), frozenset(spans))


def _compared(answers: list[ValidatedAnnotation], annotator_key: str) -> str | None:
    """Return how annotators placed the answers of models, and where these stood; or None."""
    rows = [
        {
            "annotator": annotator(annotator_key, one.expert_id),
            "model": placing.model,
            "place": placing.place,
            "position": placing.position,
        }
        for one in answers
        for placing in one.placings
    ]
    return canonical(rows) if rows else None


def _path(answers: list[ValidatedAnnotation]) -> str:
    """Return how the answers became final, a person's word first."""
    decided = {one.decided_how for one in answers}
    first = next((how for how in (PERSON, rules.SILENCE) if how in decided), min(decided))
    return PATHS.get(first, first)


def _hash(task: ValidatedTask, label: str | None, marks: list[dict[str, Any]]) -> str:
    said = canonical([task.external_id, task.data, label, marks])
    return hashlib.sha256(said.encode()).hexdigest()[:16]
