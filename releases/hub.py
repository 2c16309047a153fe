"""What the clients of the Hugging Face Hub read of us: repositories, revisions, trees, as data.

A repository is the series of releases of one project, a commit is a release, a tag its version,
and `main` the newest. The shapes are those that `datasets` and `huggingface_hub` were seen to read.
"""

from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from sqlmodel import Session, col, select

from accounts.models import Organisation
from core.errors import NotFound
from releases import cards, grants
from releases.models import Release, ReleaseSeries
from releases.serving import Entry

MAIN = "main"
# A page of a tree, as huggingface.co cuts it.
PER_PAGE = 1000


class NoSuchRepository(NotFound):
    """Repository not found"""  # noqa: D400, D415  # as the clients know it

    code = "RepoNotFound"


class NoSuchRevision(NotFound):
    """Invalid rev id: %(revision)s"""  # noqa: D400, D415

    code = "RevisionNotFound"


class NoSuchEntry(NotFound):
    """Entry not found"""  # noqa: D400, D415

    code = "EntryNotFound"


@dataclass(frozen=True)
class Repository:
    """The releases of a project that somebody may read, the newest first."""

    owner: str
    name: str
    releases: tuple[Release, ...]

    @property
    def id(self) -> str:
        """Its name, as `load_dataset` takes it."""
        return f"{self.owner}/{self.name}"

    @property
    def newest(self) -> Release:
        """What the branch `main` is."""
        return self.releases[0]

    def at(self, revision: str) -> Release:
        """Return the release of a branch, a tag or a commit."""
        if revision in (MAIN, f"refs/heads/{MAIN}"):
            return self.newest
        wanted = revision.removeprefix("refs/tags/")
        for release in self.releases:
            if wanted in (release.commit, f"v{release.version}", release.version):
                return release
        raise NoSuchRevision(revision=revision)


def repository(
    session: Session, owner: str, name: str, organisation_ids: Collection[int]
) -> Repository:
    """Return what some organisations may read under a name; what they may not read is not there."""
    if "\0" in owner + name:  # no text of the database holds it
        raise NoSuchRepository
    query = (
        grants.readable(organisation_ids)
        .join(ReleaseSeries, col(ReleaseSeries.project_id) == col(Release.project_id))
        .join(Organisation, col(Organisation.id) == col(ReleaseSeries.organisation_id))
        .where(Organisation.slug == owner, ReleaseSeries.name == name)
        .order_by(col(Release.id).desc())
    )
    found = tuple(session.exec(query))
    if not found:
        raise NoSuchRepository
    return Repository(owner, name, found)


def listed(
    session: Session, organisation_ids: Collection[int], words: str, *, owner: str | None = None
) -> list[Repository]:
    """Return the repositories that some organisations may read, of all owners or of one."""
    if "\0" in words + (owner or ""):  # no text of the database holds it
        return []
    query = grants.newest_readable(organisation_ids, words)
    if owner is not None:
        query = query.where(Organisation.slug == owner)
    newest = session.exec(query.limit(PER_PAGE)).all()
    ids = [one.project_id for one in newest]
    names = session.exec(
        select(ReleaseSeries, Organisation)
        .join(Organisation, col(Organisation.id) == col(ReleaseSeries.organisation_id))
        .where(col(ReleaseSeries.project_id).in_(ids))
    )
    of = {series.project_id: (owner.slug, series.name) for series, owner in names}
    return [Repository(*of[one.project_id], (one,)) for one in newest]


def info(
    repository: Repository, release: Release, entries: Iterable[Entry], downloads: int
) -> dict[str, Any]:
    """Say what a repository is at a release."""
    first = repository.releases[-1]
    return {
        "_id": str(release.id),
        "id": repository.id,
        "author": repository.owner,
        "sha": release.commit,
        "private": True,
        "gated": False,
        "disabled": False,
        "tags": cards.tags(release.facts),
        "downloads": downloads,
        "likes": 0,
        "description": release.title,
        "lastModified": _time(release),
        "createdAt": _time(first),
        "cardData": cards.short_header(release.facts),
        "siblings": [{"rfilename": one.path, "size": one.size} for one in entries],
        "usedStorage": release.size_bytes,
    }


def tree(entries: Iterable[Entry], folder: str, *, recursive: bool) -> list[dict[str, Any]]:
    """List a folder; all that is below it, or only what is in it."""
    start = f"{folder.strip('/')}/" if folder.strip("/") else ""
    found: dict[str, dict[str, Any]] = {}
    for one in entries:
        if not one.path.startswith(start):
            continue
        parts = one.path[len(start) :].split("/")
        for depth in range(1, len(parts) if recursive else min(2, len(parts))):
            path = start + "/".join(parts[:depth])
            found[path] = directory(path)
        if recursive or len(parts) == 1:
            found[one.path] = file(one)
    if start and not found:
        raise NoSuchEntry
    return list(found.values())


def at_paths(entries: Iterable[Entry], wanted: Iterable[str]) -> Iterator[dict[str, Any]]:
    """Say what is at some paths; those where nothing is are left out."""
    known = {one.path: one for one in entries}
    for path in (one.strip("/") for one in wanted):
        if path in known:
            yield file(known[path])
        elif any(one.startswith(f"{path}/") for one in known):
            yield directory(path)


def file(entry: Entry) -> dict[str, Any]:
    """Describe a file. No hint at Xet, so that clients load it by plain HTTP."""
    said = {"type": "file", "path": entry.path, "size": entry.size, "oid": _oid(entry)}
    if entry.sha256 is not None:
        said["lfs"] = {"oid": entry.sha256, "size": entry.size, "pointerSize": 134}
    return said


def directory(path: str) -> dict[str, Any]:
    """Describe a folder."""
    return {"type": "directory", "path": path, "size": 0, "oid": "0" * 40}


def refs(repository: Repository) -> dict[str, Any]:
    """List the branch and the tags."""
    return {
        "branches": [_ref("heads", MAIN, repository.newest)],
        "tags": [_ref("tags", f"v{one.version}", one) for one in repository.releases],
        "converts": [],
        "pullRequests": [],
    }


def commits(repository: Repository, release: Release) -> list[dict[str, Any]]:
    """List a release and those before it."""
    before = [one for one in repository.releases if (one.id or 0) <= (release.id or 0)]
    return [
        {
            "id": one.commit,
            "title": f"Release {one.version}",
            "message": one.changelog,
            "date": _time(one),
            "authors": [{"user": repository.owner}],
        }
        for one in before
    ]


def _ref(kind: str, name: str, release: Release) -> dict[str, Any]:
    return {"name": name, "ref": f"refs/{kind}/{name}", "targetCommit": release.commit}


def _oid(entry: Entry) -> str:
    return (entry.sha256 or entry.etag)[:40]


def _time(release: Release) -> str:
    at = release.ended_at or release.asked_at
    return f"{at:%Y-%m-%dT%H:%M:%S}.000Z"
