"""Consents: given, withdrawn, given again, by version, and never a condition of anything."""

import threading

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from sqlmodel import select

from accounts import consent_texts, consents, withdrawals
from accounts.consent_texts import Text
from accounts.models import Consent, ConsentText, Purpose
from core.clock import now
from core.models import AuditEvent, Letter
from tests.factories.accounts import make_user
from tests.factories.consents import make_consent

SHARE = Purpose.SHARE_PROFILE
# What people have agreed to is frozen: other words are another version, and ask everybody again.
DIGESTS = {
    "ai_interview 2026-11 en": "528877aef48e6adc",
    "ai_interview 2026-11 fr": "68fc3d0c87896964",
    "ai_interview 2026-12 en": "6abe9480f80682a8",
    "ai_interview 2026-12 fr": "a9e66d589d59c2c3",
    "transcripts 2026-11 en": "19c5fec9ed91eb45",
    "transcripts 2026-11 fr": "5bfa81a567e7c0f0",
    "share_profile 2026-11 en": "cf8ae2ad4a879d8a",
    "share_profile 2026-11 fr": "cce37667ce3a01b3",
    "name_in_provenance 2026-11 en": "701ddd2b72093c0b",
    "name_in_provenance 2026-11 fr": "006da77e706eddfb",
    "voice 2026-11 en": "774b9c094ce80903",
    "voice 2026-11 fr": "01bdaa8263b6d926",
}


@pytest.fixture
def user(session):
    return make_user(session, "expert")


def rows(session, user):
    return session.exec(select(Consent).where(Consent.user_id == user.id)).all()


def give(client, version="2026-11", purpose="share_profile"):
    return client.post(f"/account/consents/{purpose}/give", data={"version": version})


def newer(monkeypatch, purpose=SHARE):
    texts = {**consent_texts.TEXTS}
    texts[purpose] = (*texts[purpose], Text("2027-01", {"en": "Other words.", "fr": "Autres."}))
    monkeypatch.setattr(consent_texts, "TEXTS", texts)


def test_the_words_are_as_they_were_frozen():
    found = {
        f"{purpose} {one.version} {language}": consent_texts.digest(
            purpose, one.version, language, words
        )[:16]
        for purpose, texts in consent_texts.TEXTS.items()
        for one in texts
        for language, words in one.words.items()
    }

    assert found == DIGESTS


def test_nothing_is_given_before_somebody_agrees(session, user, sign_in):
    page = sign_in(user).get("/account/consents")

    assert page.status_code == 200
    assert page.text.count("You do not agree") == 5
    assert "checked" not in page.text
    assert not any(consents.given(session, user.id, purpose) for purpose in Purpose)


def test_agreeing_stores_words_language_time_and_address(session, sign_in):
    user = make_user(session, "expert", locale="fr")

    response = give(sign_in(user))

    assert response.location.endswith("/account/consents#share_profile")
    [row] = rows(session, user)
    words = session.get_one(ConsentText, row.text)
    assert (row.given, row.address, words.language) == (True, "127.0.0.1", "fr")
    assert words.words == consent_texts.current(SHARE).words["fr"]
    assert consents.given(session, user.id, SHARE)
    actions = session.exec(select(AuditEvent.action)).all()
    assert "consent.given" in actions


def test_two_clicks_agree_once_and_withdraw_once(session, user, sign_in):
    client = sign_in(user)
    assert [give(client).status_code for _ in range(2)] == [302, 302]

    for _ in range(2):
        assert client.post("/account/consents/share_profile/withdraw").status_code == 302

    assert [row.given for row in rows(session, user)] == [True, False]
    letters = session.exec(select(Letter).where(Letter.user_id == user.id)).all()
    assert [letter.template for letter in letters] == ["accounts/consent_withdrawn"]


def test_withdrawn_and_given_again_counts(session, user, sign_in):
    client = sign_in(user)
    give(client)
    client.post("/account/consents/share_profile/withdraw")
    assert not consents.given(session, user.id, SHARE)

    give(client)

    assert consents.given(session, user.id, SHARE)
    page = client.get("/account/consents").text
    assert page.count("<li>") >= 3
    assert "You agree" in page


def test_nothing_to_withdraw_leads_back_without_a_letter(session, user, sign_in):
    client = sign_in(user)

    assert client.get("/account/consents/transcripts/withdraw").status_code == 302
    assert client.post("/account/consents/transcripts/withdraw").status_code == 302
    assert rows(session, user) == []
    assert session.exec(select(Letter)).all() == []


