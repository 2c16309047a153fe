"""Owners see pseudonyms; name and profile only of those who joined and agree, while they agree."""

import pytest
from sqlmodel import select

from accounts.models import Purpose, User
from annotation.models import State as WorkState
from core.models import Letter
from tests.factories.accounts import make_user
from tests.factories.annotation import make_assignment, make_desk
from tests.factories.consents import make_consent
from tests.factories.experts import make_expert, make_licence
from tests.factories.projects import make_invitation

PRIVATE = ("zzname", "zzheadline", "zzabout", "zzlicence", "Portugal")


@pytest.fixture
def desk(session):
    made = make_desk(session)
    named(session, made.experts[0])
    session.commit()
    return made


def person(session, expert):
    return session.get_one(User, expert.user_id)


def named(session, expert):
    person(session, expert).name = "zzname of a person"
    expert.headline, expert.about, expert.country = "zzheadline", "zzabout", "PT"
    make_licence(session, expert, title="zzlicence", number="zznumber")
    session.add(expert)


def owner_pages(desk):
    project = desk.project.id
    return [
        f"/projects/{project}",
        f"/projects/{project}/experts",
        "/experts",
        f"/projects/{project}/progress",
        f"/projects/{project}/review",
        f"/projects/{project}/releases",
        f"/projects/{project}/budget",
        f"/projects/{project}/budget.csv",
        f"/projects/{project}/tasks",
        "/appeals",
    ]


def shown(client, desk):
    answers = {path: client.get(path) for path in owner_pages(desk)}
    return {path: answer.text for path, answer in answers.items() if answer.status_code == 200}


def test_without_consent_no_page_of_an_owner_says_who_it_is(session, desk, sign_in):
    make_assignment(session, desk.project, expert=desk.experts[0], state=WorkState.SUBMITTED)
    session.commit()
    pages = shown(sign_in(desk.owner), desk)

    assert len(pages) >= 6
    for path, text in pages.items():
        assert not [words for words in PRIVATE if words in text], path
    assert desk.experts[0].pseudonym in pages[f"/projects/{desk.project.id}/experts"]
    assert not [
        letter
        for letter in session.exec(select(Letter).where(Letter.user_id == desk.owner.id))
        if "zzname" in letter.body
    ]


def test_with_consent_the_experts_page_shows_name_and_profile(session, desk, sign_in):
    make_consent(session, person(session, desk.experts[0]), Purpose.SHARE_PROFILE)
    session.commit()

    page = sign_in(desk.owner).get(f"/projects/{desk.project.id}/experts").text

    assert all(words in page for words in PRIVATE)
    assert "zznumber" not in page
    assert desk.experts[0].pseudonym in page


def test_withdrawing_hides_at_once_and_says_so_before(session, desk, sign_in):
    expert = person(session, desk.experts[0])
    make_consent(session, expert, Purpose.SHARE_PROFILE)
    session.commit()
    mine, owner = sign_in(expert), sign_in(desk.owner)
    where = f"/projects/{desk.project.id}/experts"
    assert "zzname" in owner.get(where).text

    said = mine.get("/account/consents/share_profile/withdraw").text
    assert f"1 project sees Expert {desk.experts[0].pseudonym} instead of your name" in said
    assert "zzname" in sign_in(desk.owner).get(where).text

    sign_in(expert).post("/account/consents/share_profile/withdraw")

    page = sign_in(desk.owner).get(where).text
    assert not [words for words in PRIVATE if words in page]


@pytest.mark.parametrize("state", ["offered", "declined"])
def test_who_has_not_joined_shares_nothing(session, desk, sign_in, state):
    expert = make_expert(session, make_user(session, "expert"))
    person(session, expert).name = "zzother"
    expert.headline = "zzotherline"
    make_consent(session, person(session, expert), Purpose.SHARE_PROFILE)
    make_invitation(session, desk.project, expert, state=state)
    session.commit()

    page = sign_in(desk.owner).get(f"/projects/{desk.project.id}/experts").text

    assert expert.pseudonym in page
    assert "zzother" not in page


def test_another_organisation_sees_nothing(session, desk, sign_in):
    expert = desk.experts[0]
    make_consent(session, person(session, expert), Purpose.SHARE_PROFILE)
    other = make_desk(session)
    make_invitation(session, other.project, expert)
    session.commit()
    client = sign_in(other.owner)

    assert client.get(f"/projects/{desk.project.id}/experts").status_code in (403, 404)
    for text in shown(client, other).values():
        assert "zzname" not in text


def test_the_other_purpose_shares_no_profile(session, desk, sign_in):
    make_consent(session, person(session, desk.experts[0]), Purpose.NAME_IN_PROVENANCE)
    session.commit()

    assert "zzname" not in sign_in(desk.owner).get(f"/projects/{desk.project.id}/experts").text
