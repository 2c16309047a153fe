"""Croissant 1.1 with the vocabulary of Responsible AI: what a release is, for programs.

It follows from the manifest alone. Parquet is named `application/x-parquet`, without which
`mlcroissant` reads no row of it. A split is one set of records, over its file or, where it has
several, over a set of files beside the description.
"""

import json
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

from releases import cards, columns
from releases.formats import paths_of
from releases.licences import ADDRESSES

MEDIA_TYPE = 'application/ld+json; profile="http://mlcommons.org/croissant/1.1"'
PARQUET = "application/x-parquet"
CONFORMS = ["http://mlcommons.org/croissant/1.1", "http://mlcommons.org/croissant/RAI/1.0"]
_PLAIN = (
    "arrayShape citeAs column containedIn equivalentProperty extract field fileObject fileProperty"
    " fileSet format includes excludes isArray isLiveDataset jsonPath key md5 parentField path"
    " recordSet references regex repeated replace samplingRate separator source subField transform"
    " annotation"
)
CONTEXT: dict[str, Any] = {
    "@language": "en",
    "@vocab": "https://schema.org/",
    "conformsTo": "dct:conformsTo",
    "cr": "http://mlcommons.org/croissant/",
    "rai": "http://mlcommons.org/croissant/RAI/",
    "prov": "http://www.w3.org/ns/prov#",
    "dct": "http://purl.org/dc/terms/",
    "sc": "https://schema.org/",
    "data": {"@id": "cr:data", "@type": "@json"},
    "dataType": {"@id": "cr:dataType", "@type": "@vocab"},
    "examples": {"@id": "cr:examples", "@type": "@json"},
    **{name: f"cr:{name}" for name in _PLAIN.split()},
}
TYPES = {
    "string": "sc:Text",
    "bool": "sc:Boolean",
    "double": "sc:Float",
    "float64": "sc:Float",
    "float": "sc:Float",
    "int32": "sc:Integer",
    "int64": "sc:Integer",
    "list of string": "sc:Text",
    "list of float64": "sc:Float",
}
# Columns whose every value is a list of things, by the words of the card: their parts.
PARTS = {
    columns.shown_type(kind): [
        (part.name, columns.shown_type(part.type)) for part in kind.value_type
    ]
    for kind in columns.AFTER.values()
    if str(kind).startswith("list<item: struct")
}


def text(facts: Mapping[str, Any], files_at: str = "") -> str:
    """Return the file; addresses of files begin with `files_at`, or are paths beside it."""
    return json.dumps(document(facts, files_at), ensure_ascii=False, indent=2) + "\n"


def document(facts: Mapping[str, Any], files_at: str = "") -> dict[str, Any]:
    """Return the document as data."""
    organisation = facts["organisation"]
    return {
        "@context": CONTEXT,
        "@type": "sc:Dataset",
        "conformsTo": CONFORMS,
        "name": f"{organisation['slug']}-{facts['name']}",
        "description": f"{facts['title']}: {facts['rows']} rows, labelled by paid experts.",
        "version": facts["version"],
        "license": ADDRESSES.get(facts["licence"], facts["licence"]),
        "url": files_at.partition("/resolve/")[0] or f"{organisation['slug']}/{facts['name']}",
        "datePublished": facts["as_of"][:10],
        "dateModified": facts["as_of"][:10],
        "inLanguage": facts["project"]["language"],
        "citeAs": cards.bibtex(facts),
        "creator": {"@type": "sc:Organization", "name": organisation["name"]},
        "isLiveDataset": False,
        **responsible(facts),
        "distribution": [
            *(_file(one, files_at) for one in _parquet(facts)),
            *(_file_set(split) for split in facts["splits"] if len(paths_of(facts, split)) > 1),
        ],
        "recordSet": [_records(facts, split) for split in facts["splits"]],
    }


