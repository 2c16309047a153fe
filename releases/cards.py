"""The card of a release: README.md with a header that the Hub's clients read, made from facts.

It is a document of the dataset and in English whatever the language of the page that links it.
"""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import pyarrow as pa

from core.money import Money
from releases import columns
from releases import recipe as recipes
from releases.formats import DATA, VOTES, paths_of
from releases.recipe import Marks

SIZES = ((1_000, "n<1K"), (10_000, "1K<n<10K"), (100_000, "10K<n<100K"), (1_000_000, "100K<n<1M"))
PATHS = {
    "agreement": "all experts who were asked gave the same answer",
    "review": "a person reviewed it",
    "silence": "accepted when the time for review ran out",
    "waiting": "handed in, and not accepted by anybody yet",
}

METHODS = {
    "majority": "A label is what more than half of the answers say.",
    "weighted": "A label is the most likely one when each vote weighs as much as its expert was "
    "right where the answer is known.",
    "dawid_skene": "A label is the most likely one by Dawid and Skene's model, which learns how "
    "each expert errs (Dirichlet prior 0.3, diagonal 1.0, known answers held).",
}
MARKS = {
    Marks.EXACT: "A mark or box is one where answers have exactly the same; kept is what more than "
    "half of the answers have.",
    Marks.OVERLAP: "Marks and boxes that cover each other by half or more are one, for which the "
    "one that covers the others best stands; kept is what more than half of the answers have.",
}
LICENCES = {"other": "As agreed in writing with the owner; there are no public terms."}
GONE = {
    "known_answer": "tasks with a known answer",
    "not_final": "without a choice that more than half made",
    "low_agreement": "with less agreement than asked for",
    "low_level": "without an answer from the level asked for",
    "few_answers": "with fewer answers than asked for",
    "out_of_dates": "outside of the dates asked for",
    "other_label": "with a label that was not asked for",
    "low_confidence": "with less confidence than asked for",
    "duplicate": "that repeat another row",
    "no_longer_accepted": "no longer accepted, or withdrawn",
    "people_erased": "people erased at their wish; their work stays without them",
    "people_no_longer_named": "people no longer named",
}


def card(manifest: Mapping[str, Any], schema: pa.Schema, num_bytes: Mapping[str, int]) -> str:
    """Write the card."""
    header = "\n".join(yaml(_header(manifest, schema, num_bytes)))
    return f"---\n{header}\n---\n\n{_body(manifest, schema)}"


def short_header(manifest: Mapping[str, Any]) -> dict[str, Any]:
    """Return what the header says of the dataset as a whole, in the Hub's words."""
    return {
        "pretty_name": f"{manifest['title']} {manifest['version']}",
        "license": manifest["licence"],
        "language": [manifest["project"]["language"]],
        "annotations_creators": ["expert-generated"],
        "multilinguality": ["monolingual"],
        "task_categories": _categories(manifest),
        "size_categories": [_size(manifest["rows"])],
        "tags": ["croissant", "expert-annotation", str(manifest["project"]["field"])],
    }


def tags(manifest: Mapping[str, Any]) -> list[str]:
    """Return the header as the Hub lists it: `license:cc-by-4.0` and so on."""
    header = short_header(manifest)
    kinds = ("task_categories", "language", "size_categories", "annotations_creators")
    said = [f"{kind}:{value}" for kind in kinds for value in header[kind]]
    return [*said, f"license:{header['license']}", *header["tags"]]


def bibtex(manifest: Mapping[str, Any]) -> str:
    """Return how to cite a release, for BibTeX."""
    organisation = manifest["organisation"]
    year = manifest["as_of"][:4]
    key = re.sub(r"[^a-z0-9]+", "_", f"{organisation['slug']}_{manifest['name']}_{year}".lower())
    said = {
        "title": f"{_plain(manifest['title'])}, version {manifest['version']}",
        "author": f"{{{_plain(organisation['name'])}}}",
        "year": year,
        "version": manifest["version"],
        "note": f"Commit {manifest['commit']}" if manifest.get("commit") else "",
        "howpublished": f"{organisation['slug']}/{manifest['name']}",
    }
    lines = (f"  {name} = {{{_tex(value)}}}" for name, value in said.items() if value)
    return f"@misc{{{key},\n" + ",\n".join(lines) + "\n}"


