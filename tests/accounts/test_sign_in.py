"""Registering, confirming, signing in and out, recovering: by the pages that people use."""

from typing import Any

import pytest
from sqlmodel import Session, select

from accounts import account_letters, organisations
from accounts.models import OrganisationKind, RoleName, User
from core import cipher
from core.models import AuditEvent
from tests.accounts.newcomer import EMAIL, PASSWORD, last_letter, link_in, register, settled
from tests.clients import CheckedClient, shown
from tests.factories.accounts import make_user


def test_an_expert_registers_confirms_by_letter_and_signs_in(
    session: Session, client: CheckedClient
) -> None:
    registered = register(client)
    too_early = client.post("/sign-in", data={"email": "ada@example.org", "password": PASSWORD})
    confirmed = client.get(link_in(last_letter(session)), follow_redirects=True)
    signed_in = client.post("/sign-in", data={"email": "ADA@example.org", "password": PASSWORD})

    assert "A letter is on its way" in registered.text
    assert too_early.status_code != 302
    assert confirmed.status_code == 200
    assert signed_in.status_code == 302
    user = session.exec(select(User).where(User.email == "ada@example.org")).one()
    assert user.has(RoleName.EXPERT)
    assert not user.has(RoleName.OWNER)
    assert user.name == "Ada Lovelace"
    assert client.get("/account").status_code == 200
    assert session.exec(select(AuditEvent).where(AuditEvent.action == "account.registered")).one()


@pytest.mark.parametrize(
    ("role", "kind"), [("owner", OrganisationKind.OWNER), ("ml_team", OrganisationKind.ML_TEAM)]
)
def test_owners_and_ml_teams_register_with_an_organisation(
    session: Session, client: CheckedClient, role: str, kind: OrganisationKind
) -> None:
    register(client, role=role, organisation="Éditions Dupont & Fils")

    user = session.exec(select(User).where(User.email == "ada@example.org")).one()
    assert user.id is not None
    (organisation,) = organisations.of(session, user.id)
    assert organisation.slug == "editions-dupont-fils"
    assert organisation.kind is kind
    assert organisations.is_admin(session, user.id, organisation.id)
    assert user.has(RoleName(role))


def test_an_owner_without_an_organisation_is_asked_for_it(
    session: Session, client: CheckedClient
) -> None:
    response = register(client, role="owner")

    assert "Write the name of your organisation" in response.text
    assert "Ada Lovelace" in response.text
    assert session.exec(select(User).where(User.email == "ada@example.org")).first() is None


def test_nobody_registers_as_operator(session: Session, client: CheckedClient) -> None:
    register(client, role="operator")

    assert session.exec(select(User).where(User.email == "ada@example.org")).first() is None


def test_letters_come_in_the_language_of_registering(
    session: Session, client: CheckedClient
) -> None:
    client.get("/language/fr")
    register(client)
    user = session.exec(select(User)).one()

    account_letters.send(
        session, account_letters.CONFIRM, cipher.encrypt(account_letters.PURPOSE, EMAIL), "en"
    )

    assert user.locale == "fr"
    assert last_letter(session).subject == "Confirmez votre adresse"


def test_registering_a_known_address_says_the_same_and_writes_to_its_owner(
    session: Session, client: CheckedClient
) -> None:
    make_user(session, "expert", email="ada@example.org", name="The first Ada")

    response = register(client)

    assert "A letter is on its way" in response.text
    assert "Thank you. To confirm" not in response.text
    (user,) = session.exec(select(User).where(User.email == "ada@example.org")).all()
    assert user.name == "The first Ada"
    assert last_letter(session).template == "security/welcome_existing"


def test_registering_twice_at_once_makes_one_account(
    session: Session, client: CheckedClient
) -> None:
    register(client)
    register(client)

    assert len(session.exec(select(User).where(User.email == "ada@example.org")).all()) == 1


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"password": "short", "password_confirm": "short"}, "Write a password of at least 10"),
        ({"password_confirm": "something else"}, "match"),
        ({"email": "not an address"}, "mail"),
        ({"name": ""}, "Write your name"),
    ],
)
def test_a_wrong_registration_says_why_and_keeps_what_was_typed(
    session: Session, client: CheckedClient, change: dict[str, str], words: str
) -> None:
    response = register(client, **change)

    assert words in response.text
    assert session.exec(select(User)).first() is None


def test_a_forgotten_password_is_replaced_by_letter(
    session: Session, client: CheckedClient, jobs: Any
) -> None:
    register(client)
    client.get(link_in(last_letter(session)))

    client.post("/recover", data={"email": "ada@example.org"})
    jobs()
    link = link_in(last_letter(session))
    new = "another fine phrase"
    client.post(link, data={"password": new, "password_confirm": new})

    old_one = client.post("/sign-in", data={"email": "ada@example.org", "password": PASSWORD})
    assert old_one.status_code == 200
    new_one = client.post("/sign-in", data={"email": "ada@example.org", "password": new})
    assert new_one.status_code == 302


def test_asking_for_a_new_password_never_tells_whether_an_account_exists(
    session: Session, client: CheckedClient
) -> None:
    make_user(session, "expert", email="ada@example.org")

    known = client.post("/recover", data={"email": "ada@example.org"})
    unknown = client.post("/recover", data={"email": "nobody@example.org"})

    assert known.status_code == unknown.status_code
    assert shown(known.text, "ada@") == shown(unknown.text, "nobody@")


def test_signing_out_is_a_post(session: Session, sign_in: Any) -> None:
    client = sign_in(make_user(session, "expert"))

    assert client.get("/sign-out").status_code == 405
    assert client.post("/sign-out").status_code == 302
    assert client.get("/account").status_code == 302


def test_a_request_from_elsewhere_without_the_token_is_refused(
    session: Session, sign_in: Any
) -> None:
    client = sign_in(make_user(session, "expert", name="Before"))

    response = client.post("/account", data={"name": "After", "locale": "en"}, without_csrf=True)

    assert response.status_code == 400
    assert "Nothing was changed" in response.text


def test_the_account_page_in_french(session: Session, sign_in: Any) -> None:
    client = sign_in(make_user(session, "expert", locale="fr"))

    response = client.get("/account")

    assert '<html lang="fr"' in response.text
    assert "Compte et sécurité" in response.text


def test_an_outsider_is_led_to_sign_in_and_back(client: CheckedClient) -> None:
    response = client.get("/account")

    assert response.status_code == 302
    assert "/sign-in" in response.location
    assert "account" in response.location


def test_a_way_back_that_leads_elsewhere_keeps_nobody_out(
    session: Session, client: CheckedClient
) -> None:
    settled(session, client)

    answer = client.post(
        "/sign-in?next=https://evil.example/",
        data={"email": EMAIL, "password": PASSWORD, "next": "https://evil.example/"},
    )

    assert answer.status_code == 302
    assert answer.location == "/home"


@pytest.mark.parametrize(
    ("language", "words"), [("en", "do not go together"), ("fr", "ne vont pas ensemble")]
)
def test_a_refused_sign_in_says_what_to_do_in_the_persons_language(
    client: CheckedClient, language: str, words: str
) -> None:
    answer = client.post(
        "/sign-in",
        data={"email": EMAIL, "password": "not this one"},
        headers={"Accept-Language": language},
    )

    assert words in answer.text
