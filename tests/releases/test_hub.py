"""The Hub's protocol: statuses, headers and words as its clients read them, and nothing else."""

import hashlib
from datetime import timedelta

import pytest
from sqlmodel import select

from accounts import tokens
from core.clock import now
from releases import downloads, grants, hub
from releases.delivery_models import ReleaseDownload
from tests.factories.releases import (
    add_validated,
    build_release,
    make_grant,
    make_ml_team,
    make_work,
)
from tests.factories.tokens import make_token


@pytest.fixture
def secret(session, team):
    _, secret = make_token(session, *team)
    session.commit()
    return secret


@pytest.fixture
def get(client, secret):
    def get(path, method="get", token=secret, **more):
        headers = {"Authorization": f"Bearer {token}"} | more.pop("headers", {})
        return getattr(client, method)(path, headers=headers, buffered=True, **more)

    return get


def name_of(release):
    return f"{release.facts['organisation']['slug']}/{release.facts['name']}"


def parquet(release):
    return next(one for one in release.facts["files"] if one["path"].endswith(".parquet"))


def test_a_file_says_its_commit_its_hash_and_its_size(get, release):
    file = parquet(release)
    path = f"/datasets/{name_of(release)}/resolve/main/{file['path']}"

    head, whole, part = (
        get(path, "head"),
        get(path),
        get(path, headers={"Range": "bytes=4-9"}),
    )

    for answer in (head, whole, part):
        assert answer.headers["X-Repo-Commit"] == release.commit
        assert answer.headers["ETag"] == f'"{file["sha256"]}"'
        assert answer.headers["X-Linked-Size"] == str(file["size"])
        assert answer.headers["Accept-Ranges"] == "bytes"
        assert "X-Xet-Hash" not in answer.headers
    assert head.headers["Content-Length"] == str(file["size"])
    assert hashlib.sha256(whole.data).hexdigest() == file["sha256"]
    assert (part.status_code, part.data) == (206, whole.data[4:10])


@pytest.mark.parametrize("revision", ["main", "v1.0.0", "1.0.0", None])
def test_a_revision_is_a_branch_a_tag_or_a_commit(get, release, revision):
    said = get(f"/api/datasets/{name_of(release)}/revision/{revision or release.commit}").json

    assert said["sha"] == release.commit
    assert said["private"] is True
    assert {"rfilename", "size"} == set(said["siblings"][0])
    assert "license:cc-by-4.0" in said["tags"]


def test_main_is_the_newest_and_older_commits_stay(app, get, session, desk, release):
    add_validated(session, desk, 9)
    newer = build_release(app, session, desk, changelog="One more.")
    name = name_of(release)

    refs = get(f"/api/datasets/{name}/refs").json
    commits = get(f"/api/datasets/{name}/commits/main").json
    old = get(f"/datasets/{name}/resolve/v{release.version}/README.md", "head")

    assert refs["branches"][0]["targetCommit"] == newer.commit
    assert [one["name"] for one in refs["tags"]] == [f"v{newer.version}", f"v{release.version}"]
    assert [one["id"] for one in commits] == [newer.commit, release.commit]
    assert old.headers["X-Repo-Commit"] == release.commit


def test_a_tree_lists_a_folder_or_all_below_it(get, release):
    base = f"/api/datasets/{name_of(release)}/tree/main"

    top = {one["path"]: one for one in get(base).json}
    whole = [one["path"] for one in get(f"{base}?recursive=true").json]
    data = get(f"{base}/data?recursive=false&expand=false").json

    assert top["data"]["type"] == "directory"
    assert {"README.md", "SHA256SUMS", "manifest.json", "manifest.json.sig"} <= set(top)
    assert parquet(release)["path"] in whole
    assert data[0]["lfs"]["oid"] == parquet(release)["sha256"] or len(data) > 1
    assert all("xetHash" not in one for one in data)


def test_a_long_tree_comes_in_pages(get, release, monkeypatch):
    monkeypatch.setattr("releases.hub.PER_PAGE", 2)
    found, path = [], f"/api/datasets/{name_of(release)}/tree/main?recursive=true"
    while path:
        answer = get(path)
        found += [one["path"] for one in answer.json]
        link = answer.headers.get("Link", "")
        path = link.partition("<")[2].partition(">")[0].partition("://")[2].partition("/")[2]
        path = path and f"/{path}"

    assert len(found) == len(set(found)) > len(release.facts["files"])


def test_paths_are_looked_up_as_a_form(get, release):
    answer = get(
        f"/api/datasets/{name_of(release)}/paths-info/main",
        "post",
        data={"paths": ["README.md", "data", "nowhere"], "expand": "False"},
    )

    assert [(one["path"], one["type"]) for one in answer.json] == [
        ("README.md", "file"),
        ("data", "directory"),
    ]


def test_without_a_token_it_is_not_there(client, release):
    for path in (
        f"/api/datasets/{name_of(release)}",
        f"/datasets/{name_of(release)}/resolve/main/README.md",
        "/api/datasets/no/body",
    ):
        answer = client.get(path)
        assert (answer.status_code, answer.headers["X-Error-Code"]) == (401, "RepoNotFound")
        assert answer.json == {"error": "Repository not found"}


