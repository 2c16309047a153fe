"""The pages: an owner builds and names readers, an ML team finds, reads and downloads."""

import pytest
from sqlmodel import select

from core.models import AuditEvent
from releases import builds
from releases.models import Release, ReleaseGrant, State
from tests.factories.accounts import make_owner, make_user
from tests.factories.annotation import make_desk
from tests.factories.releases import (
    add_validated,
    build_release,
    make_grant,
    make_ml_team,
    make_release,
    make_work,
)

SENT = {"changelog": "First release.", "licence": "cc-by-4.0", "limits": "", "once": "k1"}


@pytest.fixture
def desk(session):
    found = make_work(session, tasks=6)
    session.commit()
    return found


@pytest.fixture
def release(app, session, desk):
    return build_release(app, session, desk)


@pytest.fixture
def team(session, desk):
    user, organisation = make_ml_team(session)
    make_grant(session, desk, organisation)
    session.commit()
    return user


def test_an_owner_builds_a_release(desk, session, sign_in, jobs):
    client = sign_in(desk.owner)
    page = client.get(f"/projects/{desk.project_id}/releases")
    assert "6 tasks have accepted answers" in page.text

    sent = client.post(f"/projects/{desk.project_id}/releases", data=SENT)
    assert sent.status_code == 302
    waiting = client.get(sent.location)
    assert "Being built" in waiting.text
    jobs()

    ready = client.get(sent.location)
    assert "1.0.0" in ready.text
    assert "Fixed for good" in ready.text


def test_a_double_click_is_one_release_even_when_the_first_is_done(desk, session, sign_in, jobs):
    client = sign_in(desk.owner)
    client.post(f"/projects/{desk.project_id}/releases", data=SENT)
    other = client.post(f"/projects/{desk.project_id}/releases", data=SENT | {"once": "k2"})
    assert "so yours was not begun" in client.get(other.location).text
    jobs()

    client.post(f"/projects/{desk.project_id}/releases", data=SENT)

    assert len(builds.of(session, desk.project_id)) == 1


def test_a_form_that_says_nothing_is_shown_again_with_what_was_typed(desk, sign_in):
    response = sign_in(desk.owner).post(
        f"/projects/{desk.project_id}/releases",
        data=SENT | {"changelog": "", "limits": "Kept words"},
    )

    assert response.status_code == 422
    assert "Say in a sentence what is new" in response.text
    assert "Kept words" in response.text


@pytest.mark.parametrize(
    ("name", "typed", "words"),
    [
        ("min_agreement", "500", "Write a number from 0 to 100."),
        ("min_level", "abc", "Write a number from 0 to 100."),
        ("min_answers", "-3", "Write a number from 1 to 20."),
    ],
)
def test_a_number_that_says_nothing_is_no_filter_that_is_silently_left_out(
    desk, session, sign_in, name, typed, words
):
    path = f"/projects/{desk.project_id}/releases/new"
    response = sign_in(desk.owner).post(path, data=SENT | {"build": "yes", name: typed})

    assert response.status_code == 422
    assert words in response.text
    assert f'value="{typed}"' in response.text
    assert builds.of(session, desk.project_id) == []


def test_a_project_without_accepted_answers_explains_itself(session, sign_in):
    desk = make_desk(session)
    session.commit()
    client = sign_in(desk.owner)

    page = client.get(f"/projects/{desk.project_id}/releases")
    assert "this project has none yet" in page.text
    assert client.post(f"/projects/{desk.project_id}/releases", data=SENT).status_code == 409


def test_a_release_shows_facts_origin_code_and_files(desk, release, sign_in):
    page = sign_in(desk.owner).get(f"/releases/{release.id}")

    for words in (
        release.title,
        "version 1.0.0",
        "2 experts, who passed an interview in the field: Law",
        "€4.20 an accepted answer",
        "€28.00 an hour, as observed",
        "CC BY 4.0",
        "pd.read_parquet(",
        f"/api/v1/releases/{release.id}/files/",
        "README.md",
        "Rows by label",
        "English only.",
    ):
        assert words in page.text, words


