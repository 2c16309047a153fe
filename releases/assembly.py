"""Puts a release together: answers are read and set down, then files, card and manifest are made.

The same answers with the same recipe give the same files to the byte: nothing of the clock, of
the machine or of the order in which threads run is in them.
"""

import hashlib
import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from annotation.aggregation import Merged, Method
from annotation.released import Batch
from releases import (
    cards,
    changes,
    columns,
    duplicates,
    finishing,
    gathering,
    provenance,
    regrouping,
    splits,
    spool,
    storage,
    versions,
)
from releases.about import About
from releases.finishing import Plan, Written
from releases.formats import DATA, VOTES, WRITER, paths_of
from releases.gathering import MOST_CLASSES, Gathered
from releases.models import Release
from releases.recipe import Duplicates, SplitBy
from releases.rows import voter
from releases.tally import Tally

MANIFEST, SUMS, CARD = "manifest.json", "SHA256SUMS", "README.md"
FORM = 2  # of the manifest
REWRITTEN = 5
Beat = Callable[[int], None]


class KeepsChanging(Exception):  # the job is tried again
    """Somebody withdrew an agreement each time the files were written."""


@dataclass(frozen=True)
class Built:
    """A release whose files are in their place."""

    version: str
    commit: str
    rule: dict[str, Any]
    manifest: dict[str, Any]
    rows: int
    size: int


def set_down(
    folder: Path, found: Iterable[Batch], release: Release, about: About, beat: Beat
) -> Gathered:
    """Write the rows as they come, and count what the rest needs to know of them."""
    return gathering.gather(folder, found, about.setting, about.shown_fields, beat)


def assemble(
    root: Path, folder: Path, release: Release, about: About, gathered: Gathered, beat: Beat
) -> Built | None:
    """Make the files of a release and put them in place; None when no row is left for them."""
    manifest = make(root, folder, release, about, gathered, beat)
    if manifest is None:
        return None
    place = storage.finish(root, folder, release.project_id, manifest["commit"])
    size = sum((place / path).stat().st_size for path in storage.files(place))
    return Built(
        manifest["version"],
        manifest["commit"],
        manifest["split_rule"],
        manifest,
        manifest["rows"],
        size,
    )


def make(
    root: Path, folder: Path, release: Release, about: About, gathered: Gathered, beat: Beat
) -> dict[str, Any] | None:
    """Make the files of a release in a folder, and return its manifest; None without any row."""
    plan, report = _plan(root, folder, release, about, gathered)
    written, tally = _write_rows(folder, plan, about, gathered, beat)
    if not tally.rows:
        return None
    changed = _changes(root, folder, about, written[DATA])
    _clear(folder)
    manifest = _manifest(release, about, gathered, tally, plan, written)
    manifest["duplicates"] = report
    manifest["changes"] = _whole(changed, about.previous, manifest, written[DATA].schema)
    made = versions.Changes(**manifest["changes"]) if manifest["changes"] else None
    manifest["version"] = versions.following(made, plan.recipe.step)
    _write_documents(folder, manifest, written)
    return manifest


def _plan(
    root: Path, folder: Path, release: Release, about: About, gathered: Gathered
) -> tuple[Plan, dict[str, Any]]:
    recipe = about.setting.recipe
    merged = _merged(recipe.method, gathered)
    regrouped = _regroup(root, folder, about, gathered)
    rule, begun = _rule(folder, about, gathered, regrouped.names)
    plan = Plan(
        recipe=recipe,
        rule=rule,
        data=columns.fields(gathered.kinds, about.shown_fields),
        label_names=_label_names(about, gathered),
        keys={},
        voter=partial(voter, about.annotator_key, release.asked_at.isoformat()),
        merged=merged,
        ballot_names=[*gathered.ballot.names],
        regrouped=regrouped.names,
        dropped=regrouped.dropped,
        begun=begun,
        names=about.setting.names,
    )
    return plan, regrouped.report


def _merged(method: Method, gathered: Gathered) -> Merged | None:
    if method is Method.MAJORITY or not gathered.ballot.names:
        return None
    return gathered.ballot.merged(method)


