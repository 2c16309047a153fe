"""A release from being asked for to being fixed: what is written to its row, and by whom.

One build at a time for each project. A worker holds a release for a while and moves the time on
as it works; what a dead worker held is taken up again by the sweep. Where its owner wants to look
first, a release that is built waits for their yes.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import distinct, func, text
from sqlmodel import Session, col, select

from accounts import webhooks
from accounts.models import User
from annotation import label_config
from annotation.models import Assignment
from annotation.released import VALIDATED
from core import audit, jobs, messages
from core.errors import Conflict
from core.settings import current_settings
from projects.models import Project, id_of
from releases import grants, series, summaries
from releases import recipe as recipes
from releases.assembly import Built
from releases.models import Release, ReleaseSeries, ReleaseSource, State
from releases.recipe import Marks, Recipe, SplitBy, Step

HELD = timedelta(minutes=2)
# While there is no room for files, a build is tried again after this time, for two hours.
NO_ROOM = timedelta(minutes=5)
ATTEMPTS, ATTEMPTS_AT_ROOM = 5, 24
# What is made of a release once it is published; the clock would do it too.
FORMATS = "releases.make_formats"  # two at once would clear away what the other one writes
FOLLOWS = ("releases.sign_waiting", FORMATS, "releases.count_columns")
GAVE_UP, NOTHING, NOT_WANTED, STORAGE = "gave_up", "nothing", "not_wanted", "storage"
SAME_ID, NO_NAMES = "same_id", "no_names"
OPEN = (State.BUILDING, State.PROPOSED)


class NothingToRelease(Conflict):
    """No answer in this project is final yet, so there is nothing to release."""


class OtherForm(Conflict):
    """The projects ask for different things, so their answers cannot stand in one table.

    Choose projects whose label configs have the same questions with the same options.
    """


class OtherOrganisation(Conflict):
    """A release holds projects of one organisation only."""


class SameId(Conflict):
    """The task “%(id)s” would have the id of a task of another project. Leave that project out."""


class NotWaiting(Conflict):
    """This release does not wait for your yes any more. Its page says what became of it."""


# Tasks of other projects come with the number of theirs before their names: `rows.row_id`.
IDS_MEET = text("""
    select t.external_id from task t
    join task o on o.project_id = any(:others)
        and o.external_id = substring(t.external_id from '^p[0-9]+:(.*)$')
        and cast(o.project_id as text) = substring(t.external_id from '^p([0-9]+):')
    where t.project_id = :primary and t.external_id ~ '^p[0-9]+:'
    order by 1 limit 1
