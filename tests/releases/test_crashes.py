"""Killed at any point, by two at once, or with its files damaged: never half a release."""

import errno
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from sqlalchemy import text
from sqlmodel import select

from accounts.models import Organisation, User
from annotation import released
from core.clock import now
from core.db import transaction
from experts.models import Expert
from projects.models import Project
from releases import assembly, builds, jobs, storage, target
from releases.health import files as files_check
from releases.models import Release, State
from tests.database import ROOT
from tests.factories.annotation import Desk
from tests.factories.releases import add_validated, make_release, make_work, wish

SLOW_WORKER = """
import sys, time
from pathlib import Path
from core.db import Database, make_engine
from app import create_app
from releases import assembly, formats, jobs
from tests.conftest import make_settings

url, data_dir, release_id = sys.argv[1], Path(sys.argv[2]), int(sys.argv[3])
add = formats.Writer.add
def slow(self, split, table):
    add(self, split, table)
    self.splits[split].flush()
    print("wrote a row", flush=True)
    time.sleep(0.2)
formats.Writer.add = slow
with create_app(make_settings(data_dir), Database(make_engine(url))).app_context():
    jobs.build(release_id)
"""


class Killed(BaseException):
    """Stands for a process that ends here."""


@pytest.fixture
def root(live):
    return live.app.extensions["doyen.settings"].data_dir.resolve() / "releases"


@pytest.fixture
def release_id(live):
    with live.transaction() as session:
        return make_release(session, make_work(session, tasks=8)).id


def found(live, release_id):
    with live.transaction() as session:
        return session.get_one(Release, release_id)


def build(live, release_id):
    with live.app.app_context():
        return jobs.build(release_id)


def forget_hold(live, release_id):
    """Let the time pass for which a dead worker holds its release."""
    with live.transaction() as session:
        session.get_one(Release, release_id).held_until = now() - timedelta(seconds=1)


@pytest.mark.parametrize(
    ("module", "name"),
    [
        (storage, "start"),
        (assembly, "set_down"),
        (assembly, "_write_rows"),
        (assembly, "_write_documents"),
        (storage, "finish"),
        (builds, "finish"),
    ],
)
def test_killed_at_any_point_it_leaves_nothing_half_and_is_built_later(
    live, root, release_id, monkeypatch, module, name
):
    def killed(*_anything, **_more):
        raise Killed

    with monkeypatch.context() as patched:
        patched.setattr(module, name, killed)
        # A process that is killed gives nothing back either.
        patched.setattr(builds, "give_back", lambda *_anything: None)
        with pytest.raises(Killed):
            build(live, release_id)

    assert found(live, release_id).state is State.BUILDING
    assert build(live, release_id) == "nothing to do"  # still held by the one that died
    forget_hold(live, release_id)
    with live.app.app_context():
        jobs.take_up_builds()
    live.run_jobs()

    release = found(live, release_id)
    assert (release.state, release.version) == (State.READY, "1.0.0")
    assert storage.is_whole(root, release)
    assert list((root / storage.UNFINISHED).iterdir()) == []
    assert [path.name for path in (root / str(release.project_id)).iterdir()] == [release.commit]


def test_a_worker_killed_in_the_middle_of_a_file_leaves_nothing_half(live, root, release_id):
    data_dir = root.parent
    arguments = [sys.executable, "-c", SLOW_WORKER, live.url, str(data_dir), str(release_id)]
    worker = subprocess.Popen(arguments, cwd=ROOT, stdout=subprocess.PIPE, text=True)
    for _ in range(2):
        assert worker.stdout.readline() == "wrote a row\n"
    worker.kill()
    worker.wait()
    worker.stdout.close()

    release = found(live, release_id)
    assert release.state is State.BUILDING
    assert not (root / str(release.project_id)).exists()
    forget_hold(live, release_id)
    build(live, release_id)

    release = found(live, release_id)
    assert release.state is State.READY
    assert release.row_count == 8
    assert storage.is_whole(root, release)


def test_without_room_it_waits_says_so_and_is_built_when_there_is_room(
    live, root, release_id, monkeypatch
):
    def full(*_anything):
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr(storage, "finish", full)
        assert build(live, release_id) == "waits for storage"
    release = found(live, release_id)
    assert (release.state, release.waits_for) == (State.BUILDING, builds.STORAGE)
    with live.app.app_context():
        assert jobs.take_up_builds() == 0  # not before its time
    with live.transaction() as session:
        owner = live.client(session.get_one(User, release.asked_by))
    assert "no room" in owner.get(f"/releases/{release_id}").text
    assert owner.get(f"/releases/{release_id}/files/manifest.json").status_code == 404

    def away(*_anything):
        raise target.Unreachable  # the place elsewhere

    forget_hold(live, release_id)
    with monkeypatch.context() as patched:
        patched.setattr(storage, "finish", away)
        assert build(live, release_id) == "waits for storage"

    forget_hold(live, release_id)
    build(live, release_id)

    assert found(live, release_id).state is State.READY
    assert list((root / storage.UNFINISHED).iterdir()) == []


