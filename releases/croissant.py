"""Croissant 1.1 with the vocabulary of Responsible AI: what a release is, for programs.

It follows from the manifest alone. Parquet is named `application/x-parquet`, without which
`mlcroissant` reads no row of it.
"""

import json
from collections.abc import Iterator, Mapping
from typing import Any

from releases import cards, columns
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
        "distribution": [_file(one, files_at) for one in _parquet(facts)],
        "recordSet": [_records(facts, one["path"]) for one in _parquet(facts)],
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
            f"Krippendorff's alpha {before['alpha']} and {before['pairs']} of the pairs alike, "
            f"over {before['tasks']} tasks, before review."
            if before["pairs"] is not None
            else "Too few tasks have several answers for a measure of agreement."
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


def _records(facts: Mapping[str, Any], path: str) -> dict[str, Any]:
    name = path.removeprefix("data/").removesuffix(".parquet").replace("-00000-of-00001", "")
    return {
        "@type": "cr:RecordSet",
        "@id": name,
        "name": name,
        "key": {"@id": f"{name}/id"},
        "field": list(_fields(facts, name, path)),
    }


def _fields(facts: Mapping[str, Any], name: str, path: str) -> Iterator[dict[str, Any]]:
    """Yield the columns whose type Croissant can say; lists of spans stand in the card."""
    for column in facts["columns"]:
        kind = TYPES.get(column["type"], "sc:Date" if "timestamp" in column["type"] else None)
        if kind is None:
            continue
        title = column["name"]
        field: dict[str, Any] = {
            "@type": "cr:Field",
            "@id": f"{name}/{title}",
            "name": title,
            "dataType": [kind, "cr:Label"] if title == "label" else kind,
            "source": {"fileObject": {"@id": path}, "extract": {"column": title}},
        }
        meaning = columns.MEANINGS.get(title)
        if meaning:
            field["description"] = meaning
        yield field
