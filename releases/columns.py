"""The columns of a release and their types.

What a task's data holds becomes columns of their own; what we say of the answer has fixed names.
"""

from collections.abc import Iterable, Mapping
from typing import Any

import pyarrow as pa

SPAN = pa.struct(
    [("start", pa.int64()), ("end", pa.int64()), ("label", pa.string()), ("text", pa.string())]
)
BEFORE: dict[str, pa.DataType] = {"id": pa.string()}
AFTER: dict[str, pa.DataType] = {
    "label": pa.string(),
    "spans": pa.list_(SPAN),
    "confidence": pa.float64(),
    "agreement": pa.float64(),
    "annotator_count": pa.int32(),
    "annotators": pa.list_(pa.string()),
    "review_path": pa.string(),
    "validated_at": pa.timestamp("us", tz="UTC"),
    "group": pa.string(),
    "result": pa.string(),
    "started_from": pa.string(),
    "started_from_model": pa.string(),
    "models_compared": pa.string(),
    "row_hash": pa.string(),
}
MEANINGS = {
    "id": "the task's own id",
    "label": "what more than half chose for the whole task",
    "spans": "what more than half marked: start, end (characters, end excluded), label, text",
    "confidence": "share of the accepted answers that gave the final one",
    "agreement": "share of the pairs of annotators who gave the same answer",
    "annotator_count": "how many annotators' answers stand behind it",
    "annotators": "keys of the annotators, the same in all releases of this series",
    "review_path": "how the answer became final",
    "validated_at": "when the answer became final",
    "group": "rows of one group are all in one split",
    "result": "the accepted answer closest to the final one, in Label Studio's JSON",
    "started_from": "blank, or the prediction of a model that the result left unchanged or changed",
    "started_from_model": "the model version whose prediction was at hand, seen or not",
    "models_compared": "JSON: each annotator's place for each model's answer, and where it stood",
    "row_hash": "changes when the data or the answer of the row does",
}

_WHOLE = 2**63
Kinds = dict[str, set[str]]


def kind_of(value: Any) -> str | None:
    """Return what sort of value this is; None tells nothing."""
    if value is None:
        return None
    if isinstance(value, bool):
        return "bool"
    if isinstance(value, int):
        return "int" if -_WHOLE <= value < _WHOLE else "float"
    if isinstance(value, float):
        return "float"
    return "str" if isinstance(value, str) else "json"


def named(key: str) -> str:
    """Return the column for a field of the data: a fixed name is not taken by it."""
    return f"data_{key}" if key in BEFORE or key in AFTER else key


def fields(kinds: Kinds, first: Iterable[str]) -> dict[str, str]:
    """Return each field of the data with its kind: those shown to people first, then by name."""
    shown = [key for key in first if key in kinds]
    order = [*shown, *sorted(kinds.keys() - set(shown))]
    return {key: _one(kinds[key]) for key in order}


def schema(data: Mapping[str, str]) -> pa.Schema:
    """Return the schema of a release whose data has these fields."""
    types = {"str": pa.string(), "bool": pa.bool_(), "int": pa.int64(), "float": pa.float64()}
    own = {named(key): types.get(kind, pa.string()) for key, kind in data.items()}
    return pa.schema([*(BEFORE | own | AFTER).items()])


def shown_type(kind: pa.DataType) -> str:
    """Return a type in the words of the card."""
    if kind == pa.list_(SPAN):
        return "list of spans"
    if kind == pa.list_(pa.string()):
        return "list of string"
    return "float64" if kind == pa.float64() else str(kind)


def _one(kinds: set[str]) -> str:
    if not kinds:
        return "str"
    if kinds == {"int", "float"}:
        return "float"
    # Of several sorts, JSON alone can hold them all.
    return next(iter(kinds)) if len(kinds) == 1 else "json"