def responsible(facts: Mapping[str, Any]) -> dict[str, Any]:
    """Return what the RAI vocabulary asks, from the facts; what is not known is not said."""
    project, work = facts["project"], facts["work"]
    before = work["agreement_before_review"]
    said = {
        "rai:dataCollection": "Tasks were given by the owner and answered by experts.",
        "rai:dataAnnotationProtocol": (
            f"Up to {project['overlap']} experts a task, guidelines version "
            f"{project['guidelines_version']}, validation by {project['validation']}. "
            + " ".join(cards.paths(facts))
        ),
        "rai:annotationsPerItem": str(facts["answers_per_row"]),
        "rai:dataAnnotationPlatform": "Doyen, with Label Studio's editor",
        "rai:annotatorDemographics": cards.people(facts),
        "rai:dataAnnotationAnalysis": (
            cards.before_review(before)
            or "Too few tasks have several answers for a measure of agreement."
        ),
        "rai:machineAnnotationTools": cards.machines(facts),
        "rai:dataUseCases": "Training and testing of models.",
        "rai:dataLimitations": facts["limits"] or "None were named by the owner.",
        "rai:dataReleaseMaintenancePlan": (
            "Releases are fixed; what changes comes with the next version, and a diff."
        ),
        "rai:personalSensitiveInformation": cards.personal(facts),
    }
    return {name: value for name, value in said.items() if value}


def _parquet(facts: Mapping[str, Any]) -> list[dict[str, Any]]:
    return [
        one
        for one in facts["files"]
        if one["path"].startswith("data/") and one["path"].endswith(".parquet")
    ]


def _file(one: Mapping[str, Any], files_at: str) -> dict[str, Any]:
    address = f"{files_at}/{one['path']}" if files_at else one["path"]
    return {
        "@type": "cr:FileObject",
        "@id": one["path"],
        "name": one["path"],
        "contentUrl": address,
        "contentSize": f"{one['size']} B",
        "encodingFormat": PARQUET,
        "sha256": one["sha256"],
    }


def _file_set(split: str) -> dict[str, Any]:
    """Name the files of a split that has several; not `containedIn`, by which no row is read."""
    return {
        "@type": "cr:FileSet",
        "@id": f"{split}-files",
        "name": f"{split}-files",
        "encodingFormat": PARQUET,
        "includes": f"data/{split}-*.parquet",
    }


def _records(facts: Mapping[str, Any], split: str) -> dict[str, Any]:
    paths = paths_of(facts, split)
    is_one = len(paths) == 1
    source = {"fileObject": {"@id": paths[0]}} if is_one else {"fileSet": {"@id": f"{split}-files"}}
    return {
        "@type": "cr:RecordSet",
        "@id": split,
        "name": split,
        "key": {"@id": f"{split}/id"},
        "field": [_field(split, column, source) for column in facts["columns"]],
    }


def _field(split: str, column: Mapping[str, Any], source: Mapping[str, Any]) -> dict[str, Any]:
    title, kind = column["name"], column["type"]
    # A name may hold anything; an id is an address.
    field: dict[str, Any] = {"@type": "cr:Field", "@id": f"{split}/{quote(title)}", "name": title}
    meaning = columns.MEANINGS.get(title)
    if meaning:
        field["description"] = meaning
    if kind.startswith("list"):
        field["repeated"] = True
    extracted = {**source, "extract": {"column": title}}
    if kind in PARTS:
        field["subField"] = [
            {
                "@type": "cr:Field",
                "@id": f"{field['@id']}/{part}",
                "name": part,
                "dataType": _type(part_kind),
                "source": extracted | {"transform": {"jsonPath": part}},
            }
            for part, part_kind in PARTS[kind]
        ]
        return field | {"source": extracted}
    said = _type(kind)
    return field | {
        "dataType": [said, "cr:Label"] if title == "label" else said,
        "source": extracted,
    }


def _type(kind: str) -> str:
    return TYPES.get(kind, "sc:DateTime" if "timestamp" in kind else "sc:Text")
