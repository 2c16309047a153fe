"""Releases that are kept elsewhere: short addresses to S3, and no need of a copy here."""

import shutil
import socket
from dataclasses import replace
from datetime import UTC, datetime
from urllib.parse import parse_qs, urlsplit

import pytest
from fsspec.implementations.arrow import ArrowFSWrapper
from pyarrow.fs import S3FileSystem
from sqlmodel import select

from accounts.models import User
from releases import comparison, health, jobs, presigned, signing, storage, target
from releases.catalogue_models import ReleaseStatistics
from releases.delivery_models import ReleaseDownload
from tests.factories.releases import (
    add_validated,
    build_release,
    make_release,
)
from tests.factories.tokens import make_token
from tests.jobs_run import run_jobs

EXAMPLE = presigned.Signer(
    "AKIAIOSFODNN7EXAMPLE",
    "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY",
    "us-east-1",
    "https://examplebucket.s3.amazonaws.com",
)


@pytest.fixture
def elsewhere(app, monkeypatch):
    """A folder stands for S3: it keeps files, and signs addresses of them."""
    root = app.extensions["doyen.settings"].data_dir.resolve() / "there"
    made = target.of(
        app.extensions["doyen.settings"].model_copy(update={"releases_url": f"file://{root}"})
    )
    signer = replace(EXAMPLE, endpoint="https://s3.example")
    monkeypatch.setattr(target, "current", lambda: replace(made, signer=signer))
    yield made
    shutil.rmtree(root, ignore_errors=True)


@pytest.fixture
def silence(monkeypatch):
    """Return what makes S3 refuse every connection from now on, as the real client sees it."""

    def begin():
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            nobody = f"127.0.0.1:{free.getsockname()[1]}"
        client = S3FileSystem(
            access_key="k", secret_key="s", endpoint_override=nobody, scheme="http", region="x"
        )
        away = target.Target(ArrowFSWrapper(client), "bucket/releases", EXAMPLE)
        monkeypatch.setattr(target, "current", lambda: away)
        return away

    return begin


@pytest.fixture
def root(app):
    return app.extensions["doyen.settings"].data_dir.resolve() / "releases"


@pytest.fixture
def release(app, session, elsewhere, desk):
    return build_release(app, session, desk)


@pytest.fixture
def get(client, session, team, release):
    _, secret = make_token(session, *team)
    session.commit()

    def get(path, method="get", **headers):
        sent = {"Authorization": f"Bearer {secret}"} | headers
        return getattr(client, method)(path, headers=sent, buffered=True)

    return get


def name_of(release):
    return f"{release.facts['organisation']['slug']}/{release.facts['name']}"


def parquet(release):
    return next(one for one in release.facts["files"] if one["path"].endswith(".parquet"))


def drop(root, release):
    assert storage.drop_copies(root, unused_for=-60) > 0
    assert list((root / str(release.project_id)).iterdir()) == []


def test_an_address_is_signed_as_aws_says():
    """The example of AWS's own description, with its signature."""
    at = datetime(2013, 5, 24, tzinfo=UTC)

    class ByHost(presigned.Signer):
        def _place(self, bucket, key):
            return "https://examplebucket.s3.amazonaws.com", f"/{key}"

    address = ByHost(**vars(EXAMPLE)).address(
        "examplebucket", "test.txt", seconds=86400, at=at, said={}
    )

    assert address.endswith(
        "&X-Amz-Signature=aeeed9bbccd4d02ee5c0109b86d86835f995330da4c265957d157751f604d404"
    )


@pytest.mark.parametrize(
    ("options", "begins"),
    [
        ({"region": "eu-west-3"}, "https://b.s3.eu-west-3.amazonaws.com/a%20b/%C3%A9"),
        ({"endpoint_override": "minio:9000", "scheme": "http"}, "http://minio:9000/b/a%20b/%C3%A9"),
        (
            {"endpoint_override": "https://o.example", "force_virtual_addressing": True},
            "https://b.o.example/a%20b/%C3%A9",
        ),
    ],
)
def test_an_object_is_where_the_options_say(options, begins):
    keys = {"access_key": "k", "secret_key": "s"}
    made = presigned.signer(keys | options, "")

    address = made.address("b", "a b/é", seconds=60, at=datetime(2026, 1, 1, tzinfo=UTC), said={})

    assert address.partition("?")[0] == begins


def test_without_a_key_of_its_own_nobody_signs():
    assert presigned.signer({"region": "eu-west-3"}, "") is None
    assert presigned.signer({"access_key": "k", "secret_key": "s"}, "") is None


def test_a_download_is_sent_to_s3_for_minutes_and_counted(get, session, release):
    file = parquet(release)
    path = f"/datasets/{name_of(release)}/resolve/main/{file['path']}"

    head, whole = get(path, "head"), get(path)
    part, same = get(path, Range="bytes=4-9"), get(path, **{"If-None-Match": head.headers["ETag"]})
    beyond = get(path, Range=f"bytes={file['size'] + 9}-")

    assert (head.status_code, head.headers["Content-Length"]) == (200, str(file["size"]))
    assert head.headers["ETag"] == f'"{file["sha256"]}"' == whole.headers["X-Linked-Etag"]
    assert (whole.status_code, part.status_code) == (302, 302)
    assert (same.status_code, beyond.status_code) == (304, 416)
    to = urlsplit(whole.headers["Location"])
    assert (to.netloc, to.path.endswith(file["path"])) == ("s3.example", True)
    assert parse_qs(to.query)["X-Amz-Expires"] == ["300"]
    assert "no-store" in whole.headers["Cache-Control"]
    assert whole.headers["X-Repo-Commit"] == release.commit
    [row] = session.exec(select(ReleaseDownload)).all()
    assert (row.times, row.bytes) == (1, file["size"] + 6)


