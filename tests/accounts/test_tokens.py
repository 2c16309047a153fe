"""Tokens of a person or an organisation: shown once, ended by date, by hand, with an account."""

import re
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError
from sqlmodel import Session, select

from accounts import organisations, tokens
from accounts.models import ApiToken, Membership, TokenKind
from core.clock import now
from core.models import Letter
from tests.factories.accounts import make_member, make_owner, make_user
from tests.factories.tokens import make_token

SCOPE = "releases:read"


def of_organisation(session: Session, **changes: Any) -> tuple[ApiToken, str]:
    user, organisation = make_owner(session)
    return make_token(session, user, organisation, **changes)


def check(session: Session, secret: str, scope: str = SCOPE, **changes: Any) -> tokens.Principal:
    return tokens.check(session, f"Bearer {secret}", scope, at=changes.get("at", now()))


def test_a_personal_token_speaks_for_its_person(session: Session) -> None:
    user = make_user(session, "expert")
    token, secret = make_token(session, user, scopes=["account:read"])

    principal = check(session, secret, "account:read")

    assert (principal.kind, principal.user_id) == (TokenKind.PERSONAL, user.id)
    assert principal.organisation_id is None
    assert token.last_used_at is not None


def test_an_organisations_token_speaks_for_it_and_for_no_person(session: Session) -> None:
    token, secret = of_organisation(session)

    principal = check(session, secret)

    assert principal.organisation_id == token.organisation_id
    assert principal.user_id is None


def test_an_organisations_token_goes_on_when_its_maker_leaves(session: Session) -> None:
    token, secret = of_organisation(session)
    session.delete(session.get(Membership, (token.organisation_id, token.made_by)))
    session.flush()

    assert check(session, secret).organisation_id == token.organisation_id
    assert tokens.left_behind(session, token.organisation_id or 0, token.made_by, at=now()) == 1


def test_a_personal_token_ends_with_the_account_and_loses_what_organisations_lose(
    session: Session,
) -> None:
    user, organisation = make_owner(session)
    _, secret = make_token(session, user)
    assert tokens.organisation_ids(session, check(session, secret)) == {organisation.id}

    session.delete(session.get(Membership, (organisation.id, user.id)))
    session.flush()
    assert tokens.organisation_ids(session, check(session, secret)) == set()
    user.active = False
    session.flush()

    with pytest.raises(tokens.TokenRefused):
        check(session, secret)


def test_only_a_hash_is_kept(session: Session) -> None:
    token, secret = of_organisation(session)

    assert secret not in str(token.model_dump())
    assert re.fullmatch(r"dy_[A-Za-z0-9_-]{43}", secret)


@pytest.mark.parametrize("header", ["", "Bearer", "Basic abc", "Bearer ", "Bearer  "])
def test_a_missing_token_is_asked_for(session: Session, header: str) -> None:
    with pytest.raises(tokens.TokenNeeded):
        tokens.check(session, header, SCOPE, at=now())


def test_a_wrong_expired_or_ended_token_is_refused(session: Session) -> None:
    token, secret = of_organisation(session)

    with pytest.raises(tokens.TokenRefused):
        check(session, "dy_wrong")
    with pytest.raises(tokens.TokenRefused):
        check(session, secret, at=now() + timedelta(days=31))
    tokens.revoke(session, token, by=None, at=now())
    with pytest.raises(tokens.TokenRefused):
        check(session, secret)


def test_a_token_does_only_what_it_may(session: Session) -> None:
    _, secret = of_organisation(session)

    with pytest.raises(tokens.ScopeMissing):
        check(session, secret, "webhooks:read")


@pytest.mark.parametrize("scope", ["webhooks:write", "everything"])
def test_a_kind_holds_no_scope_that_is_not_for_it(session: Session, scope: str) -> None:
    with pytest.raises(tokens.ScopeUnfit):
        make_token(session, make_user(session), scopes=[scope])


@pytest.mark.parametrize(
    "values",
    [
        "kind = 'personal', user_id = NULL, organisation_id = NULL",
        "kind = 'personal'",
        "user_id = made_by",
        "kind = 'else'",
        "scopes = '{}'",
        "expires_at = created_at",
    ],
)
def test_the_database_refuses_a_token_of_no_kind_or_of_two(session: Session, values: str) -> None:
    token, _ = of_organisation(session)

    with pytest.raises(IntegrityError):
        session.execute(text(f"update api_token set {values} where id = {token.id}"))