""")


@dataclass(frozen=True)
class Wish:
    """What an owner says of a release when asking for it."""

    changelog: str
    licence: str
    limits: str
    with_gold: bool
    recipe: Recipe = field(default_factory=Recipe)
    look_first: bool = False


def ask(session: Session, project: Project, wish: Wish, *, by: User, at: datetime) -> Release:
    """Ask for a release; while one is being built, asking again returns that one."""
    assert project.id is not None
    assert by.id is not None
    kept = series.ensure(session, project, at=at)
    waiting = open_one(session, project.id)
    if waiting is not None:
        return waiting
    made = _as_series_splits(replace(wish.recipe, with_gold=wish.with_gold), kept)
    _check_sources(session, project, made.others)
    if not final_tasks(session, project.id, *made.others):
        raise NothingToRelease
    release = Release(
        project_id=project.id,
        organisation_id=project.organisation_id,
        title=project.title,
        changelog=wish.changelog.strip(),
        licence=wish.licence,
        limits=wish.limits.strip(),
        with_gold=wish.with_gold,
        recipe=made.facts(),
        look_first=wish.look_first,
        asked_by=by.id,
        asked_at=at,
    )
    session.add(release)
    session.flush()  # the job and the sources need the id
    session.add_all(
        ReleaseSource(release_id=release.id or 0, project_id=one) for one in made.others
    )
    _defer(session, release)
    audit.record(session, "release.asked", by=by.id, subject=f"release:{release.id}")
    return release


def ask_again(session: Session, release: Release, *, by: User, at: datetime) -> Release:
    """Ask for a release that was not built once more, with the same recipe."""
    if release.state is not State.FAILED:
        raise NotWaiting
    project = session.get_one(Project, release.project_id)
    wish = Wish(
        changelog=release.changelog,
        licence=release.licence,
        limits=release.limits,
        with_gold=release.with_gold,
        recipe=recipes.read(release.recipe),
        look_first=release.look_first,
    )
    return ask(session, project, wish, by=by, at=at)


def same_form(one: str, other: str) -> bool:
    """Say whether two label configs ask for the same: questions, options and shown fields."""
    return bool(_form(one) == _form(other))


def _form(config: str) -> Any:
    try:
        read = label_config.parse(config)
    except label_config.Unreadable:
        return config
    controls = {
        name: (one.kind, sorted(one.options), one.is_multiple)
        for name, one in read.controls.items()
    }
    return controls, sorted(read.variables)


def _check_sources(session: Session, project: Project, others: Sequence[int]) -> None:
    for one in others:
        other = session.get(Project, one)
        if other is None or other.organisation_id != project.organisation_id:
            raise OtherOrganisation
        if not same_form(project.label_config, other.label_config):
            raise OtherForm
    same = same_id(session, id_of(project), others)
    if same is not None:
        raise SameId(id=same)


def same_id(session: Session, project_id: int, others: Sequence[int]) -> str | None:
    """Return a task of a project whose id one of another project would have too, if there is."""
    if not others:
        return None
    asked = {"primary": project_id, "others": list(others)}
    return session.execute(IDS_MEET, asked).scalar_one_or_none()


def _as_series_splits(recipe: Recipe, kept: ReleaseSeries) -> Recipe:
    """Return a recipe that splits as the series has from its first release on."""
    held = kept.split_rule
    if held is None:
        return recipe
    return replace(recipe, split_by=SplitBy(held["by"]), split_field=held["field"])


def open_one(session: Session, project_id: int) -> Release | None:
    """Return the release of a project that is being built or waits for its owner, if one does."""
    return session.exec(
        select(Release).where(Release.project_id == project_id, col(Release.state).in_(OPEN))
    ).first()


def last(session: Session, project_id: int) -> Release | None:
    """Return the newest release of a project that is ready."""
    query = (
        select(Release)
        .where(Release.project_id == project_id, Release.state == State.READY)
        .order_by(col(Release.id).desc())
    )
    return session.exec(query).first()


def are_any(session: Session) -> bool:
    """Return whether this instance has any release whose files it must keep."""
    kept = select(Release.id).where(col(Release.state).in_((State.READY, State.PROPOSED)))
    return session.exec(kept.limit(1)).first() is not None


def usual(session: Session, project_id: int) -> Recipe:
    """Return the choices of the version before: what nobody has chosen anew stays as it was."""
    before = last(session, project_id)
    if before is None:
        return Recipe(marks=Marks.OVERLAP)
    return replace(recipes.read(before.recipe), step=Step.PATCH)


def building(session: Session, project_id: int) -> Release | None:
    """Return the release of a project that is being built, if one is."""
    return session.exec(
        select(Release).where(Release.project_id == project_id, Release.state == State.BUILDING)
    ).first()


def of(session: Session, project_id: int) -> list[Release]:
    """Return a project's releases, the newest first."""
    query = select(Release).where(Release.project_id == project_id).order_by(col(Release.id).desc())
    return list(session.exec(query))


def final_tasks(session: Session, *project_ids: int) -> int:
    """Return how many tasks of some projects have an accepted answer."""
    accepted = select(func.count(distinct(col(Assignment.task_id)))).where(
        col(Assignment.project_id).in_(project_ids), col(Assignment.state).in_(VALIDATED)
    )
    return session.exec(accepted).one()


def take(session: Session, release_id: int, *, at: datetime) -> Release | None:
    """Hold a release for building; None when it needs no building or another worker holds it."""
    release = session.get(Release, release_id, with_for_update=True)
    if release is None or release.state is not State.BUILDING or _is_held(release, at):
        return None
    if release.attempts >= (ATTEMPTS_AT_ROOM if release.waits_for else ATTEMPTS):
        fail(session, release, STORAGE if release.waits_for else GAVE_UP, at=at)
        return None
    release.attempts += 1
    release.held_until = at + HELD
    return release


def keep(session: Session, release_id: int, rows: int, *, at: datetime) -> None:
    """Show how far a build has come, and hold it for longer."""
    release = session.get(Release, release_id, with_for_update=True)
    if release is not None and release.state is State.BUILDING:
        release.rows_read, release.held_until, release.waits_for = rows, at + HELD, None


def give_back(session: Session, release_id: int) -> None:
    """Let go of a release whose build has stopped, so that it can be taken up at once."""
    release = session.get(Release, release_id, with_for_update=True)
    if release is not None and release.state is State.BUILDING:
        release.held_until = None


def wait_for_storage(session: Session, release_id: int, *, at: datetime) -> None:
    """Let a release wait whose files cannot be kept now; it is tried again by itself."""
    release = session.get(Release, release_id, with_for_update=True)
    if release is not None and release.state is State.BUILDING:
        release.waits_for, release.held_until = STORAGE, at + NO_ROOM


def finish(session: Session, release_id: int, built: Built, *, at: datetime) -> None:
    """Fix a release, or propose it to its owner first; doing it again changes nothing."""
    release = session.get(Release, release_id, with_for_update=True)
    if release is None or release.state is not State.BUILDING:
        return
    kept = session.get_one(ReleaseSeries, release.project_id, with_for_update=True)
    release.version, release.commit, release.manifest = built.version, built.commit, built.manifest
    release.row_count, release.size_bytes = built.rows, built.size
    release.ended_at, release.held_until, release.waits_for = at, None, None
    if release.look_first:
        release.state = State.PROPOSED
        session.flush()  # whole at once: what follows asks questions
        _tell(session, release, "releases/release_proposed")
        return
    _publish(session, release, kept)


