"""The API: only with a token, only what its organisation may read, files whole and in part."""

import hashlib
from datetime import timedelta

import pytest
from jsonschema import Draft202012Validator

from accounts import tokens
from core.clock import now
from releases import grants, requests
from releases.catalogue_models import ReleaseRequest
from releases.models import Visibility
from tests.factories.catalogue import make_series
from tests.factories.releases import (
    build_release,
    make_ml_team,
    make_release,
)
from tests.factories.tokens import make_token

PROBLEM = "application/problem+json"


def token_of(session, user, organisation, **changes):
    token, secret = make_token(session, user, organisation, **changes)
    session.commit()
    return token, secret


@pytest.fixture
def get(client, session, team):
    _, secret = token_of(session, *team)

    def get(path, **headers):
        bearer = {"Authorization": f"Bearer {secret}"}
        return client.get(
            f"/api/v1{path}", headers=bearer | headers, buffered=True, follow_redirects=True
        )

    return get


def first_file(release):
    return next(one for one in release.facts["files"] if one["path"].endswith(".parquet"))


def test_me_says_whom_the_token_speaks_for(get, team):
    said = get("/me").json

    assert said["kind"] == "organisation"
    assert (said["name"], said["organisation"]) == (team[1].name, team[1].slug)
    assert said["scopes"] == ["releases:read"]


def test_a_personal_token_reads_what_the_persons_organisations_may(client, session, team, release):
    _, secret = make_token(session, team[0], scopes=["releases:read"])
    session.commit()

    answer = client.get("/api/v1/releases", headers={"Authorization": f"Bearer {secret}"})

    assert [one["id"] for one in answer.json["data"]] == [release.id]


def test_a_release_is_listed_with_its_facts(get, release, desk):
    [found] = get("/releases").json["data"]

    assert found["id"] == release.id
    assert found["name"] == f"{desk.organisation.slug}/{release.facts['name']}"
    assert (found["version"], found["rows"], found["licence"]) == ("1.0.0", 6, "cc-by-4.0")


def test_a_release_has_its_files_and_its_manifest(get, release):
    found = get(f"/releases/{release.id}").json

    assert found["manifest"] == release.facts
    assert [file["path"] for file in found["files"]] == [
        file["path"] for file in release.facts["files"]
    ]


def test_a_file_comes_with_its_hash_as_etag(get, release):
    file = first_file(release)

    response = get(f"/releases/{release.id}/files/{file['path']}")

    assert response.status_code == 200
    assert hashlib.sha256(response.data).hexdigest() == file["sha256"]
    assert response.headers["ETag"] == f'"{file["sha256"]}"'
    assert response.headers["Accept-Ranges"] == "bytes"
    assert response.headers["Cache-Control"] == "private, no-cache"
    assert "attachment" in response.headers["Content-Disposition"]


def test_every_listed_file_and_the_sums_can_be_loaded(get, release):
    sums = get(f"/releases/{release.id}/files/SHA256SUMS").text
    for line in sums.splitlines():
        digest, path = line.split("  ")
        assert (
            hashlib.sha256(get(f"/releases/{release.id}/files/{path}").data).hexdigest() == digest
        )


@pytest.mark.parametrize(
    ("wanted", "part"),
    [("bytes=0-3", slice(0, 4)), ("bytes=10-", slice(10, None)), ("bytes=-5", slice(-5, None))],
)
def test_a_part_of_a_file_can_be_loaded(get, release, wanted, part):
    path = f"/releases/{release.id}/files/{first_file(release)['path']}"
    whole = get(path).data

    response = get(path, Range=wanted)

    assert response.status_code == 206
    assert response.data == whole[part]
    assert response.headers["Content-Range"].endswith(f"/{len(whole)}")


def test_a_download_goes_on_only_if_the_file_is_the_same(get, release):
    path = f"/releases/{release.id}/files/{first_file(release)['path']}"
    etag = get(path).headers["ETag"]

    assert get(path, Range="bytes=5-", **{"If-Range": etag}).status_code == 206
    assert get(path, Range="bytes=5-", **{"If-Range": '"other"'}).status_code == 200


def test_a_part_beyond_the_end_is_refused(get, release):
    file = first_file(release)

    response = get(f"/releases/{release.id}/files/{file['path']}", Range="bytes=99999999-")

    assert response.status_code == 416
    assert response.content_type == PROBLEM


