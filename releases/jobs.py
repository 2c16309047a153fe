"""Jobs of releases: one that builds, and a sweep that takes up what a dead worker has left."""

import logging
import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TypeVar

import pyarrow as pa
from sqlmodel import Session, select

from annotation import released
from core.clock import now
from core.db import meanwhile, snapshot, transaction
from core.jobs import Tasks
from core.settings import current_settings
from releases import (
    about,
    assembly,
    builds,
    formats_made,
    noise_jobs,
    person_names,
    provenance,
    recipe,
    requests,
    signing,
    statistics,
    storage,
    summaries,
    target,
)
from releases.models import Release, State

log = logging.getLogger(__name__)
BEAT_EVERY = 5.0  # seconds
Answer = TypeVar("Answer")
# Files that cannot be read or written now: it is tried again.
LATER = (OSError, storage.NotWhole, target.Unreachable)
tasks = Tasks("releases")


@tasks.task(queue="releases", longest_wait=60)
def build(release_id: int) -> str:
    """Build a release that was asked for, unless it is done or in another worker's hands."""
    _use_frugal_memory()
    with transaction() as session:
        release = builds.take(session, release_id, at=now())
    if release is None:
        return "nothing to do"
    with _given_back_on_failure(release_id):
        try:
            built = _built(release, releases_folder())
        except (OSError, target.Unreachable) as trouble:  # no room, no right, or no answer
            log.warning("release %s waits for its storage: %s", release_id, trouble)
            with transaction() as session:
                builds.wait_for_storage(session, release_id, at=now())
            return "waits for storage"
        except builds.SameId as trouble:  # a task that came after the release was asked for
            log.warning("release %s is not built: %s", release_id, trouble)
            with transaction() as session:
                builds.fail(session, session.merge(release), builds.SAME_ID, at=now())
            return "two tasks of one id"
        except person_names.NotInstalled:
            log.warning("release %s is not built: NAME_PIPELINES is not installed", release_id)
            with transaction() as session:
                builds.fail(session, session.merge(release), builds.NO_NAMES, at=now())
            return "nothing here looks for names"
        with transaction() as session:
            if built is None:
                builds.fail(session, session.merge(release), builds.NOTHING, at=now())
                return "nothing to release"
            builds.finish(session, release_id, built, at=now())
    return f"{built.version}, {built.rows} rows, {built.commit}"


@tasks.task(queue="releases")
def take_up_builds() -> int:
    """Defer the builds that nobody is working on; clear away what those that ended have left."""
    folders = storage.unfinished(releases_folder())
    with transaction() as session:
        kept = builds.being_built(session, folders.values())
        count = builds.take_up(session, at=now())
    for folder, release_id in folders.items():
        if release_id not in kept:
            shutil.rmtree(folder, ignore_errors=True)
    return count


@tasks.task(queue="releases")
def sign_waiting() -> int:
    """Sign the manifests of ready releases that have no signature, or one of a revoked key."""
    with transaction() as session:
        ids = [release.id for release in signing.unsigned(session)]
    count = 0
    for release_id in ids:
        try:
            with transaction() as session:
                release = session.get_one(Release, release_id)
                signing.sign(session, release, releases_folder(), current_settings(), at=now())
        except LATER as trouble:
            # One whose files are lost or damaged holds up no other.
            log.warning("release %s cannot be signed: %s", release_id, trouble)
        else:
            count += 1
    return count


@tasks.task(queue="releases", longest_wait=60, alone=True)
def make_formats() -> int:
    """Make the formats of ready releases for which they were not tried yet.

    One at a time: two would clear away the folders that the other one writes to.
    """
    root, count = releases_folder(), 0
    with transaction() as session:
        left = formats_made.waiting(session)
        configs = {one.id: formats_made.config_of(session, one) for one in left}
    for release in left:
        try:
            count += _make_formats(root, release, configs[release.id])
        except LATER as trouble:
            # Those not made are not noted: they are tried again once its files can be read.
            log.warning("formats of release %s wait for its files: %s", release.id, trouble)
    return count


@tasks.task(queue="releases")
def count_columns() -> int:
    """Count what the columns of ready releases hold, and list those that the catalogue lacks."""
    root = releases_folder()
    with transaction() as session:
        summaries.keep_missing(session)
        left = statistics.waiting(session)
    for release in left:
        try:
            found = statistics.count(root, release)
        except LATER as trouble:
            # Its files are away or damaged, which the operator is told of; the others go on.
            log.warning("the columns of release %s could not be counted: %s", release.id, trouble)
            continue
        with transaction() as session:
            statistics.keep(session, release, found, at=now())
    return len(left)


