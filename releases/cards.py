"""The card of a release: README.md with a header that the Hub's clients read, made from facts.

It is a document of the dataset and in English whatever the language of the page that links it.
"""

import json
from collections.abc import Iterator, Mapping
from typing import Any

import pyarrow as pa

from core.money import Money
from releases import columns
from releases.formats import parquet_path

SIZES = ((1_000, "n<1K"), (10_000, "1K<n<10K"), (100_000, "10K<n<100K"), (1_000_000, "100K<n<1M"))
PATHS = {
    "agreement": "all experts who were asked gave the same answer",
    "review": "a person reviewed it",
    "silence": "accepted when the time for review ran out",
}


def card(manifest: Mapping[str, Any], schema: pa.Schema, num_bytes: Mapping[str, int]) -> str:
    """Write the card."""
    header = "\n".join(yaml(_header(manifest, schema, num_bytes)))
    return f"---\n{header}\n---\n\n{_body(manifest, schema)}"


def yaml(value: Mapping[str, Any], indent: str = "") -> Iterator[str]:
    """Yield lines of YAML: nested mappings, lists, and scalars as JSON, which YAML reads."""
    for key, inner in value.items():
        if isinstance(inner, Mapping):
            yield f"{indent}{key}:"
            yield from yaml(inner, indent + "  ")
        elif isinstance(inner, list):
            yield f"{indent}{key}:" if inner else f"{indent}{key}: []"
            yield from _items(inner, indent)
        else:
            yield f"{indent}{key}: {json.dumps(inner, ensure_ascii=True)}"


def _items(values: list[Any], indent: str) -> Iterator[str]:
    for value in values:
        if isinstance(value, Mapping):
            first, *rest = yaml(value, indent + "  ")
            yield f"{indent}- {first.strip()}"
            yield from rest
        else:
            yield f"{indent}- {json.dumps(value, ensure_ascii=True)}"


def _header(
    manifest: Mapping[str, Any], schema: pa.Schema, num_bytes: Mapping[str, int]
) -> dict[str, Any]:
    splits = manifest["splits"]
    files = [{"split": name, "path": parquet_path(name)} for name in splits]
    return {
        "pretty_name": f"{manifest['title']} {manifest['version']}",
        "license": manifest["licence"],
        "language": [manifest["project"]["language"]],
        "annotations_creators": ["expert-generated"],
        "task_categories": _categories(manifest),
        "size_categories": [_size(manifest["rows"])],
        "configs": [{"config_name": "default", "data_files": files}],
        "dataset_info": {
            "features": [_feature(field.name, field.type) for field in schema],
            "splits": [
                {"name": name, "num_bytes": num_bytes[name], "num_examples": rows}
                for name, rows in splits.items()
            ],
            "download_size": _download_size(manifest),
            "dataset_size": sum(num_bytes.values()),
        },
    }


def _categories(manifest: Mapping[str, Any]) -> list[str]:
    found = []
    if set(manifest["labels"]) - {""}:
        found.append("text-classification")
    if manifest["span_labels"]:
        found.append("token-classification")
    return found or ["other"]


def _size(rows: int) -> str:
    return next((words for most, words in SIZES if rows < most), "n>1M")


def _download_size(manifest: Mapping[str, Any]) -> int:
    paths = {parquet_path(name) for name in manifest["splits"]}
    return sum(file["size"] for file in manifest["files"] if file["path"] in paths)


def _feature(name: str, kind: pa.DataType) -> dict[str, Any]:
    if kind == pa.list_(columns.SPAN):
        inner = [{"name": part.name, "dtype": str(part.type)} for part in columns.SPAN]
        return {"name": name, "list": inner}
    if kind == pa.list_(pa.string()):
        return {"name": name, "sequence": "string"}
    names = {pa.bool_(): "bool", pa.float64(): "float64"}
    return {"name": name, "dtype": names.get(kind, str(kind))}


def _body(manifest: Mapping[str, Any], schema: pa.Schema) -> str:
    parts = [
        f"# {_plain(manifest['title'])}",
        f"{manifest['organisation']['slug']}/{manifest['name']}, version {manifest['version']}, "
        f"by {_plain(manifest['organisation']['name'])}. {manifest['rows']} rows, validated by "
        f"{manifest['as_of']}.",
        "## What it is for\n\nTraining and testing of models. It holds answers of experts who "
        "passed an interview in their field, were paid for each accepted answer, and could "
        "contest every refusal.",
        _section("Where the labels come from", _origin(manifest)),
        _section("Splits", _splits(manifest)),
        _table("Labels", ("label", "rows"), manifest["labels"]),
        _table("Marks", ("label", "marks"), manifest["span_labels"]),
        _columns(schema),
        _section("Changes", [_plain(manifest["changelog"]), *_changes(manifest)]),
        _section("Limits, from the owner", [_plain(manifest["limits"])]),
        _section("Licence", [manifest["licence"]]),
    ]
    return "\n\n".join(part for part in parts if part) + "\n"