def test_a_file_that_is_torn_there_is_not_handed_out(get, elsewhere, release):
    file = parquet(release)
    place = f"{elsewhere.root}/{release.project_id}/{release.commit}/{file['path']}"
    elsewhere.files.pipe_file(place, b"half")

    answer = get(f"/datasets/{name_of(release)}/resolve/main/{file['path']}")

    assert (answer.status_code, "Location" in answer.headers) == (503, False)


def test_with_no_copy_here_all_goes_on(app, session, desk, root, sign_in, elsewhere, release):
    """Comparison, the next build, previews and the signature read what is elsewhere."""
    with app.app_context():
        drop(root, release)
        add_validated(session, desk, 9)
        newer = build_release(app, session, desk, changelog="One more.")
        assert newer.facts["changes"]["added"] == 1
        add_validated(session, desk, 10)
        newest = build_release(app, session, desk, changelog="Two more.")
        drop(root, release)
        found = comparison.between(release, newest)
        assert found.rows["added"] == 2
        assert list((root / str(release.project_id)).iterdir()) == []
        signed = storage.beside(newest, signing.SIGNATURE)
        assert len(storage.local(root, signed, 64).read_bytes()) == 64
    owner = session.get_one(User, release.asked_by)
    page = sign_in(owner).get(f"/releases/{newest.id}/rows")
    assert (page.status_code, "Clause" in page.text) == (200, True)
    with app.app_context():
        # One file was fetched for the page, and no more.
        assert len(list((root / storage.SINGLE).rglob("*.parquet"))) == 1
        storage.drop_copies(root, unused_for=-60)
        assert list((root / storage.SINGLE).rglob("*.parquet")) == []


def test_a_copy_in_use_or_not_whole_elsewhere_stays(app, root, elsewhere, release):
    with app.app_context():
        assert storage.drop_copies(root, unused_for=3600) == 0
        elsewhere.remove(f"{release.project_id}/{release.commit}")
        storage.drop_copies(root, unused_for=-60)
        assert storage.is_whole(root, release)


def test_what_was_declined_is_gone_elsewhere_too(app, session, root, elsewhere, desk):
    release = make_release(session, desk, look_first=True)
    session.commit()
    run_jobs(app)
    session.refresh(release)
    kept = (release.project_id, release.commit)
    assert elsewhere.has(f"{kept[0]}/{kept[1]}")

    with app.app_context():
        assert jobs.clear_declined(*kept) == "still needed"
        release.version = release.commit = release.manifest = None
        release.state, release.trouble = "failed", "not_wanted"
        session.commit()
        assert jobs.clear_declined(*kept) == "deleted"
        assert jobs.clear_declined(*kept) == "deleted"  # again, after a crash

    assert elsewhere.size(f"{kept[0]}/{kept[1]}", "README.md") is None
    assert not (root / str(kept[0]) / kept[1]).exists()


def test_while_s3_is_silent_what_has_a_copy_here_is_sent_from_here(get, release, silence):
    file = parquet(release)
    silence()

    answer = get(f"/datasets/{name_of(release)}/resolve/main/{file['path']}")

    assert (answer.status_code, len(answer.data)) == (200, file["size"])


def test_without_a_copy_a_silent_s3_is_said_and_nothing_is_sent(get, app, root, release, silence):
    with app.app_context():
        drop(root, release)
    silence()

    answer = get(f"/datasets/{name_of(release)}/resolve/main/{parquet(release)['path']}")

    assert (answer.status_code, "does not answer" in answer.json["error"]) == (503, True)


def test_what_was_built_before_s3_was_named_is_sent_from_here(get, elsewhere, release):
    file = parquet(release)
    elsewhere.remove(f"{release.project_id}/{release.commit}")

    answer = get(f"/datasets/{name_of(release)}/resolve/main/{file['path']}")

    assert (answer.status_code, len(answer.data)) == (200, file["size"])


def test_the_operators_page_says_that_s3_is_silent(app, session, root, release, silence):
    with app.app_context():
        drop(root, release)
    silence()

    with app.test_request_context():
        [finding] = health.files(session)

    assert (finding.tone, "RELEASES_URL" in finding.words) == ("stop", True)


def test_what_was_declined_is_not_said_to_be_gone_from_a_silent_s3(app, silence):
    silence()

    with app.app_context(), pytest.raises(target.Unreachable):
        jobs.clear_declined(1, "0" * 40)


def test_a_place_that_falls_silent_while_it_is_listed_gives_no_half_release(
    app, root, elsewhere, release, monkeypatch
):
    listed = elsewhere.files.ls

    def silent(path, **how):
        if path.endswith("data"):
            raise OSError("no answer")
        return listed(path, **how)

    with app.app_context():
        drop(root, release)
        monkeypatch.setattr(elsewhere.files, "ls", silent)
        with pytest.raises(target.Unreachable):
            storage.folder(root, release)

    assert not (root / str(release.project_id) / release.commit).exists()


def test_sweeps_go_on_while_s3_is_silent(app, session, root, release, silence):
    with app.app_context():
        drop(root, release)
        session.delete(session.get_one(ReleaseStatistics, release.id))
        session.commit()
        silence()

        assert jobs.count_columns() == 1
        assert jobs.drop_copies() == 0