def citation(manifest: Mapping[str, Any], address: str) -> str:
    """Return CITATION.cff, from which a DOI can be asked for."""
    said = {
        "cff-version": "1.2.0",
        "message": "If you use this dataset, please cite it as below.",
        "type": "dataset",
        "title": manifest["title"],
        "version": manifest["version"],
        "date-released": manifest["as_of"][:10],
        "authors": [
            {"name": manifest["organisation"]["name"]},
            *({"name": one["name"]} for one in manifest["named"]),
        ],
        "license": _spdx(manifest["licence"]),
        "commit": manifest.get("commit") or "",
        "url": address,
        "keywords": short_header(manifest)["tags"],
    }
    return "\n".join(yaml({name: value for name, value in said.items() if value})) + "\n"


def people(manifest: Mapping[str, Any]) -> str:
    """Say who answered, by what is proven of them."""
    project = manifest["project"]
    words = f"{manifest['annotators']} experts who passed an interview in {project['field']}"
    if project["min_years"]:
        years = project["min_years"]
        words += f", with at least {years} year{'s' if years > 1 else ''} of work in it"
    classes = manifest["work"].get("credential_classes") or {}
    if classes:
        words += "; verified: " + ", ".join(f"{_plain(k)} ({n})" for k, n in classes.items())
    return f"{words}."


def paths(manifest: Mapping[str, Any]) -> list[str]:
    """Say how answers became final."""
    found = manifest["review_paths"].items()
    return [f"{count} rows: {PATHS.get(path, path)}." for path, count in found]


def machines(manifest: Mapping[str, Any]) -> str:
    """Say what models had a part in the answers."""
    found = manifest.get("started_from") or {}
    helped = {name: count for name, count in found.items() if name != "blank"}
    if helped:
        counts = ", ".join(f"{name}: {count}" for name, count in helped.items())
        return f"Some answers began from a model's prediction ({counts}); see `started_from`."
    return "The column `started_from` says, row by row, whether a model's prediction was at hand."


def personal(manifest: Mapping[str, Any]) -> str:
    """Say what is known of personal data in it."""
    scan = manifest.get("personal_data")
    if isinstance(scan, Mapping):
        return _personal(scan)
    return (
        "Annotators are keys that mean nothing elsewhere. Whether the tasks' own data holds "
        "personal data was not scanned."
    )


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
    configs = [{"config_name": "default", "data_files": _files(manifest, splits, DATA)}]
    if manifest.get("votes"):
        files = _files(manifest, manifest["votes"], VOTES)
        configs.append({"config_name": VOTES, "data_files": files})
    return {
        **short_header(manifest),
        "configs": configs,
        "dataset_info": {
            "config_name": "default",
            "features": [
                _feature(field.name, field.type, manifest.get("label_names", ()))
                for field in schema
            ],
            "splits": [
                {"name": name, "num_bytes": num_bytes[name], "num_examples": rows}
                for name, rows in splits.items()
            ],
            "download_size": _download_size(manifest),
            "dataset_size": sum(num_bytes.values()),
        },
    }


def _files(
    manifest: Mapping[str, Any], splits: Mapping[str, int], config: str
) -> list[dict[str, Any]]:
    """Return the files of each split; one alone as its path, as the Hub's own cards have it."""
    found = {name: paths_of(manifest, name, config) for name in splits}
    return [
        {"split": name, "path": paths[0] if len(paths) == 1 else paths}
        for name, paths in found.items()
    ]


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
    paths = {path for name in manifest["splits"] for path in paths_of(manifest, name)}
    return sum(file["size"] for file in manifest["files"] if file["path"] in paths)


def _feature(name: str, kind: pa.DataType, labels: Sequence[str] = ()) -> dict[str, Any]:
    if name == "label_id" and labels:
        names = {str(number): label for number, label in enumerate(labels)}
        return {"name": name, "dtype": {"class_label": {"names": names}}}
    if pa.types.is_list(kind) and pa.types.is_struct(kind.value_type):
        inner = [{"name": part.name, "dtype": _dtype(part.type)} for part in kind.value_type]
        return {"name": name, "list": inner}
    if pa.types.is_list(kind):
        return {"name": name, "sequence": _dtype(kind.value_type)}
    return {"name": name, "dtype": _dtype(kind)}