@tasks.task(queue="releases")
def end_grants() -> int:
    """End the grants to read whose time is over, and tell who read by them."""
    with transaction() as session:
        return requests.end_expired(session, at=now())


noise_jobs.register(tasks)


def releases_folder() -> Path:
    """Return where this instance keeps releases."""
    return current_settings().data_dir.resolve() / "releases"


@tasks.task(queue="releases", attempts=100, longest_wait=300)
def clear_declined(project_id: int, commit: str) -> str:
    """Delete the files of a release that its owner did not want, unless another one has them.

    It runs under the lock of the project's builds: none finds files there that are about to go.
    """
    with transaction() as session:
        query = select(Release).where(
            Release.project_id == project_id,
            Release.commit == commit,
            Release.state != State.FAILED,
        )
        if session.exec(query).first() is not None:
            return "still needed"
    _look_for_disk(releases_folder())
    storage.remove(releases_folder(), project_id, commit)
    return "deleted"


@tasks.task(queue="releases")
def drop_copies() -> int:
    """Delete copies here that nobody has used for a while, where releases are kept elsewhere."""
    hours = current_settings().releases_copy_hours
    try:
        return storage.drop_copies(releases_folder(), unused_for=hours * 3600)
    except target.Unreachable as trouble:  # the operator sees that; copies stay until it answers
        log.warning("copies stay: %s", trouble)
        return 0


def _make_formats(root: Path, release: Release, config: str) -> int:
    source, count = formats_made.source_of(root, release, config), 0
    for name in formats_made.FORMATS:
        try:
            made = formats_made.make(root, release, name, source)
        except LATER:
            raise
        except Exception:
            # One that fails holds up no other; what it was is in the log.
            log.exception("format %s of release %s could not be made", name, release.id)
            made = formats_made.Made(name, None, 0, 0, "it could not be made here")
        with transaction() as session:
            formats_made.keep(session, release, made, at=now())
        count += made.files is not None
    return count


def _built(release: Release, root: Path) -> assembly.Built | None:
    assert release.id is not None
    _look_for_disk(root)
    folder = storage.start(root, release.id)
    beat = _beat(release.id)
    made = recipe.read(release.recipe)
    ids = [release.project_id, *made.others]
    with snapshot() as session:
        same = builds.same_id(session, release.project_id, made.others)
        if same is not None:
            raise builds.SameId(id=same)
        facts = replace(
            about.read(session, release),
            named=partial(_asked_now, provenance.named, ids),
            followed=partial(_asked_now, provenance.followed, ids),
        )
        read = released.batches(
            session, ids, until=release.asked_at, waiting=made.waiting, timed=made.votes
        )
        with closing(read) as found:
            gathered = assembly.set_down(folder, found, release, facts, beat)
        counted = partial(about.work_of, release=release)
        facts = replace(facts, work=meanwhile(session, counted))
    if not gathered.rows:
        return None
    return assembly.assemble(root, folder, release, facts, gathered, beat)


def _look_for_disk(root: Path) -> None:
    """Refuse to build into an empty folder where releases were, or to say that one is deleted."""
    with transaction() as session:
        if storage.is_away(root) and builds.are_any(session):
            raise storage.Away(f"{root} is empty: is its disk there?")


def _use_frugal_memory() -> None:
    """Let Arrow take memory from jemalloc where it is there: less of it, and less time for it."""
    if "jemalloc" in pa.supported_memory_backends():
        pa.set_memory_pool(pa.jemalloc_memory_pool())


def _asked_now(question: Callable[[Session, list[int]], Answer], project_ids: list[int]) -> Answer:
    with transaction() as session:
        return question(session, project_ids)


def _beat(release_id: int) -> Callable[[int], None]:
    """Return what notes progress every few seconds, however often it is called."""
    last = time.monotonic()

    def beat(rows: int) -> None:
        nonlocal last
        if time.monotonic() - last >= BEAT_EVERY:
            last = time.monotonic()
            with transaction() as session:
                builds.keep(session, release_id, rows, at=now())

    return beat


@contextmanager
def _given_back_on_failure(release_id: int) -> Iterator[None]:
    try:
        yield
    except BaseException:
        with transaction() as session:
            builds.give_back(session, release_id)
        raise
