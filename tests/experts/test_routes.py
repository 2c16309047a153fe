"""The pages of the profile."""

import pytest

from experts import profile, skills
from experts.fields import Field
from experts.models import Licence
from tests.factories.accounts import make_owner, make_user
from tests.factories.experts import make_expert, make_licence, make_skill
from tests.factories.privacy import make_erasure

WHOLE = {
    "field": "law",
    "years": "8",
    "country": "FR",
    "time_zone": "Europe/Paris",
    "headline": "Lawyer, commercial contracts",
    "about": "Leases, licences.",
    "accepts_invitations": "y",
}


@pytest.fixture
def user(session):
    return make_user(session, "expert")


def test_a_new_expert_sees_what_is_missing(user, sign_in):
    page = sign_in(user).get("/profile")

    assert page.status_code == 200
    assert "0 of 6 parts" in page.text
    assert "/profile/edit#headline" in page.text


def test_a_whole_profile_is_saved_and_shown(session, user, sign_in):
    client = sign_in(user)

    assert client.post("/profile/edit", data=WHOLE).status_code == 302

    page = client.get("/profile")
    assert "Lawyer, commercial contracts" in page.text
    assert "France" in page.text
    session.expire_all()
    assert profile.of(session, user.id).years == 8


def test_errors_stand_beside_the_fields_and_everything_typed_is_kept(session, user, sign_in):
    page = sign_in(user).post(
        "/profile/edit", data={**WHOLE, "years": "a lot", "country": "", "headline": " "}
    )

    assert page.status_code == 422
    assert "<title>Error:" in page.text
    assert 'value="a lot"' in page.text
    assert "Leases, licences." in page.text
    assert "Write one line about your work." in page.text
    assert "Choose the country where you practise." in page.text
    assert profile.of(session, user.id).field is None


def test_invitations_can_be_switched_off(session, user, sign_in):
    data = {name: value for name, value in WHOLE.items() if name != "accepts_invitations"}

    sign_in(user).post("/profile/edit", data=data)

    session.expire_all()
    assert profile.of(session, user.id).accepts_invitations is False


def test_an_expert_whose_erasure_waits_receives_no_invitations(session, user, sign_in):
    client = sign_in(user)
    client.post("/profile/edit", data=WHOLE)
    before = client.get("/profile").text

    make_erasure(session, user)

    page = client.get("/profile").text
    assert "You receive invitations" in before
    assert "You receive no invitations" in page
    assert "Your account is about to be erased." in page


def test_only_experts_have_a_profile(session, client, sign_in):
    owner, _organisation = make_owner(session)

    assert sign_in(owner).get("/profile").status_code == 403
    assert client.get("/profile").status_code == 302


def test_languages_are_added_changed_and_taken_off(session, user, sign_in):
    client = sign_in(user)
    for fluency in ("working", "native", "native"):
        client.post("/profile/languages", data={"language": "fr", "fluency": fluency})

    assert [row.fluency for row in profile.languages(session, user.id)] == ["native"]
    assert "First language" in client.get("/profile/languages").text

    for _click in range(2):
        assert client.post("/profile/languages/fr/remove").status_code == 302
    assert profile.languages(session, user.id) == []


@pytest.mark.parametrize("language", ["", "xx", "klingon"])
def test_a_language_that_is_none_is_refused(user, sign_in, language):
    page = sign_in(user).post(
        "/profile/languages", data={"language": language, "fluency": "native"}
    )

    assert page.status_code == 422


def test_a_second_click_declares_no_second_licence(session, user, sign_in):
    client = sign_in(user)
    data = {
        "once": "one-key",
        "title": "Paris bar",
        "issuer": "Ordre des avocats",
        "jurisdiction": "",
    }

    for _click in range(2):
        assert client.post("/profile/licences/new", data=data).status_code == 302

    assert [licence.title for licence in profile.licences(session, user.id)] == ["Paris bar"]


def test_a_licence_keeps_what_was_typed_when_a_date_is_wrong(user, sign_in):
    page = sign_in(user).post(
        "/profile/licences/new",
        data={"title": "Paris bar", "issuer": "", "valid_until": "next year"},
    )

    assert page.status_code == 422
    assert 'value="Paris bar"' in page.text
    assert "Write who issued it." in page.text


def test_a_licence_is_taken_off_and_put_back(session, user, sign_in):
    licence = make_licence(session, make_expert(session, user))
    client = sign_in(user)

    client.post(f"/profile/licences/{licence.id}/remove")
    assert "Put back" in client.get("/profile").text
    client.post(f"/profile/licences/{licence.id}/restore")

    session.expire_all()
    assert session.get(Licence, licence.id).removed_at is None


@pytest.mark.parametrize("act", ["remove", "restore"])
def test_another_experts_licence_is_not_there(session, user, sign_in, act):
    licence = make_licence(session, make_expert(session))

    assert sign_in(user).post(f"/profile/licences/{licence.id}/{act}").status_code == 404


def test_a_number_in_a_register_is_not_shown(session, user, sign_in):
    make_licence(session, make_expert(session, user), number="SECRET-77")

    assert "SECRET-77" not in sign_in(user).get("/profile").text


def test_the_profile_speaks_french(session, sign_in):
    user = make_user(session, "expert", locale="fr")
    expert = make_expert(session, user, country="DE")
    make_skill(session, expert, level=0.8)

    page = sign_in(user).get("/profile")

    assert "Votre profil" in page.text
    assert "Allemagne" in page.text
    assert "français" in page.text
    assert "Droit" in page.text


def test_what_is_typed_is_shown_as_words(session, user, sign_in):
    make_expert(session, user, about="One <b>two</b>\nthree\n\nfour", headline="<i>x</i>")

    page = sign_in(user).get("/profile").text

    assert "One &lt;b&gt;two&lt;/b&gt;<br>three" in page
    assert "&lt;i&gt;x&lt;/i&gt;" in page


def test_a_proven_skill_is_shown_with_its_end(session, user, sign_in):
    expert = make_expert(session, user)
    skill = make_skill(session, expert, level=0.83)

    page = sign_in(user).get("/profile").text

    assert "83 of 100" in page
    assert str(skill.expires_at.year) in page
    assert skills.level(session, expert.user_id, Field.LAW) == 0.83