def test_a_letter_tells_the_maker_and_every_admin(session: Session) -> None:
    user, organisation = make_owner(session)
    other = make_member(session, organisation)
    make_member(session, organisation, "member")

    token, secret = make_token(session, user, organisation)

    letters = session.exec(select(Letter)).all()
    assert {one.user_id for one in letters} == {user.id, other.id}
    assert all(token.name in one.subject and secret not in one.body for one in letters)


def form_of(client: Any, **changes: Any) -> dict[str, Any]:
    page = client.get("/tokens").text
    once = re.search(r'name="once"[^>]*value="(\w+)"', page)
    assert once
    given = {"once": once[1], "name": "pipeline", "scopes": [SCOPE], "days": 90, "organisation": 0}
    return given | changes


def shown(response: Any) -> str:
    found = re.search(r"dy_[\w-]{43}", response.text)
    assert found
    return found[0]


def test_the_page_shows_a_new_token_once_and_ends_it(session: Session, sign_in: Any) -> None:
    user, organisation = make_owner(session)
    client = sign_in(user)

    made = client.post("/tokens", data=form_of(client, organisation=organisation.id))
    secret = shown(made)
    listed = client.get(f"/organisations/{organisation.id}")
    token = session.exec(select(ApiToken)).one()
    ended = client.post(f"/tokens/{token.id}/revoke")

    assert secret not in listed.text
    assert "pipeline" in listed.text
    assert ended.status_code == 302
    session.expire_all()
    assert token.revoked_at is not None


def test_a_second_click_makes_no_second_token_and_shows_the_one_that_works(
    session: Session, sign_in: Any
) -> None:
    client = sign_in(make_user(session, "expert"))
    form = form_of(client)

    pages = [client.post("/tokens", data=form) for _ in range(2)]
    first, second = map(shown, pages)

    token = session.exec(select(ApiToken)).one()
    session.refresh(token)
    assert ["This replaces the secret" in page.text for page in pages] == [False, True]
    assert check(session, second).token_id == token.id
    with pytest.raises(tokens.TokenRefused):
        check(session, first)
    session.commit()
    assert client.post("/tokens", data=form).status_code == 409  # a program uses it


def test_only_scopes_that_some_token_of_theirs_can_hold_are_offered(
    session: Session, sign_in: Any
) -> None:
    owner, _ = make_owner(session)

    of_expert = sign_in(make_user(session, "expert")).get("/tokens").text
    of_owner = sign_in(owner).get("/tokens").text

    assert ("account:read" in of_expert, "webhooks:read" in of_expert) == (True, False)
    assert ("account:read" in of_owner, "webhooks:read" in of_owner) == (True, True)


def test_a_token_for_another_organisation_or_scope_is_not_made(
    session: Session, sign_in: Any
) -> None:
    user, organisation = make_owner(session)
    member = make_member(session, organisation, "member")
    _, foreign = make_owner(session)

    for person, changes in (
        (user, {"organisation": foreign.id}),
        (member, {"organisation": organisation.id}),
        (user, {"scopes": ["everything"]}),
        (user, {"scopes": ["webhooks:write"]}),
        (user, {"organisation": organisation.id, "scopes": ["account:read"]}),
        (user, {"scopes": []}),
    ):
        client = sign_in(person)
        assert client.post("/tokens", data=form_of(client, **changes)).status_code == 422

    assert session.exec(select(ApiToken)).all() == []


def test_any_admin_ends_the_organisations_tokens_and_nobody_else_does(
    session: Session, sign_in: Any
) -> None:
    user, organisation = make_owner(session)
    token, _ = make_token(session, user, organisation)
    own, _ = make_token(session, user)
    admin = make_member(session, organisation)
    member = make_member(session, organisation, "member")
    stranger, _ = make_owner(session)

    for person in (member, stranger):
        assert sign_in(person).post(f"/tokens/{token.id}/revoke").status_code == 404
    assert sign_in(admin).post(f"/tokens/{own.id}/revoke").status_code == 404
    session.expire_all()
    assert (token.revoked_at, own.revoked_at) == (None, None)

    assert sign_in(admin).post(f"/tokens/{token.id}/revoke").status_code == 302
    session.expire_all()
    assert token.revoked_at is not None


def test_whoever_removes_a_member_hears_of_the_tokens_they_made(
    session: Session, sign_in: Any
) -> None:
    user, organisation = make_owner(session)
    leaving = make_member(session, organisation)
    make_token(session, leaving, organisation)
    assert organisations.is_admin(session, user.id, organisation.id)

    page = sign_in(user).post(
        f"/organisations/{organisation.id}/members/{leaving.id}/remove", follow_redirects=True
    )

    assert "One token that this person made still works" in page.text