def test_changes_are_shown_since_the_release_before(app, session, desk, release, sign_in):
    second = build_release(app, session, desk, changelog="The same again.")

    client = sign_in(desk.owner)
    assert "Changes since 1.0.0" in client.get(f"/releases/{second.id}").text
    assert "Version 1.0.1 is newer" in client.get(f"/releases/{release.id}").text


def test_rows_are_shown_page_by_page(app, session, sign_in):
    desk = make_work(session, tasks=60)
    release = build_release(app, session, desk)
    client = sign_in(desk.owner)

    first = client.get(f"/releases/{release.id}/rows")
    second = client.get(f"/releases/{release.id}/rows?split=train&page=2")

    assert "you must keep this notice" in first.text
    assert "Page 2 of" in second.text
    assert client.get(f"/releases/{release.id}/rows?split=no&page=9999").status_code == 200


def test_what_stands_in_the_data_is_text_and_not_markup(app, session, sign_in):
    desk = make_work(session, tasks=0, title="<img src=x onerror=alert(1)>")
    add_validated(session, desk, 1, data={"text": "<script>alert(1)</script>"})
    release = build_release(app, session, desk)
    client = sign_in(desk.owner)

    for address in (f"/releases/{release.id}/rows", f"/releases/{release.id}", "/releases"):
        text = client.get(address).text
        assert "<script>alert" not in text
        assert "<img src=x" not in text


def test_a_reader_finds_opens_and_downloads(release, team, sign_in):
    client = sign_in(team)

    assert release.title in client.get("/releases").text
    page = client.get(f"/releases/{release.id}")
    assert page.status_code == 200
    assert "Versions and readers" not in page.text
    path = release.facts["files"][0]["path"]
    file = client.get(f"/releases/{release.id}/files/{path}", buffered=True)
    assert file.status_code == 200
    part = client.get(
        f"/releases/{release.id}/files/{path}", headers={"Range": "bytes=0-9"}, buffered=True
    )
    assert (part.status_code, part.data) == (206, file.data[:10])


def test_others_do_not_learn_that_it_exists(release, session, sign_in):
    strangers = [
        make_ml_team(session)[0],
        make_owner(session)[0],
        make_user(session, "expert"),
        make_user(session, "operator"),
    ]
    session.commit()
    path = release.facts["files"][0]["path"]

    for stranger in strangers:
        client = sign_in(stranger)
        for address in ("", "/rows", "/progress", f"/files/{path}"):
            assert client.get(f"/releases/{release.id}{address}").status_code in (403, 404)
    for stranger in strangers[:2]:
        assert release.title not in sign_in(stranger).get("/releases").text
        assert sign_in(stranger).get(f"/releases/{release.id}").status_code == 404


def test_nobody_gets_in_without_signing_in(release, client):
    for address in ("/releases", f"/releases/{release.id}", f"/releases/{release.id}/files/x"):
        assert client.get(address).status_code == 302


def test_an_unfinished_release_is_the_owners_alone(session, desk, team, sign_in):
    unfinished = make_release(session, desk)
    session.commit()

    assert "being built" in sign_in(desk.owner).get(f"/releases/{unfinished.id}").text
    assert sign_in(team).get(f"/releases/{unfinished.id}").status_code == 404
    assert sign_in(desk.owner).get(f"/releases/{unfinished.id}/progress").json == {
        "state": "building",
        "rows": 0,
        "waits": False,
    }


def test_a_failed_release_says_why(session, desk, sign_in):
    failed = make_release(session, desk)
    failed.state, failed.trouble, failed.ended_at = State.FAILED, builds.GAVE_UP, failed.asked_at
    session.add(failed)
    session.commit()
    client = sign_in(desk.owner)

    assert "It failed on our side, several times" in client.get(f"/releases/{failed.id}").text
    assert "Not built" in client.get(f"/projects/{desk.project_id}/releases").text