def test_an_unchanged_file_is_not_sent_again(get, release):
    path = f"/releases/{release.id}/files/{first_file(release)['path']}"
    etag = get(path).headers["ETag"]

    response = get(path, **{"If-None-Match": etag})

    assert response.status_code == 304
    assert response.data == b""


@pytest.mark.parametrize(
    "path",
    [
        "nothing.parquet",
        "../../../../etc/passwd",
        "%2e%2e/%2e%2e/manifest.json",
        "data",
        "data/../README.md",
        "%2fetc/passwd",
        "README.md%00",
        "rows.spool",
    ],
)
def test_only_files_of_the_manifest_exist(get, release, path):
    response = get(f"/releases/{release.id}/files/{path}")

    assert response.status_code == 404
    assert response.content_type == PROBLEM


@pytest.mark.parametrize(
    ("header", "words"),
    [
        ({}, "Send a token"),
        ({"Authorization": "Basic abc"}, "Send a token"),
        ({"Authorization": "Bearer "}, "Send a token"),
        ({"Authorization": "Bearer dy_wrong"}, "Invalid credentials in Authorization header"),
    ],
)
def test_without_a_good_token_nothing_is_said(client, release, header, words):
    for path in ("/releases", f"/releases/{release.id}", "/me"):
        response = client.get(f"/api/v1{path}", headers=header)

        assert response.status_code == 401
        assert response.content_type == PROBLEM
        assert words in response.json["detail"]


def test_a_token_that_has_ended_is_refused(client, session, team, release):
    _, expired = token_of(session, *team, at=now() - timedelta(days=31))
    token, revoked = token_of(session, *team)
    tokens.revoke(session, token, by=None, at=now())
    session.commit()

    for secret in (expired, revoked):
        response = client.get(
            f"/api/v1/releases/{release.id}", headers={"Authorization": f"Bearer {secret}"}
        )
        assert response.status_code == 401


def test_a_token_without_the_scope_is_refused(client, session, team):
    _, secret = token_of(session, *team, scopes=[])

    response = client.get("/api/v1/releases", headers={"Authorization": f"Bearer {secret}"})

    assert response.status_code == 403
    assert "releases:read" in response.json["detail"]


def test_what_another_organisation_may_read_does_not_exist(client, session, release):
    _, secret = token_of(session, *make_ml_team(session))
    bearer = {"Authorization": f"Bearer {secret}"}
    file = first_file(release)["path"]

    assert client.get("/api/v1/releases", headers=bearer).json["data"] == []
    for path in (f"/releases/{release.id}", f"/releases/{release.id}/files/{file}"):
        response = client.get(f"/api/v1{path}", headers=bearer)
        assert (response.status_code, response.content_type) == (404, PROBLEM)


def test_a_grant_that_is_taken_back_ends_at_once(get, session, desk, release, team):
    assert get(f"/releases/{release.id}").status_code == 200
    with pytest.raises(grants.ReasonNeeded):
        grants.take_back(session, desk.project, team[1].id, by=desk.owner, reason=" ")

    grants.take_back(session, desk.project, team[1].id, by=desk.owner, reason="Over.")
    session.commit()

    assert get(f"/releases/{release.id}").status_code == 404


def test_the_owners_own_token_reads_too(client, session, desk, release):
    _, secret = token_of(session, desk.owner, desk.organisation)

    response = client.get(
        f"/api/v1/releases/{release.id}", headers={"Authorization": f"Bearer {secret}"}
    )

    assert response.status_code == 200


def test_a_release_that_is_not_ready_does_not_exist(get, session, desk, release):
    unfinished = make_release(session, desk)
    session.commit()

    assert get(f"/releases/{unfinished.id}").status_code == 404
    assert len(get("/releases").json["data"]) == 1


def test_a_long_list_is_read_page_by_page(get, app, session, desk, release):
    for number in range(4):
        build_release(app, session, desk, changelog=f"{number}")

    seen, cursor = [], ""
    for _ in range(3):
        answer = get(f"/releases?limit=2{cursor}").json
        seen += [one["version"] for one in answer["data"]]
        cursor = f"&cursor={answer['next_cursor']}"

    assert seen == ["1.0.4", "1.0.3", "1.0.2", "1.0.1", "1.0.0"]
    assert answer["next_cursor"] is None