def _dtype(kind: pa.DataType) -> str:
    names = {pa.bool_(): "bool", pa.float64(): "float64"}
    return names.get(kind, str(kind))


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
        _section("Datasheet", _datasheet(manifest)),
        _section("Splits", _splits(manifest)),
        _table("Labels", ("label", "rows"), manifest["labels"]),
        _table("Marks", ("label", "marks"), manifest["span_labels"]),
        _columns(schema),
        _section("What was done to the rows", made_of(manifest)),
        _votes(manifest),
        _section("Changes", [_plain(manifest["changelog"]), *_changes(manifest)]),
        _section("Limits, from the owner", [_plain(manifest["limits"])]),
        _section("Licence", [LICENCES.get(manifest["licence"], manifest["licence"])]),
        f"## How to cite it\n\n```bibtex\n{bibtex(manifest)}\n```",
    ]
    return "\n\n".join(part for part in parts if part) + "\n"


def _origin(manifest: Mapping[str, Any]) -> list[str]:
    project, work = manifest["project"], manifest["work"]
    return [
        f"People: {people(manifest)}",
        f"Answers: {manifest['answers_per_row']} accepted answers a row on average.",
        _named(manifest["named"]),
        before_review(work["agreement_before_review"]),
        _agreement(manifest["agreement"]),
        *paths(manifest),
        f"Refused answers: {work['refused']}; contested: {work['contested']}; "
        f"changed after a second look: {work['changed_after_contest']}.",
        _pay(project["price"], work["hourly_minor"]),
        f"Guidelines: version {project['guidelines_version']}.",
        _known(work["known_answer_tasks"], manifest["with_gold"]),
    ]


def _datasheet(manifest: Mapping[str, Any]) -> list[str]:
    """Answer the questions of a datasheet that the facts can answer; the others are the owner's."""
    project, work = manifest["project"], manifest["work"]
    out = manifest["left_out"]
    said = {
        "For what purpose was it made, and by whom?": (
            f"By {_plain(manifest['organisation']['name'])}, to train and test models on: "
            f"{_plain(manifest['title'])}."
        ),
        "What is an instance, and how many are there?": (
            f"A task with its final answer; {manifest['rows']}."
        ),
        "Is anything missing from it?": (
            f"Left out: {_left_out(out)}."
            if out
            else "No task with an accepted answer was left out."
        ),
        "Who answered, and how were they chosen?": (f"{people(manifest)} {_interview(project)}"),
        "What were they paid?": _pay(project["price"], work["hourly_minor"]),
        "What were they told to do?": (
            f"Guidelines version {project['guidelines_version']}; label config "
            f"`{project['label_config_sha256'][:16]}`."
        ),
        "Could they contest a refusal?": (
            f"Yes. Of {work['refused']} refused answers {work['contested']} were contested, and "
            f"{work['changed_after_contest']} decisions changed."
        ),
        "Did models have a part in it?": machines(manifest),
        "Does it hold personal data?": personal(manifest),
        "Will it be updated?": (
            "This version never changes. Later work, and erasures, are in the next."
        ),
        "How do I check that I have it whole?": (
            "`SHA256SUMS` names every file; `manifest.json.sig` is an Ed25519 signature of "
            "`manifest.json` by the instance that released it."
        ),
    }
    return [f"**{question}** {answer}" for question, answer in said.items()]


def _interview(project: Mapping[str, Any]) -> str:
    interview = project.get("interview")
    if not interview:
        return f"The project asked for level {project['min_level']} in the field's interview."
    return f"The interview: {_plain(str(interview))}."


def _named(people: list[dict[str, str]]) -> str:
    """Name those who agreed to it; the others are keys that mean nothing elsewhere."""
    names = (f"{_plain(_cell(one['name']))} (`{one['annotator']}`)" for one in people)
    return f"Named with their consent: {', '.join(names)}." if people else ""


def _agreement(found: Mapping[str, Any]) -> str:
    if found["mean"] is None:
        return ""
    return (
        f"Among the accepted answers that the rows hold, {found['mean']} of a row's pairs are the "
        f"same on average, on {found['rows']} rows with more than one; refused answers are not "
        "among them, so this says less than the agreement of all."
    )


