"""The columns of a release and their types.

What a task's data holds becomes columns of their own; what we say of the answer has fixed names.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

SPAN = pa.struct(
    [("start", pa.int64()), ("end", pa.int64()), ("label", pa.string()), ("text", pa.string())]
)
SHARE = pa.struct([("label", pa.string()), ("probability", pa.float64())])
BEFORE: dict[str, pa.DataType] = {"id": pa.string()}
AFTER: dict[str, pa.DataType] = {
    "label": pa.string(),
    "label_id": pa.int64(),
    "majority": pa.string(),
    "probabilities": pa.list_(SHARE),
    "spans": pa.list_(SPAN),
    "confidence": pa.float64(),
    "agreement": pa.float64(),
    "annotator_count": pa.int32(),
    "annotators": pa.list_(pa.string()),
    "credential_classes": pa.list_(pa.string()),
    "price_class": pa.string(),
    "review_path": pa.string(),
    "validated_at": pa.timestamp("us", tz="UTC"),
    "group": pa.string(),
    "result": pa.string(),
    "started_from": pa.string(),
    "started_from_model": pa.string(),
    "models_compared": pa.string(),
    "row_hash": pa.string(),
}
# Only where marks were joined by their overlap: releases of before keep their columns.
OVERLAP: dict[str, pa.DataType] = {"span_confidence": pa.list_(pa.float64())}
MEANINGS = {
    "id": "the task's own id",
    "label": "the final choice for the whole task, by the method that the card names",
    "label_id": "its number among the labels, as `datasets` reads a ClassLabel",
    "majority": "what more than half chose, whatever the method; empty where there is none",
    "probabilities": "how likely each label is, by the method; with a vote, its share",
    "spans": "what more than half marked: start, end (characters, end excluded), label, text",
    "span_confidence": "for each of the spans, how much of the answers have it, as they overlap",
    "confidence": "probability of the label; for marks, how far answers support them. Learned "
    "methods are rather too sure: calibrate before you rely on it",
    "agreement": "share of the pairs of annotators who gave the same answer",
    "annotator_count": "how many annotators' answers stand behind it",
    "annotators": "keys of those annotators who agreed to it, the same in all releases here",
    "credential_classes": "what interviews had proven of the annotators: passed, strong (0.75 and "
    "up), outstanding (0.9 and up), or not proven",
    "price_class": "what an answer paid: currency and whole units from-to",
    "review_path": "how the answer became final",
    "validated_at": "when the answer became final",
    "group": "rows of one group are all in one split",
    "result": "the answer closest to the final one, in Label Studio's JSON",
    "started_from": "blank, or the prediction of a model that the result left unchanged or changed",
    "started_from_model": "the model version whose prediction was at hand, seen or not",
    "models_compared": "JSON: each annotator's place for each model's answer, and where it stood",
    "row_hash": "changes when the data or the answer of the row does",
}

VOTES = pa.schema(
    [
        ("id", pa.string()),
        ("voter", pa.string()),
        ("annotator", pa.string()),
        ("label", pa.string()),
        ("result", pa.string()),
        ("state", pa.string()),
        ("review_path", pa.string()),
        ("credential_class", pa.string()),
        ("price_class", pa.string()),
        ("seconds", pa.int32()),
        ("submitted_at", pa.timestamp("us", tz="UTC")),
        ("started_from", pa.string()),
    ]
)
VOTE_MEANINGS = {
    "id": "the row that it is an answer to",
    "voter": "key of who gave it, in this release and in no other",
    "annotator": "key that is the same in all releases here, of those who agreed to it",
    "label": "what was chosen for the whole task",
    "result": "the answer in Label Studio's JSON",
    "state": "accepted, partly accepted, or submitted where answers without a verdict are in",
    "review_path": "how the answer came to count",
    "credential_class": "what an interview had proven of who gave it",
    "price_class": "what it paid",
    "seconds": "how long it took",
    "submitted_at": "when it was handed in",
    "started_from": "blank, or a prediction that it left unchanged or changed",
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


def kind_of_type(kind: pa.DataType) -> str | None:
    """Return what sort of value Arrow has found everywhere in a field."""
    if pa.types.is_null(kind):
        return None
    for name, one in (("bool", pa.bool_()), ("int", pa.int64()), ("float", pa.float64())):
        if kind == one:
            return name
    # Arrow takes words that look like a moment for one.
    return "str" if pa.types.is_string(kind) or pa.types.is_timestamp(kind) else "json"


def named(key: str) -> str:
    """Return the column for a field of the data: a fixed name is not taken by it."""
    return f"data_{key}" if key in BEFORE or key in AFTER else key


def fields(kinds: Kinds, first: Iterable[str]) -> dict[str, str]:
    """Return each field of the data with its kind: those shown to people first, then by name."""
    shown = [key for key in first if key in kinds]
    order = [*shown, *sorted(kinds.keys() - set(shown))]
    return {key: _one(kinds[key]) for key in order}


TYPES = {"str": pa.string(), "bool": pa.bool_(), "int": pa.int64(), "float": pa.float64()}


def lines(texts: pa.Array) -> pa.Buffer:
    """Return texts as the bytes of one, a line each."""
    ends = pa.array([0, len(texts)], pa.int32())
    whole = pc.binary_join(pa.ListArray.from_arrays(ends, texts), "\n")
    size = pc.binary_length(whole)[0].as_py()
    return whole.buffers()[2].slice(0, size)


def text_of(texts: pa.Array) -> pa.Buffer:
    """Return what texts say in a row, where it lies."""
    _, ends, whole = texts.buffers()
    held = np.frombuffer(ends, np.int32)[texts.offset :][: len(texts) + 1]
    return (whole or pa.py_buffer(b"")).slice(held[0], held[-1] - held[0])


def fixed(*, overlap: bool) -> dict[str, pa.DataType]:
    """Return the columns that follow those of the data."""
    return AFTER | OVERLAP if overlap else AFTER


def schema(
    data: Mapping[str, str], labels: Sequence[str] = (), *, overlap: bool = False
) -> pa.Schema:
    """Return the schema of a release whose data has these fields, and whose labels are these.

    The features of `datasets` stand in it, so that labels are classes wherever it is read.
    """
    own = {named(key): TYPES.get(kind, pa.string()) for key, kind in data.items()}
    made = pa.schema([*(BEFORE | own | fixed(overlap=overlap)).items()])
    features = {one.name: feature(one.name, one.type, labels) for one in made}
    info = json.dumps({"info": {"features": features}}, ensure_ascii=True)
    return made.with_metadata({"huggingface": info})


def feature(name: str, kind: pa.DataType, labels: Sequence[str]) -> Any:
    """Return a column as `datasets` describes it."""
    if name == "label_id" and labels:
        return {"names": list(labels), "_type": "ClassLabel"}
    if pa.types.is_list(kind):
        # The form that every version of `datasets` reads; the named ones differ between them.
        return [feature("", kind.value_type, ())]
    if pa.types.is_struct(kind):
        return {part.name: feature("", part.type, ()) for part in kind}
    if pa.types.is_timestamp(kind):
        return {"dtype": f"timestamp[{kind.unit}, tz={kind.tz}]", "_type": "Value"}
    names = {pa.bool_(): "bool", pa.float64(): "float64"}
    return {"dtype": names.get(kind, str(kind)), "_type": "Value"}


def shown_type(kind: pa.DataType) -> str:
    """Return a type in the words of the card."""
    if kind == pa.list_(SPAN):
        return "list of spans"
    if kind == pa.list_(SHARE):
        return "list of labels with probability"
    if kind == pa.list_(pa.string()):
        return "list of string"
    if kind == pa.list_(pa.float64()):
        return "list of float64"
    return "float64" if kind == pa.float64() else str(kind)


def _one(kinds: set[str]) -> str:
    if not kinds:
        return "str"
    if kinds == {"int", "float"}:
        return "float"
    # Of several sorts, JSON alone can hold them all.
    return next(iter(kinds)) if len(kinds) == 1 else "json"