def test_a_list_can_be_of_one_project(get, desk, release):
    assert len(get(f"/releases?project={desk.project_id}").json["data"]) == 1
    assert get("/releases?project=999999").json["data"] == []


BAD_QUERIES = ["limit=0", "limit=abc", "limit=201", "cursor=%ff", "cursor=abc", "project=x"]


@pytest.mark.parametrize("query", [*BAD_QUERIES, f"project={10**30}"])
def test_what_cannot_be_read_is_answered_as_a_problem(get, query):
    response = get(f"/releases?{query}")

    assert response.status_code == 422
    assert response.content_type == PROBLEM


def test_a_number_beyond_all_is_not_there(get):
    assert get("/releases/99999999999999999999").status_code == 404


def test_the_description_is_openapi_and_names_each_address(client, app):
    spec = client.get("/api/v1/openapi.json").json

    assert spec["openapi"].startswith("3.1")
    scheme = spec["components"]["securitySchemes"]["token"]
    assert (scheme["type"], scheme["scheme"]) == ("http", "bearer")
    assert set(spec["paths"]) >= {
        "/api/v1/me",
        "/api/v1/releases",
        "/api/v1/releases/{release_id}",
        "/api/v1/releases/{release_id}/files/{path}",
    }
    for schema in spec["components"]["schemas"].values():
        Draft202012Validator.check_schema(schema)


def test_an_answer_fits_its_description(client, get, release):
    spec = client.get("/api/v1/openapi.json").json

    schema = {"$ref": "#/components/schemas/ReleaseDetails", "components": spec["components"]}
    answer = get(f"/releases/{release.id}").json
    assert list(Draft202012Validator(schema).iter_errors(answer)) == []


@pytest.fixture
def asker(client, session, desk, release):
    """A program of somebody in a team that may not read a listed dataset."""
    make_series(session, desk)
    user, organisation = make_ml_team(session)
    scopes = ["releases:read", "requests:read", "requests:write"]
    _, secret = token_of(session, user, None, scopes=scopes)

    def ask(method, path, key=None, **sent):
        headers = {"Authorization": f"Bearer {secret}"} | ({"Idempotency-Key": key} if key else {})
        body = {"json": sent} if sent else {}
        return client.open(f"/api/v1{path}", method=method, headers=headers, **body)

    ask.user, ask.organisation = user, organisation
    return ask


def test_a_team_finds_asks_and_withdraws_by_the_api(session, desk, release, team, asker, client):
    [found] = asker("GET", "/datasets?q=licences").json["data"]
    assert (found["may_read"], found["is_asked"], found["id"]) == (False, False, desk.project_id)
    assert asker("GET", "/datasets?q=nothing-like-it").json["data"] == []
    address = f"/datasets/{found['id']}/requests"
    sent = {"use": "training", "purpose": " A model. ", "licence": found["licence"]}

    wrong = asker("POST", address, **sent | {"licence": "other"})
    assert (wrong.status_code, "cc-by-4.0" in wrong.json["detail"]) == (422, True)
    for refused in ({"purpose": "  "}, {"organisation": team[1].slug}):
        assert asker("POST", address, **sent | refused).status_code == 422
    first, again = (asker("POST", address, "one-key", **sent) for _ in range(2))
    other = asker("POST", address, "other-key", **sent)

    assert (first.status_code, again.status_code, other.status_code) == (201, 201, 200)
    assert again.headers["Idempotency-Replayed"] == "true"
    assert first.json == again.json == other.json
    assert (first.json["purpose"], first.json["state"]) == ("A model.", "open")
    assert first.headers["Location"].endswith(f"/access-requests/{first.json['id']}")
    assert asker("GET", f"/datasets/{found['id']}").json["is_asked"] is True
    assert asker("GET", "/access-requests?state=open").json["data"] == [first.json]
    own = f"/access-requests/{first.json['id']}"
    _, stranger = token_of(session, team[0], None, scopes=["requests:read", "requests:write"])
    for method in ("GET", "DELETE"):
        bearer = {"Authorization": f"Bearer {stranger}"}
        assert client.open(f"/api/v1{own}", method=method, headers=bearer).status_code == 404
    assert [asker("DELETE", own).status_code for _ in range(2)] == [204, 204]
    assert asker("GET", own).json["state"] == "withdrawn"
    assert asker("GET", "/access-requests?state=open").json["data"] == []


