"""Formats of text: Label Studio's own JSON, CSV, CoNLL."""

import csv
import json
import re
from collections.abc import Iterator
from typing import Any

from releases.format_source import Out, Row, Source, Unfit, unpacked
from releases.formats import cell, plain

_TOKEN = re.compile(r"\w+|[^\w\s]")


def label_studio(source: Source, out: Out) -> None:
    """Write tasks with their answer, as Label Studio imports them."""
    for split in source.splits:
        with out.text(f"{split}.json") as opened:
            opened.write("[")
            for number, row in enumerate(source.rows(split)):
                opened.write(",\n" if number else "\n")
                opened.write(json.dumps(_task(row), ensure_ascii=False, sort_keys=True))
                out.rows += 1
            opened.write("\n]\n")


def comma_separated(source: Source, out: Out) -> None:
    """Write one line a row; lists are JSON. Nothing in it is a formula to a spreadsheet."""
    for split in source.splits:
        with out.text(f"{split}.csv") as opened:
            table: Any = None
            for row in source.rows(split):
                said = _flat(row, source)
                if table is None:
                    table = csv.DictWriter(opened, list(said), lineterminator="\n")
                    table.writeheader()
                table.writerow({name: cell(value) for name, value in plain(said).items()})
                out.rows += 1


def conll(source: Source, out: Out) -> None:
    """Write CoNLL-2003: a token and its BIO tag on each line, an empty line after each text."""
    name = marked_text(source)
    for split in source.splits:
        with out.text(f"{split}.conll") as opened:
            opened.write("-DOCSTART- -X- O O\n\n")
            for row in source.rows(split):
                text = row.data.get(name)
                lines = list(_tagged(text, row.spans)) if isinstance(text, str) else []
                if not lines:
                    out.left_out += 1
                    continue
                opened.write("\n".join(f"{token} -X- _ {tag}" for token, tag in lines) + "\n\n")
                out.rows += 1


def marked_text(source: Source) -> str:
    """Return the field whose plain text is marked, or raise `Unfit`."""
    names = marked(source)
    if len(names) > 1:
        raise Unfit("several texts are marked, and the marks of a row do not say which")
    tags = (source.config.objects.get(name) for name in names)
    for field in (tag.variable for tag in tags if tag is not None and tag.kind == "Text"):
        if field:
            return field
    raise Unfit("no labels mark a plain text")


def marked(source: Source) -> set[str]:
    """Return the objects in which labels mark stretches; marks on pictures have no beginning."""
    return {
        name
        for control in source.of_kind("Labels")
        for name in control.to_names
        if (tag := source.config.objects.get(name)) is None or tag.kind != "Image"
    }


def tokens(text: str) -> list[tuple[int, int]]:
    """Return the tokens of a text by their places: words, and signs one by one."""
    return [match.span() for match in _TOKEN.finditer(text)]


def apart(spans: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return marks that do not overlap: of two that do, the longer."""
    kept: list[dict[str, Any]] = []
    for span in sorted(spans, key=lambda one: (one["start"] - one["end"], one["start"])):
        if all(span["end"] <= one["start"] or span["start"] >= one["end"] for one in kept):
            kept.append(span)
    return sorted(kept, key=lambda one: int(one["start"]))


def _tagged(text: str, spans: list[dict[str, Any]]) -> Iterator[tuple[str, str]]:
    flat, before = apart(spans), None
    for start, end in tokens(text):
        span = next((one for one in flat if one["start"] < end and start < one["end"]), None)
        inside = span is not None and span is before
        label = "_".join(str(span["label"]).split()) if span else ""
        yield text[start:end], f"{'I' if inside else 'B'}-{label}" if span else "O"
        before = span


def _task(row: Row) -> dict[str, Any]:
    facts = {name: row.facts[name] for name in ("confidence", "agreement", "review_path")}
    return {
        "data": {name: unpacked(value) for name, value in row.data.items()},
        "meta": {"id": row.id, **facts},
        "annotations": [{"result": row.result, "ground_truth": True}],
    }


def _flat(row: Row, source: Source) -> dict[str, Any]:
    names = [one["name"] for one in source.facts["columns"]]
    whole = {**row.facts, "result": row.result}
    own = {name: row.data.get(name.removeprefix("data_"), row.data.get(name)) for name in names}
    return {name: whole[name] if name in whole else own[name] for name in names}