def _origin(manifest: Mapping[str, Any]) -> list[str]:
    project, work = manifest["project"], manifest["work"]
    paths = manifest["review_paths"].items()
    return [
        f"People: {manifest['annotators']} experts in {project['field']}, "
        f"{manifest['answers_per_row']} accepted answers a row on average.",
        _named(manifest["named"]),
        _before_review(work["agreement_before_review"]),
        _agreement(manifest["agreement"]),
        *(f"{count} rows: {PATHS.get(path, path)}." for path, count in paths),
        f"Refused answers: {work['refused']}; contested: {work['contested']}; "
        f"changed after a second look: {work['changed_after_contest']}.",
        _pay(project["price"], work["hourly_minor"]),
        f"Guidelines: version {project['guidelines_version']}.",
        _known(work["known_answer_tasks"], manifest["with_gold"]),
    ]


def _named(people: list[dict[str, str]]) -> str:
    """Name those who agreed to it; the others are keys that mean nothing elsewhere."""
    names = (f"{_plain(_cell(one['name']))} (`{one['annotator']}`)" for one in people)
    return f"Named with their consent: {', '.join(names)}." if people else ""


def _agreement(found: Mapping[str, Any]) -> str:
    if found["mean"] is None:
        return ""
    return (
        f"Among the accepted answers that the rows hold, {found['mean']} of the pairs are the "
        f"same, on {found['rows']} rows with more than one; refused answers are not among them, "
        "so this says less than the agreement before review."
    )


def _before_review(found: Mapping[str, Any]) -> str:
    if found["pairs"] is None:
        return ""
    alpha = "" if found["alpha"] is None else f"Krippendorff's alpha {found['alpha']}, "
    return (
        f"Agreement between experts, over all answers handed in and before any review: {alpha}"
        f"{found['pairs']} of the pairs are the same, on {found['tasks']} tasks with more than one."
    )


def _pay(price: Mapping[str, Any], hourly: int | None) -> str:
    words = f"Pay: {_amount(price['minor'], price['currency'])} an accepted answer"
    if hourly is None:
        return words + "."
    return f"{words}; {_amount(hourly, price['currency'])} an hour as observed."


def _known(tasks: int, with_gold: bool) -> str:
    kept = "kept in" if with_gold else "left out of"
    return f"Tasks with a known answer: {tasks}, {kept} this release." if tasks else ""


def _splits(manifest: Mapping[str, Any]) -> list[str]:
    counts = [f"{name}: {rows} rows" for name, rows in manifest["splits"].items()]
    return [*counts, "Rows of one group are never in two splits, and stay in theirs for good."]


def _changes(manifest: Mapping[str, Any]) -> list[str]:
    changes = manifest["changes"]
    if changes is None:
        return ["The first release."]
    return [
        f"Since {changes['since']}: {changes['added']} rows added, {changes['changed']} changed, "
        f"{changes['removed']} removed."
    ]


def _columns(schema: pa.Schema) -> str:
    rows = [
        f"| `{_cell(field.name)}` | {columns.shown_type(field.type)} "
        f"| {columns.MEANINGS.get(field.name, 'from the task')} |"
        for field in schema
    ]
    return "\n".join(["## Columns", "", "| column | type | meaning |", "|---|---|---|", *rows])


def _table(title: str, heads: tuple[str, str], counts: Mapping[str, int]) -> str:
    if not set(counts) - {""}:
        return ""
    rows = [f"| {_cell(label) or '(none)'} | {count} |" for label, count in counts.items()]
    return "\n".join([f"## {title}", "", f"| {heads[0]} | {heads[1]} |", "|---|---:|", *rows])


def _section(title: str, lines: list[str]) -> str:
    said = [line for line in lines if line]
    return f"## {title}\n\n" + "\n\n".join(said) if said else ""


def _amount(minor: int, currency: str) -> str:
    return f"{Money(minor, currency).decimal} {currency.upper()}"


def _plain(words: str) -> str:
    """Keep an owner's words from becoming headings or code of the card."""
    lines = (line.strip().lstrip("#").replace("```", "") for line in words.splitlines())
    return "\n".join(line.strip() for line in lines).strip()


def _cell(words: str) -> str:
    return " ".join(words.replace("|", "\\|").replace("`", "'").split())