def before_review(found: Mapping[str, Any]) -> str:
    """Say how far all answers agree, or nothing where no task has several."""
    if found["pairs"] is None:
        return ""
    alpha = "" if found["alpha"] is None else f"Krippendorff's alpha {found['alpha']}, "
    return (
        "Agreement between experts, over all answers handed in, refused ones and those in their "
        f"place too: {alpha}{found['pairs']} of a task's pairs are the same on average, on "
        f"{found['tasks']} tasks with more than one."
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
    gone = changes.get("tombstones", {}).items()
    moved = changes.get("moves", ())[:5]
    said = [
        f"Since {changes['since']}: {changes['added']} rows added, {changes['changed']} changed, "
        f"{changes['removed']} removed.",
        *(f"{count} rows or people: {GONE.get(reason, reason)}." for reason, count in gone),
        *(f"{one['rows']} rows: {_said(one['old'])} became {_said(one['new'])}." for one in moved),
    ]
    if changes.get("drift"):
        said.append(f"The distribution of labels moved by {changes['drift']} (total variation).")
    for words, names in (("added", "columns_added"), ("removed", "columns_removed")):
        if changes.get(names):
            said.append(f"Columns {words}: {', '.join(changes[names])}.")
    return said


def _said(label: str) -> str:
    return f"“{_plain(_cell(label))}”" if label else "none"


def made_of(manifest: Mapping[str, Any]) -> list[str]:
    """Say how answers became labels, what was left out, and what was found in the words."""
    if "recipe" not in manifest:
        return []
    method, personal, twins = manifest["method"], manifest["personal_data"], manifest["duplicates"]
    others = [one for one in manifest["projects"] if one["id"] != manifest["project"]["id"]]
    left = _left_out(manifest["left_out"])
    return [
        METHODS.get(method["used"], method["used"]) + _learned(manifest),
        MARKS[recipes.read(manifest["recipe"]).marks],
        f"From {len(others) + 1} projects with the same form." if others else "",
        f"Left out: {left}." if left else "",
        f"Rows that repeat another: {twins['exact']} exactly, {twins['near']} nearly; "
        + (f"{twins['dropped']} dropped." if twins.get("dropped") else "kept in one split.")
        if twins
        else "",
        _personal(personal),
    ]


def _left_out(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{count} {GONE.get(one, _plain(one))}" for one, count in counts.items())


def _learned(manifest: Mapping[str, Any]) -> str:
    method, beside = manifest["method"], manifest["beside_majority"]
    if method["used"] == "majority":
        return ""
    return (
        f" {method['known_answers']} tasks with a known answer taught it. It differs from the "
        f"majority on {beside['differ']} of the {beside['rows']} rows that have one."
    )


def _personal(found: Mapping[str, Any]) -> str:
    if found["asked"] == "off":
        return "The words were not searched for personal data."
    done = "masked" if found["asked"] == "mask" else "left as they are"
    kinds = ", ".join(f"{count} {kind}" for kind, count in found["found"].items()) or "nothing"
    return (
        f"Searched for personal data that has a form (mail, telephone, bank and card numbers, "
        f"addresses of machines, national numbers): {kinds} found in {found['rows']} rows, {done}. "
        + _names(found)
    )


def _names(found: Mapping[str, Any]) -> str:
    if "names" not in found:
        return "Names, places and what a story tells of a person cannot be found this way."
    return (
        f"Names of persons were looked for by a language model ({found['names']}): it misses "
        "some, about one in five where it was measured, more without capital letters, and takes "
        "other words for names, so this is no proof that none is left. Places and what a story "
        "tells of a person were not looked for."
    )


def _votes(manifest: Mapping[str, Any]) -> str:
    if not manifest.get("votes"):
        return ""
    rows = [f"| `{name}` | {words} |" for name, words in columns.VOTE_MEANINGS.items()]
    total = sum(manifest["votes"].values())
    head = f"Each answer for itself, as the configuration `votes`: {total} rows."
    return "\n".join(["## Votes", "", head, "", "| column | meaning |", "|---|---|", *rows])


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


def _tex(words: str) -> str:
    """Keep a value within its braces."""
    return words.replace("\\", "").replace("\n", " ")


def _spdx(licence: str) -> str:
    known = {
        "cc-by-4.0": "CC-BY-4.0",
        "cc-by-sa-4.0": "CC-BY-SA-4.0",
        "cc-by-nc-4.0": "CC-BY-NC-4.0",
        "cc0-1.0": "CC0-1.0",
    }
    return known.get(licence, "")