def test_nothing_is_built_beside_a_disk_that_is_away(live, root, release_id):
    """Else it would lie below the disk, and be lost from sight once that is back."""
    build(live, release_id)
    with live.transaction() as session:
        waits = make_release(session, make_work(session, tasks=4)).id
    there = root.with_name("disk")
    root.rename(there)

    assert build(live, waits) == "waits for storage"
    assert not root.exists()
    with live.transaction() as session:
        [finding] = files_check(session)
        owner = live.client(session.get_one(User, found(live, waits).asked_by))
    assert (finding.tone, "disk" in finding.words) == ("stop", True)
    with live.app.app_context(), pytest.raises(storage.Away):
        jobs.clear_declined(1, "0" * 40)
    page = owner.get(f"/projects/{found(live, waits).project_id}/releases")
    assert "does not answer" in page.text
    assert "<progress" not in page.text

    there.rename(root)
    forget_hold(live, waits)
    build(live, waits)

    assert found(live, waits).state is State.READY
    assert storage.is_whole(root, found(live, waits))


def test_after_two_hours_without_room_it_gives_up_and_can_be_asked_for_again(live, release_id):
    with live.transaction() as session:
        release = session.get_one(Release, release_id)
        release.waits_for, release.attempts = builds.STORAGE, builds.ATTEMPTS_AT_ROOM

    assert build(live, release_id) == "nothing to do"

    assert found(live, release_id).trouble == builds.STORAGE
    with live.transaction() as session:
        release = session.get_one(Release, release_id)
        owner = session.get_one(User, release.asked_by)
        again = builds.ask_again(session, release, by=owner, at=now()).id
    build(live, again)
    assert found(live, again).state is State.READY


def test_what_changes_during_a_build_is_not_mixed_into_it(live, root, release_id, monkeypatch):
    """Half of the answers are read, then all are changed: the release has the old ones alone."""
    monkeypatch.setattr(released, "AT_ONCE", 3)
    ask, seen = released._ask_tasks, []

    def changing(asking, values, after, size):
        if after and not seen:
            seen.append(after)
            with live.transaction() as other:
                other.execute(
                    text(
                        "update annotation"
                        " set result = replace(result::text, 'warranty', 'patent')::jsonb"
                    )
                )
        return ask(asking, values, after, size)

    monkeypatch.setattr(released, "_ask_tasks", changing)
    build(live, release_id)

    release = found(live, release_id)
    assert seen
    assert release.row_count == 8
    assert "patent" not in release.facts["labels"]


def test_two_workers_at_once_build_one_release(live, root, release_id):
    with ThreadPoolExecutor(4) as pool:
        said = list(pool.map(lambda _: build(live, release_id), range(4)))

    assert sum(one.startswith("1.0.0") for one in said) == 1
    assert storage.is_whole(root, found(live, release_id))


def test_owners_who_ask_at_once_get_one_release(live):
    with live.transaction() as session:
        desk = make_work(session, tasks=2)

    def ask(_number):
        with live.app.app_context(), transaction() as session:
            return builds.ask(session, desk.project, wish(), by=desk.owner, at=now()).id

    with ThreadPoolExecutor(6) as pool:
        assert len(set(pool.map(ask, range(6)))) == 1


def test_a_torn_file_is_never_handed_out(live, root, release_id):
    build(live, release_id)
    release = found(live, release_id)
    path = release.facts["files"][0]["path"]
    torn = storage.folder(root, release) / path
    torn.write_bytes(torn.read_bytes()[:-10])

    with live.transaction() as session:
        owner = session.exec(select(Release)).one().asked_by
        client = live.client(session.get_one(User, owner))
    response = client.get(f"/releases/{release_id}/files/{path}")

    assert response.status_code == 503
    assert "damaged" in response.text
    with live.transaction() as session:
        [finding] = files_check(session)
    assert finding.tone == "stop"


def test_what_is_validated_while_it_waits_is_in_the_next_one(live, release_id):
    with live.transaction() as session:
        release = session.get_one(Release, release_id)
        time.sleep(0.01)
        desk = _desk_of(session, release)
        add_validated(session, desk, 90)
    build(live, release_id)

    assert found(live, release_id).row_count == 8


def _desk_of(session, release):
    return Desk(
        session.get_one(Project, release.project_id),
        session.get_one(User, release.asked_by),
        session.get_one(Organisation, release.organisation_id),
        list(session.exec(select(Expert))),
    )
