"""Builds a release once more from the same answers, and compares every file by its hash.

Nothing is published or changed. What the release itself says of its project, people and salt is
taken from its manifest; the answers are read anew. Where answers have changed since, that is said
and no verdict is given: an appeal or an erasure is no fault.
"""

import shutil
from contextlib import closing
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pyarrow as pa
from sqlmodel import Session, select

from accounts.models import Organisation
from annotation import released
from core.db import snapshot, transaction
from core.errors import NotFound
from releases import about, assembly, provenance, recipe, splits, storage
from releases.about import About
from releases.models import Release, ReleaseSeries, State


@dataclass(frozen=True)
class Verdict:
    """Whether a release came out the same, and where it did not."""

    same_inputs: bool
    same_writer: bool
    # What looked for names of persons, in the release and just now.
    names: tuple[str | None, str | None] = (None, None)
    differing: list[str] = field(default_factory=list)
    files: int = 0

    @property
    def same_names(self) -> bool:
        """Whether names were looked for by the same, so that a difference would say something."""
        return self.names[0] == self.names[1]

    @property
    def is_same(self) -> bool:
        """Whether every file has the hash that it had."""
        return not self.differing


def find(session: Session, name: str, version: str) -> Release:
    """Return a ready release by `organisation/name` and version, or raise `NotFound`."""
    slug, _, own = name.partition("/")
    query = (
        select(Release)
        .join(ReleaseSeries, ReleaseSeries.project_id == Release.project_id)  # type: ignore[arg-type]
        .join(Organisation, Organisation.id == Release.organisation_id)  # type: ignore[arg-type]
        .where(
            Organisation.slug == slug,
            ReleaseSeries.name == own,
            Release.version == version.removeprefix("v"),
            Release.state == State.READY,
        )
    )
    found = session.exec(query).first()
    if found is None:
        raise NotFound
    return found


def verify(release: Release, root: Path) -> Verdict:
    """Build a release again in a folder beside, and compare; the folder is gone at the end."""
    made, folder = again(release, root)
    shutil.rmtree(folder, ignore_errors=True)
    return _compared(release.facts, made)


def again(release: Release, root: Path) -> tuple[dict[str, Any], Path]:
    """Build a release again; return its manifest and the folder beside, which is the caller's."""
    assert release.id is not None
    folder = storage.start(root, release.id)
    try:
        return _made(release, root, folder), folder
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        raise


def _made(release: Release, root: Path, folder: Path) -> dict[str, Any]:
    made = recipe.read(release.recipe)
    ids = [release.project_id, *made.others]
    with snapshot() as session:
        facts = _as_it_was(session, release, about.read(session, release), ids)
        read = released.batches(
            session, ids, until=release.asked_at, waiting=made.waiting, timed=made.votes
        )
        with closing(read) as found:
            gathered = assembly.set_down(folder, found, release, facts, lambda _rows: None)
    if not gathered.rows:
        return {"files": [], "inputs": {}}
    return assembly.make(root, folder, release, facts, gathered, lambda _rows: None) or {
        "files": [],
        "inputs": {},
    }


def _as_it_was(session: Session, release: Release, now: About, ids: list[int]) -> About:
    """Return what the manifest says of the project and people, in the place of what is so now."""
    facts = release.facts
    people = provenance.with_keys(session, ids, facts["people"]["followed"])
    names = {one["annotator"]: one["name"] for one in facts["named"]}
    return replace(
        now,
        name=facts["name"],
        organisation=facts["organisation"],
        project=facts["project"],
        projects=[{"id": one["id"], "title": one["title"]} for one in facts["projects"]],
        work=lambda: dict(facts["work"]),
        erased=facts["people"]["erased"],
        rule=splits.rule(facts["split_rule"]),
        previous=_previous(session, release),
        named=lambda: names,
        followed=lambda: people,
    )


def _previous(session: Session, release: Release) -> Release | None:
    changed = release.facts["changes"]
    if changed is None:
        return None
    query = select(Release).where(
        Release.project_id == release.project_id, Release.version == changed["since"]
    )
    return session.exec(query).first()


def _compared(old: dict[str, Any], new: dict[str, Any]) -> Verdict:
    before, after = ({one["path"]: one["sha256"] for one in facts["files"]} for facts in (old, new))
    return Verdict(
        same_inputs=old["inputs"] == new["inputs"],
        same_writer=old["writer"]["pyarrow"] == pa.__version__,
        names=(_looked(old), _looked(new)),
        differing=sorted(
            path for path in before.keys() | after.keys() if before.get(path) != after.get(path)
        ),
        files=len(before),
    )


def _looked(facts: dict[str, Any]) -> str | None:
    found: str | None = facts.get("personal_data", {}).get("names")
    return found


def by_name(name: str, version: str) -> Release:
    """Return a ready release, in a transaction of its own."""
    with transaction() as session:
        return find(session, name, version)
