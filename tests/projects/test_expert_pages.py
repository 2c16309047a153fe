"""The expert's pages: all terms before an answer, and an answer that is theirs alone."""

import re

import pytest
from sqlmodel import select

from accounts.models import User
from core.clock import now
from core.models import Letter
from projects import invitations, letters
from projects.models import Answer, Invitation
from tests.factories.accounts import make_owner, make_user
from tests.factories.experts import make_expert, make_skill
from tests.factories.projects import make_invitation, make_project


@pytest.fixture
def user(session):
    return make_user(session, "expert")


@pytest.fixture
def invitation(session, user):
    project = make_project(session, state="open", funded=50_000)
    return make_invitation(session, project, make_expert(session, user))


@pytest.fixture
def client(user, sign_in):
    return sign_in(user)


def state_of(session, invitation):
    session.expire_all()
    return session.get(Invitation, invitation.id).state


def test_without_an_invitation_the_page_says_what_to_do(client):
    page = client.get("/invitations").text

    assert "No invitation yet" in page
    assert "/profile" in page


def test_all_terms_and_reasons_stand_before_the_answer(client, invitation):
    page = client.get(f"/invitations/{invitation.id}").text

    for words in (
        "€4.20 for each accepted task. No fee is taken from it.",
        "That is about €28/h.",
        "40 tasks in all, 2 experts work on each",
        "2 h after you start it",
        "If the owner says nothing, your work is accepted",
        "14 days to contest it",
        "pays for 103 more answers",
        "1. Choose the clause",
        "Choose one:",
        "gave you 78 of 100",
        "An interview passed in law",
        "Yes, I take part",
        "No, thank you",
    ):
        assert words in page


def test_yes_is_yes_however_often(session, client, invitation):
    for _click in range(2):
        response = client.post(f"/invitations/{invitation.id}/accept")
        assert response.location == f"/invitations/{invitation.id}"

    assert state_of(session, invitation) is Answer.ACCEPTED
    assert "You take part" in client.get(f"/invitations/{invitation.id}").text


def test_no_needs_no_reason(session, client, invitation):
    for _click in range(2):
        assert client.post(f"/invitations/{invitation.id}/decline").location == "/invitations"

    assert state_of(session, invitation) is Answer.DECLINED
    assert "You may change your mind" in client.get(f"/invitations/{invitation.id}").text


def test_a_reason_reaches_the_owner(session, client, invitation, sign_in):
    client.post(f"/invitations/{invitation.id}/decline", data={"words": "Too <little> time."})

    project = invitations.of_expert(session, invitation.expert_id)[0].project_id
    owner = session.get(User, session.get(type(make_project(session)), project).created_by)
    assert "Too &lt;little&gt; time." in sign_in(owner).get(f"/projects/{project}/experts").text


def test_a_reason_that_is_too_long_is_kept(client, invitation):
    page = client.post(f"/invitations/{invitation.id}/decline", data={"words": "x" * 1001})

    assert page.status_code == 422
    assert "x" * 1001 in page.text


@pytest.mark.parametrize("act", ["get", "accept", "decline"])
def test_anothers_invitation_is_not_there(session, sign_in, invitation, act):
    stranger = sign_in(make_user(session, "expert"))
    where = f"/invitations/{invitation.id}"

    response = stranger.get(where) if act == "get" else stranger.post(f"{where}/{act}")

    assert response.status_code == 404
    assert state_of(session, invitation) is Answer.OFFERED


def test_owners_answer_no_invitations(session, sign_in, invitation):
    owner, _organisation = make_owner(session)

    assert sign_in(owner).get(f"/invitations/{invitation.id}").status_code == 403


def test_the_links_of_the_letter_lead_to_the_answer_and_answer_nothing(session, user, client):
    project = make_project(session, state="open", funded=50_000)
    make_skill(session, make_expert(session, user))
    invitations.offer_needed(session, project.id, now())
    letter = session.exec(select(Letter).where(Letter.template == "projects/invitation")).one()
    yes, no = re.findall(r"http://localhost(/invitations/from-letter/\S+)", letter.body)
    session.commit()

    page = client.get(yes, follow_redirects=True)

    assert "Your letter’s link says yes" in page.text
    assert "answer=no" in client.get(no).location
    invitation = session.exec(select(Invitation)).one()
    assert state_of(session, invitation) is Answer.OFFERED


def test_a_link_of_another_or_a_forged_one_leads_nowhere(session, sign_in, client, invitation):
    token = letters.link(invitation, "yes").rsplit("/", 1)[1]

    assert client.get(f"/invitations/from-letter/{token}").status_code == 302
    assert client.get(f"/invitations/from-letter/{token}x").status_code == 404
    assert client.get("/invitations/from-letter/WzEsMSwieWVzIl0.x").status_code == 404
    stranger = sign_in(make_user(session, "expert"))
    assert stranger.get(f"/invitations/from-letter/{token}").status_code == 404


def test_a_link_works_after_sign_in(app, invitation):
    path = letters.link(invitation, "yes").removeprefix("http://localhost")

    response = app.test_client().get(path)

    assert response.status_code == 302
    assert response.location.startswith("/sign-in?next=")
    assert "from-letter" in response.location


def test_a_place_that_is_gone_is_said_and_no_is_still_possible(session, user, client):
    project = make_project(session, state="open", experts_needed=1)
    invitation = make_invitation(session, project, make_expert(session, user))
    make_invitation(session, project, state="accepted")

    page = client.get(f"/invitations/{invitation.id}")

    assert "All places are taken for now." in page.text
    assert "Yes, I take part" not in page.text
    refused = client.post(f"/invitations/{invitation.id}/accept")
    assert refused.status_code == 409
    assert "All places in the project are taken for now." in refused.text


@pytest.mark.parametrize("state", ["offered", "accepted", "declined", "withdrawn"])
@pytest.mark.parametrize("project_state", ["open", "paused", "completed"])
def test_every_state_has_a_page(session, user, client, state, project_state):
    project = make_project(session, state=project_state)
    invitation = make_invitation(session, project, make_expert(session, user), state=state)

    assert client.get(f"/invitations/{invitation.id}").status_code == 200
    assert project.title in client.get("/invitations").text


def test_the_page_speaks_french(session, sign_in):
    user = make_user(session, "expert", locale="fr")
    project = make_project(session, state="open", funded=50_000)
    invitation = make_invitation(session, project, make_expert(session, user))

    page = sign_in(user).get(f"/invitations/{invitation.id}").text

    assert "Oui, je participe" in page
    assert "4,20\N{NO-BREAK SPACE}€" in page or "4,20\N{NARROW NO-BREAK SPACE}€" in page
    for english in ("Why you", "Terms", "Your answer", "experts work"):
        assert english not in page