def test_one_purpose_says_nothing_of_another_nor_of_another_person(session, user):
    other = make_user(session, "expert")
    make_consent(session, user, SHARE)

    assert not consents.given(session, user.id, Purpose.TRANSCRIPTS)
    assert not consents.given(session, other.id, SHARE)
    assert consents.givers_among(session, [user.id, other.id], SHARE) == {user.id}


def test_a_new_version_asks_again(session, user, sign_in, monkeypatch):
    make_consent(session, user, SHARE)

    newer(monkeypatch)

    assert not consents.given(session, user.id, SHARE)
    client = sign_in(user)
    page = client.get("/account/consents").text
    assert "Asked again" in page
    assert "Other words." in page
    assert give(client, "2027-01").status_code == 302
    assert consents.given(session, user.id, SHARE)


def test_words_that_changed_meanwhile_are_not_agreed_to(session, user, sign_in, monkeypatch):
    newer(monkeypatch)

    response = give(sign_in(user), "2026-11")

    assert response.status_code == 409
    assert "The words have changed" in response.text
    assert rows(session, user) == []


def test_other_words_under_the_same_version_are_refused_by_the_database(session, user, monkeypatch):
    make_consent(session, user, SHARE)
    same = {**consent_texts.TEXTS, SHARE: (Text("2026-11", {"en": "Not the same words."}),)}
    monkeypatch.setattr(consent_texts, "TEXTS", same)
    other = make_user(session, "expert")

    with pytest.raises(DBAPIError, match="uq_consent_text"):
        make_consent(session, other, SHARE)


@pytest.mark.parametrize(
    "sql",
    [
        "UPDATE consent SET given = false",
        "UPDATE consent SET user_id = NULL",
        "UPDATE consent SET at = now()",
        "DELETE FROM consent",
        "TRUNCATE consent CASCADE",
        "UPDATE consent_text SET words = 'x'",
        "DELETE FROM consent_text",
        "INSERT INTO consent (user_id, purpose, text, given, at)"
        " SELECT user_id, 'transcripts', text, true, now() FROM consent",
        "INSERT INTO consent (user_id, purpose, text, given, at)"
        " SELECT NULL, purpose, text, true, now() FROM consent",
    ],
)
def test_the_database_keeps_consents_as_they_were(session, user, sql):
    make_consent(session, user, SHARE)
    session.flush()

    with pytest.raises(
        DBAPIError, match=r"only ever added|append-only|never|of its purpose|refuse"
    ):
        session.execute(text(sql))


def test_erasure_takes_the_person_off_and_nothing_else(session, user):
    made = make_consent(session, user, SHARE)
    session.execute(text("SELECT set_config('doyen.erasing', 'on', true)"))

    session.execute(text("UPDATE consent SET user_id = NULL, address = NULL"))

    session.refresh(made)
    assert (made.user_id, made.address, made.given) == (None, None, True)
    with pytest.raises(DBAPIError, match="only ever added"):
        session.execute(text("UPDATE consent SET given = false"))


def test_an_unknown_purpose_is_not_there(user, sign_in):
    client = sign_in(user)

    assert give(client, purpose="everything").status_code == 404
    assert client.get("/account/consents/everything/withdraw").status_code == 404
    assert client.post("/account/consents/everything/withdraw").status_code == 404


def test_who_is_no_expert_has_nothing_to_agree_to(session, sign_in):
    page = sign_in(make_user(session)).get("/account/consents")

    assert "Nothing to agree to" in page.text
    assert "I agree" not in page.text


def test_pages_are_for_those_who_have_signed_in(client):
    assert client.get("/account/consents").status_code == 302
    assert give(client).status_code in (302, 401)


def test_a_failing_effect_withdraws_nothing(session, user):
    make_consent(session, user, SHARE)

    def fail(*_):
        raise RuntimeError

    effects = {SHARE: [withdrawals.Effect(lambda *_: ["x"], fail)]}
    with pytest.raises(RuntimeError), session.begin_nested():
        withdrawals.withdraw(session, effects, user, SHARE, address=None, at=now())

    session.expire_all()
    assert consents.given(session, user.id, SHARE)


def test_two_at_once_agree_once(live):
    with live.transaction() as session:
        user = make_user(session, "expert")
        session.expunge_all()

    def click():
        give(live.client(user))

    both = [threading.Thread(target=click) for _ in range(2)]
    for one in both:
        one.start()
    for one in both:
        one.join()

    with live.transaction() as session:
        assert len(rows(session, user)) == 1