def test_only_the_owner_builds_and_names_readers(session, desk, team, sign_in):
    other, organisation = make_owner(session)
    session.commit()

    for stranger, status in ((other, 404), (team, 403)):
        client = sign_in(stranger)
        address = f"/projects/{desk.project_id}"
        assert client.get(f"{address}/releases").status_code == status
        assert client.post(f"{address}/releases", data=SENT).status_code == status
        named = {"slug": organisation.slug}
        assert client.post(f"{address}/readers", data=named).status_code == status
    assert session.exec(select(Release)).all() == []


def test_an_owner_names_a_reader_and_takes_it_back(session, desk, sign_in):
    _, organisation = make_ml_team(session)
    session.commit()
    client = sign_in(desk.owner)
    address = f"/projects/{desk.project_id}/readers"

    for _ in range(2):
        client.post(address, data={"slug": f" {organisation.slug.upper()} "})
    assert len(session.exec(select(ReleaseGrant)).all()) == 1
    assert organisation.name in client.get(f"/projects/{desk.project_id}/releases/readers").text

    for _ in range(2):
        reason = {f"e{organisation.id}-reason": "The contract is over."}
        client.post(f"{address}/{organisation.id}/remove", data=reason)
    session.expire_all()
    assert session.exec(select(ReleaseGrant)).all() == []
    actions = set(session.exec(select(AuditEvent.action)))
    assert {"release.granted", "release.grant_ended"} <= actions


@pytest.mark.parametrize("slug", ["no-such-organisation", ""])
def test_a_name_that_nobody_has_is_said_at_the_field(desk, sign_in, slug):
    response = sign_in(desk.owner).post(f"/projects/{desk.project_id}/readers", data={"slug": slug})

    assert response.status_code == 422
    assert "organisation" in response.text


def test_one_does_not_name_oneself(desk, sign_in):
    response = sign_in(desk.owner).post(
        f"/projects/{desk.project_id}/readers", data={"slug": desk.organisation.slug}
    )

    assert response.status_code == 422
    assert "without being named" in response.text


def test_the_catalogue_is_searched_by_words_of_title_and_owner(app, session, sign_in):
    desk = make_work(session, tasks=2, title="Contract clauses 100%")
    build_release(app, session, desk)
    client = sign_in(desk.owner)

    for words in ("contract", "CLAUSES contract", "100%", desk.organisation.name):
        assert "Contract clauses" in client.get("/releases", query_string={"q": words}).text
    for words in ("medicine", "contract medicine", "%_"):
        assert "No dataset fits this" in client.get("/releases", query_string={"q": words}).text


def test_the_catalogue_shows_the_newest_of_each_project(app, session, desk, release, sign_in):
    build_release(app, session, desk)

    page = sign_in(desk.owner).get("/releases")

    assert "1 dataset" in page.text
    assert "1.0.1" in page.text


def test_an_empty_catalogue_says_why_and_what_to_do(session, sign_in):
    user, _ = make_ml_team(session)
    owner, _ = make_owner(session)
    session.commit()

    assert "No release to read yet" in sign_in(user).get("/releases").text
    assert "Your projects" in sign_in(owner).get("/releases").text


def test_the_pages_speak_french(desk, release, session, sign_in):
    desk.owner.locale = "fr"
    session.add(desk.owner)
    session.commit()
    client = sign_in(desk.owner)

    assert "Versions publiées de" in client.get(f"/projects/{desk.project_id}/releases").text
    page = client.get(f"/releases/{release.id}").text
    assert "D’où viennent les étiquettes" in page
    assert "4,20\N{NO-BREAK SPACE}€" in page.replace(
        "\N{NARROW NO-BREAK SPACE}", "\N{NO-BREAK SPACE}"
    )