def _regroup(root: Path, folder: Path, about: About, gathered: Gathered) -> regrouping.Regrouped:
    """Join groups whose rows say the same, and keep what earlier releases have joined."""
    before = _groups_before(root, about.previous)
    if gathered.found is None and before is None:
        return regrouping.Regrouped()
    clusters = gathered.found.clusters() if gathered.found else None
    if (
        before is None
        and clusters is not None
        and not (clusters[0] != range(len(clusters[0]))).any()
    ):
        return regrouping.Regrouped(report=dict.fromkeys(("exact", "near", "clusters"), 0))
    ids, groups = (spool.column(folder / spool.ROWS, name) for name in ("id", "group"))
    carried = regrouping.carried(ids, groups, before) if before is not None else {}
    if clusters is None:
        return regrouping.Regrouped(carried)
    return regrouping.join(
        ids,
        groups,
        clusters,
        carried=carried,
        known=frozenset(before["group"].to_pylist()) if before is not None else frozenset(),
        drop=about.setting.recipe.duplicates is Duplicates.DROP,
    )


def _groups_before(root: Path, before: Release | None) -> pa.Table | None:
    if before is None:
        return None
    old = storage.folder(root, before)
    tables = [
        pq.read_table(old / path, columns=["id", "group"], use_threads=False)
        for split in before.facts["splits"]
        for path in paths_of(before.facts, split)
    ]
    return pa.concat_tables([one.replace_schema_metadata(None) for one in tables])


def _rule(
    folder: Path, about: About, gathered: Gathered, names: Mapping[str, str]
) -> tuple[splits.Rule, dict[str, str]]:
    """Return the rule of the series, chosen with its first release, and when groups began."""
    recipe = about.setting.recipe
    made = about.rule or splits.Rule(recipe.split_by, recipe.split_field)
    if made.by is not SplitBy.TIME:
        salt = about.rule.salt if about.rule else splits.choose_salt(gathered.groups or {})
        return replace(made, salt=salt), {}
    groups, moments = (spool.column(folder / spool.ROWS, name) for name in ("group", "moment"))
    if names:
        groups = pa.array([names.get(one, one) for one in groups.to_pylist()], pa.string())
    moments = pa.array([made.moment(one) for one in moments.to_pylist()], pa.string())
    cuts = made.cuts or splits.choose_cuts(groups, moments)
    return replace(made, cuts=cuts), splits.beginnings(groups, moments)


def _label_names(about: About, gathered: Gathered) -> list[str]:
    """Return the classes: those of the release before in their order, then the form's, then others.

    A label keeps its number from version to version.
    """
    before = about.previous.facts.get("label_names", []) if about.previous else []
    if len({*gathered.ballot.names, *gathered.labels}) > MOST_CLASSES:
        return []
    found = {*gathered.ballot.names, *(one for one in gathered.labels if one is not None)}
    options = about.label_options if found <= {*about.label_options, *before} else []
    return list(dict.fromkeys([*before, *options, *sorted(found)])) if found else []


def _write_rows(
    folder: Path, plan: Plan, about: About, gathered: Gathered, beat: Beat
) -> tuple[dict[str, Written], Tally]:
    """Write the rows; once more where somebody has withdrawn their agreement meanwhile."""
    for _ in range(REWRITTEN):
        plan.keys = about.followed()
        tally = Tally(left_out=gathered.left_out.copy())
        written = finishing.write(folder, plan, tally, beat)
        if plan.keys.keys() <= about.followed().keys():
            return written, tally
    raise KeepsChanging


def _changes(root: Path, folder: Path, about: About, written: Written) -> versions.Changes | None:
    before = about.previous
    if before is None:
        return None
    old = storage.folder(root, before)
    left = [
        pa.Table.from_batches(list(spool.batches(folder / name)), spool.LEFT_OUT)
        for name in (spool.LEFT, spool.LEFT + "2")
    ]
    return changes.between(
        str(before.version),
        [old / path for name in before.facts["splits"] for path in paths_of(before.facts, name)],
        [
            folder / path
            for name in written.rows
            for path in paths_of({"shards": {DATA: written.shards}}, name)
        ],
        reasons=pa.concat_tables(left),
    )


def _whole(
    changed: versions.Changes | None,
    before: Release | None,
    manifest: Mapping[str, Any],
    schema: pa.Schema,
) -> dict[str, Any] | None:
    """Add to the changes of rows those of columns, labels and people."""
    if changed is None or before is None:
        return None
    added, removed = changes.columns_between(before.facts, schema.names)
    gone = changes.people_gone(before.facts, manifest)
    return asdict(
        replace(
            changed,
            columns_added=added,
            columns_removed=removed,
            drift=changes.drift(before.facts["labels"], manifest["labels"]),
            tombstones=changed.tombstones | gone,
        )
    )