def test_what_cannot_be_asked_for_is_refused_in_words(session, desk, release, team, asker, client):
    sent = {"use": "research", "purpose": "A study.", "licence": "cc-by-4.0"}
    address = f"/datasets/{desk.project_id}/requests"
    made = asker("POST", address, **sent).json
    request = session.get_one(ReleaseRequest, made["id"])
    requests.let_in(session, request, grants.ALL, by=desk.owner, at=now())
    session.commit()

    assert asker("POST", address, **sent).status_code == 409  # it reads already
    assert asker("DELETE", f"/access-requests/{made['id']}").status_code == 409
    assert asker("GET", f"/datasets/{desk.project_id}").json["may_read"] is True
    requests.take_back(
        session, desk.project, asker.organisation.id, "Over.", by=desk.owner, at=now()
    )
    make_series(session, desk, visibility=Visibility.PRIVATE)
    session.commit()
    assert asker("POST", address, **sent).status_code == 404
    assert asker("GET", "/datasets").json["data"] == []
    kept = asker("GET", f"/access-requests/{made['id']}").json
    assert (kept["state"], kept["reason"]) == ("ended", "Over.")
    with pytest.raises(tokens.ScopeUnfit):  # somebody has to accept a licence
        make_token(session, *team, scopes=["requests:write"])


def test_an_owner_grants_and_refuses_by_the_api(session, desk, release, asker, client, team):
    sent = {"use": "training", "purpose": "A model.", "licence": "cc-by-4.0"}
    made = asker("POST", f"/datasets/{desk.project_id}/requests", **sent).json
    scopes = ["requests:read", "requests:answer"]
    _, owners = token_of(session, desk.owner, None, scopes=scopes)
    _, strangers = token_of(session, team[0], None, scopes=scopes)

    def ask(method, path, secret=owners, key=None, **body):
        headers = {"Authorization": f"Bearer {secret}"} | ({"Idempotency-Key": key} if key else {})
        sent = {"json": body} if method == "POST" else {}
        return client.open(
            f"/api/v1/received-requests{path}", method=method, headers=headers, **sent
        )

    own = f"/{made['id']}"
    [listed] = ask("GET", "?state=open").json["data"]
    assert listed == ask("GET", own).json
    assert (listed["organisation_name"], listed["may_read"]) == (asker.organisation.name, False)
    assert asker.user.email not in str(listed)
    assert ask("GET", "", strangers).json["data"] == []
    for way, body in (("/grant", {}), ("/refuse", {"reason": "No."})):
        assert ask("POST", own + way, strangers, **body).status_code == 404
        assert asker("POST", f"/received-requests{own}{way}", **body).status_code == 403
    wrong = (
        {"until": "2020-01-01"},
        {"until": "9999-12-31"},
        {"versions": ["9.9.9"]},
        {"versions": []},
        {"for": "ever"},
    )
    assert {ask("POST", own + "/grant", **one).status_code for one in wrong} == {422}
    assert ask("POST", own + "/refuse", reason="  ").status_code == 422

    version = str(release.version)
    terms = {"until": f"{now().date() + timedelta(days=9)}", "versions": [version]}
    first, again = (ask("POST", own + "/grant", key="one-key", **terms) for _ in range(2))

    assert (first.status_code, first.json["state"], first.json["may_read"]) == (
        200,
        "granted",
        True,
    )
    assert again.headers["Idempotency-Replayed"] == "true"
    assert ask("POST", own + "/grant").json == first.json == again.json
    assert first.json["until"].startswith(f"{now().date() + timedelta(days=10)}T00:00:00")
    assert first.json["versions"] == [version]
    assert asker("GET", f"/releases/{release.id}").status_code == 200
    assert ask("POST", own + "/refuse", reason="Too late.").status_code == 409
    requests.take_back(
        session, desk.project, asker.organisation.id, "Over.", by=desk.owner, at=now()
    )
    session.commit()
    more = asker("POST", f"/datasets/{desk.project_id}/requests", **sent).json
    refused = ask("POST", f"/{more['id']}/refuse", reason=" Not for sale. ").json
    assert (refused["state"], refused["reason"], refused["may_read"]) == (
        "refused",
        "Not for sale.",
        False,
    )
    assert asker("GET", f"/access-requests/{more['id']}").json["reason"] == "Not for sale."
    with pytest.raises(tokens.ScopeUnfit):  # somebody answers, not an organisation
        make_token(session, desk.owner, desk.organisation, scopes=["requests:answer"])