def confirm(session: Session, release: Release, *, by: User, at: datetime) -> None:
    """Publish a release under the version that was proposed; twice is the same as once."""
    session.refresh(release, with_for_update=True)
    if release.state is State.READY:
        return
    if release.state is not State.PROPOSED:
        raise NotWaiting
    kept = session.get_one(ReleaseSeries, release.project_id, with_for_update=True)
    release.confirmed_by, release.confirmed_at = by.id, at
    _publish(session, release, kept)


def decline(session: Session, release: Release, *, by: User, at: datetime) -> str | None:
    """Throw a proposed release away; return the commit whose files nothing needs any more."""
    session.refresh(release, with_for_update=True)
    if release.state is State.FAILED and release.trouble == NOT_WANTED:
        return None
    if release.state is not State.PROPOSED:
        raise NotWaiting
    commit = str(release.commit)
    release.version = release.commit = release.manifest = None
    release.state, release.trouble, release.ended_at = State.FAILED, NOT_WANTED, at
    audit.record(session, "release.declined", by=by.id, subject=f"release:{release.id}")
    return commit


def _publish(session: Session, release: Release, kept: ReleaseSeries) -> None:
    """Fix a release for good, and keep with its series how its rows were split."""
    rule = release.facts["split_rule"]
    if kept.split_rule is None:
        kept.split_rule, kept.split_salt = rule, rule.get("salt")
    release.state = State.READY
    session.flush()  # whole at once: what follows asks questions
    summaries.keep(session, release)
    _tell(session, release, "releases/release_ready")
    _emit_published(session, release)
    audit.record(
        session,
        "release.built",
        by=release.confirmed_by or release.asked_by,
        subject=f"release:{release.id}",
        details={
            "version": release.version,
            "commit": release.commit,
            "rows": release.row_count,
        },
    )
    for name in FOLLOWS:
        # What follows is made at once; the clock would do it too.
        lock = name if name == FORMATS else None
        jobs.defer(session, name, queue="releases", queueing_lock=name, lock=lock)


def fail(session: Session, release: Release, trouble: str, *, at: datetime) -> None:
    """Give up on a release and tell who asked for it."""
    release.state, release.ended_at, release.held_until = State.FAILED, at, None
    release.trouble, release.waits_for = trouble, None
    _tell(session, release, "releases/release_failed")
    data = {"release_id": release.id, "project_id": release.project_id}
    webhooks.emit(session, release.organisation_id, "release.failed", data)
    audit.record(
        session,
        "release.failed",
        by=None,
        subject=f"release:{release.id}",
        details={"trouble": trouble},
    )


def stuck(session: Session, *, at: datetime) -> list[Release]:
    """Return the releases that are being built and that no worker holds."""
    waiting = select(Release).where(Release.state == State.BUILDING).order_by(col(Release.id))
    return [release for release in session.exec(waiting) if not _is_held(release, at)]


def being_built(session: Session, release_ids: Collection[int]) -> set[int]:
    """Return which of some releases are being built; one that is not never is again."""
    query = select(Release.id).where(
        col(Release.id).in_(release_ids), Release.state == State.BUILDING
    )
    return {one for one in session.exec(query) if one is not None}


def take_up(session: Session, *, at: datetime) -> int:
    """Defer the build of each release that no worker holds; return how many there are."""
    left = stuck(session, at=at)
    for release in left:
        _defer(session, release)
    return len(left)


def lock(project_id: int) -> str:
    """Return the lock under which jobs write or delete the files of a project, one at a time."""
    return f"releases-of:{project_id}"


def _is_held(release: Release, at: datetime) -> bool:
    return release.held_until is not None and release.held_until > at


def _defer(session: Session, release: Release) -> None:
    jobs.defer(
        session,
        "releases.build",
        queue="releases",
        lock=lock(release.project_id),
        queueing_lock=f"release:{release.id}",
        release_id=release.id,
    )


def _emit_published(session: Session, release: Release) -> None:
    """Tell the owner's organisation and each that may read the project's releases."""
    facts = release.facts
    data = {
        "release_id": release.id,
        "project_id": release.project_id,
        "name": f"{facts['organisation']['slug']}/{facts['name']}",
        "version": release.version,
        # What a training job needs: where it loads from, and the hash of all that it will get.
        "revision": f"v{release.version}",
        "commit": release.commit,
        "rows": release.row_count,
        "endpoint": current_settings().public_url,
        "url": f"{current_settings().public_url}/api/v1/releases/{release.id}",
    }
    for organisation_id in grants.told(session, release):
        webhooks.emit(session, organisation_id, "release.published", data)


def _tell(session: Session, release: Release, template: str) -> None:
    asker = session.get_one(User, release.asked_by)
    path = (
        f"releases/{release.id}" if release.manifest else f"projects/{release.project_id}/releases"
    )
    url = f"{current_settings().public_url}/{path}"
    messages.write(session, to=asker, template=template, release=release, url=url)