def _clear(folder: Path) -> None:
    for name in (spool.ROWS, spool.VOTES, spool.LEFT, spool.LEFT + "2", duplicates.SIGNATURES):
        (folder / name).unlink(missing_ok=True)


def _manifest(
    release: Release,
    about: About,
    gathered: Gathered,
    tally: Tally,
    plan: Plan,
    written: Mapping[str, Written],
) -> dict[str, Any]:
    known = {one["id"]: one for one in about.projects}
    keys = {key for one, key in plan.keys.items() if one in tally.experts}
    return {
        "manifest_version": FORM,
        "name": about.name,
        "title": release.title,
        "organisation": about.organisation,
        "as_of": release.asked_at.isoformat(timespec="seconds"),
        "licence": release.licence,
        "changelog": release.changelog,
        "limits": release.limits,
        "with_gold": plan.recipe.with_gold,
        "recipe": plan.recipe.facts(),
        "method": _method(plan, gathered),
        "inputs": {
            "tasks": gathered.tasks,
            "answers": gathered.answers,
            "sha256": gathered.digest.hexdigest(),
        },
        "rows": tally.rows,
        "splits": written[DATA].rows,
        "shards": {config: one.shards for config, one in written.items()},
        **({"votes": written[VOTES].rows} if VOTES in written else {}),
        "split_rule": plan.rule.facts(),
        "label_names": plan.label_names,
        **tally.facts(),
        "personal_data": _personal(plan, tally),
        "people": {"erased": about.erased, "followed": sorted(keys)},
        "named": provenance.listed(about.named(), keys),
        "project": about.project,
        "projects": [known[one] | {"rows": count} for one, count in gathered.by_project.items()],
        "work": about.work(),
        "writer": {"pyarrow": pa.__version__, **WRITER},
    }


def _method(plan: Plan, gathered: Gathered) -> dict[str, Any]:
    merged, asked = plan.merged, plan.recipe.method
    used = merged.method if merged else Method.MAJORITY
    return {
        "asked": str(asked),
        "used": str(used),
        "rounds": merged.rounds if merged else 0,
        "known_answers": len(gathered.ballot.known),
    }


def _personal(plan: Plan, tally: Tally) -> dict[str, Any]:
    names = {"names": plan.names.name} if plan.names is not None else {}
    return {
        "asked": str(plan.recipe.personal),
        "rows": tally.personal_rows,
        "found": dict(sorted(tally.personal.items())),
        **names,
    }


def _write_documents(
    folder: Path, manifest: dict[str, Any], written: Mapping[str, Written]
) -> None:
    """Write card, manifest and sums; the commit names the content of all other files."""
    schema = written[DATA].schema
    manifest["columns"] = [
        {"name": field.name, "type": columns.shown_type(field.type)} for field in schema
    ]
    known: dict[Path, dict[str, Any]] = {}
    manifest["files"] = _listed(folder, known)
    (folder / CARD).write_text(cards.card(manifest, schema, written[DATA].bytes), encoding="utf-8")
    manifest["files"] = _listed(folder, known)
    manifest["commit"] = hashlib.sha256(_sums(manifest["files"]).encode()).hexdigest()[:40]
    text = json.dumps(manifest, ensure_ascii=False, indent=2) + "\n"
    (folder / MANIFEST).write_text(text, encoding="utf-8")
    (folder / SUMS).write_text(_sums(_listed(folder, known)), encoding="utf-8")


def _listed(folder: Path, known: dict[Path, dict[str, Any]]) -> list[dict[str, Any]]:
    """List the files; what is known of one that was listed before is so still."""
    for path in storage.files(folder):
        if path not in known:
            known[path] = {
                "path": path.as_posix(),
                "size": (folder / path).stat().st_size,
                "sha256": _digest(folder / path),
            }
    return [known[path] for path in storage.files(folder)]


def _sums(files: list[dict[str, Any]]) -> str:
    return "".join(f"{file['sha256']}  {file['path']}\n" for file in files)


def _digest(path: Path) -> str:
    with path.open("rb") as opened:
        return hashlib.file_digest(opened, "sha256").hexdigest()