def test_a_wrong_token_is_told_so_in_the_words_that_clients_know(get, release):
    answer = get(
        f"/api/datasets/{name_of(release)}",
        token="dy_wrong",
        headers={"Accept-Language": "fr"},
    )

    assert answer.status_code == 401
    assert answer.headers["X-Error-Message"] == "Invalid credentials in Authorization header"
    assert "X-Error-Code" not in answer.headers


def test_a_token_of_another_organisation_finds_nothing(get, session, release):
    _, other = make_token(session, *make_ml_team(session, name="Eve"))
    session.commit()

    answer = get(f"/datasets/{name_of(release)}/resolve/main/README.md", token=other)

    assert (answer.status_code, answer.headers["X-Error-Code"]) == (404, "RepoNotFound")
    assert get("/api/datasets", token=other).json == []


def test_a_token_without_the_scope_is_told_which_it_lacks(get, session, team, release):
    _, other = make_token(session, *team, scopes=["tokens:read"])
    session.commit()

    answer = get(f"/api/datasets/{name_of(release)}", token=other)

    assert answer.status_code == 403
    assert "releases:read" in answer.headers["X-Error-Message"]


def test_access_that_ends_ends_for_the_hub_too(get, session, desk, team, release):
    path = f"/api/datasets/{name_of(release)}/auth-check"
    assert get(path).status_code == 200

    grants.take_back(session, desk.project, team[1].id, by=desk.owner, reason="Over.")
    session.commit()

    assert get(path).headers["X-Error-Code"] == "RepoNotFound"


def test_a_token_that_was_ended_opens_nothing(get, session, team, release):
    token, secret = make_token(session, *team)
    tokens.revoke(session, token, by=None, at=now() - timedelta(seconds=1))
    session.commit()

    assert get(f"/api/datasets/{name_of(release)}", token=secret).status_code == 401


def test_a_revision_that_is_not_there(get, release):
    answer = get(f"/api/datasets/{name_of(release)}/revision/v9.9.9")

    assert (answer.status_code, answer.headers["X-Error-Code"]) == (404, "RevisionNotFound")


@pytest.mark.parametrize(
    "path",
    [
        "demo.py",
        ".huggingface.yaml",
        "dataset_infos.json",
        "../../../etc/passwd",
        "%2e%2e/%2e%2e/secret",
        "data/../manifest.json",
        "/etc/passwd",
        "data",
        "data/%00.parquet",
        "..\\manifest.json",
        "DATA/",
    ],
)
def test_what_is_not_listed_is_not_there_and_its_absence_has_a_commit(get, release, path):
    answer = get(f"/datasets/{name_of(release)}/resolve/main/{path}", "get", follow_redirects=True)

    assert answer.status_code == 404
    assert answer.headers.get("X-Error-Code", "EntryNotFound") == "EntryNotFound"
    if "X-Error-Code" in answer.headers:
        assert answer.headers["X-Repo-Commit"] == release.commit


def test_the_token_says_whom_it_speaks_for(get, team):
    said = get("/api/whoami-v2").json

    assert said["orgs"][0]["name"] == team[1].slug
    assert said["auth"]["accessToken"]["role"] == "read"


def test_croissant_is_served_with_its_media_type(get, release):
    answer = get(f"/api/datasets/{name_of(release)}/croissant")

    assert answer.content_type.startswith("application/ld+json")
    assert answer.json["version"] == release.version
    assert release.commit in answer.json["distribution"][0]["contentUrl"]


def test_loads_are_counted_by_reader_and_day(get, session, release):
    file = parquet(release)["path"]
    path = f"/datasets/{name_of(release)}/resolve/main/{file}"
    get(path, "head")
    get(path)
    get(path, headers={"Range": "bytes=0-3"})
    get(path, headers={"Range": "bytes=4-"})
    get(path, headers={"If-None-Match": f'"{parquet(release)["sha256"]}"'})

    [row] = session.exec(select(ReleaseDownload)).all()
    assert (row.way, row.path, row.times) == ("hub", file, 2)
    assert row.bytes == 2 * parquet(release)["size"]
    for one in release.facts["files"]:
        if one["path"].startswith("data/") and one["path"] != file:
            get(f"/datasets/{name_of(release)}/resolve/main/{one['path']}")
    usage = downloads.usage(session, [release.project_id])[release.project_id]
    assert get(f"/api/datasets/{name_of(release)}").json["downloads"] == usage.loads > 0
    [listed] = get("/api/datasets").json
    assert listed["downloads"] == usage.loads


def test_an_owners_datasets_are_found_behind_those_of_others(
    app, get, session, team, release, monkeypatch
):
    other = make_work(session, tasks=3)
    make_grant(session, other, team[1])
    newer = build_release(app, session, other)
    monkeypatch.setattr(hub, "PER_PAGE", 1)
    owner = name_of(release).partition("/")[0]

    assert [one["id"] for one in get("/api/datasets").json] == [name_of(newer)]
    found = get("/api/datasets", query_string={"author": owner}).json
    assert [one["id"] for one in found] == [name_of(release)]
    assert get("/api/datasets", query_string={"author": "\0"}).json == []
