"""Tokens: shown once, ended by date, by their person and by leaving the organisation."""

import re
from datetime import timedelta
from typing import Any

import pytest
from sqlmodel import Session, select

from accounts import tokens
from accounts.models import ApiToken, Membership
from core.clock import now
from tests.factories.accounts import make_owner

SCOPE = "releases:read"


def make(session: Session, **changes: Any) -> tuple[ApiToken, str]:
    user, organisation = make_owner(session)
    given: dict[str, Any] = {
        "user": user,
        "organisation_id": organisation.id,
        "name": "pipeline",
        "scopes": [SCOPE],
        "days": 30,
        "at": now(),
    }
    return tokens.make(session, **(given | changes))


def test_a_token_speaks_for_its_person_and_organisation(session: Session) -> None:
    token, secret = make(session)

    principal = tokens.check(session, f"Bearer {secret}", SCOPE, at=now())

    assert principal.user_id == token.user_id
    assert principal.organisation_id == token.organisation_id
    assert token.last_used_at is not None


def test_only_a_hash_is_kept(session: Session) -> None:
    token, secret = make(session)

    assert secret not in str(token.model_dump())


@pytest.mark.parametrize("header", ["", "Bearer", "Basic abc", "Bearer "])
def test_a_missing_token_is_asked_for(session: Session, header: str) -> None:
    with pytest.raises(tokens.TokenNeeded):
        tokens.check(session, header, SCOPE, at=now())


def test_a_wrong_expired_or_ended_token_is_refused(session: Session) -> None:
    token, secret = make(session)

    with pytest.raises(tokens.TokenRefused):
        tokens.check(session, "Bearer dy_wrong", SCOPE, at=now())
    with pytest.raises(tokens.TokenRefused):
        tokens.check(session, f"Bearer {secret}", SCOPE, at=now() + timedelta(days=31))
    tokens.revoke(session, token, at=now())
    with pytest.raises(tokens.TokenRefused):
        tokens.check(session, f"Bearer {secret}", SCOPE, at=now())


def test_a_token_ends_with_its_persons_place_in_the_organisation(session: Session) -> None:
    token, secret = make(session)
    session.delete(session.get(Membership, (token.organisation_id, token.user_id)))
    session.flush()

    with pytest.raises(tokens.TokenRefused):
        tokens.check(session, f"Bearer {secret}", SCOPE, at=now())


def test_a_token_does_only_what_it_may(session: Session) -> None:
    _, secret = make(session, scopes=[])

    with pytest.raises(tokens.ScopeMissing):
        tokens.check(session, f"Bearer {secret}", SCOPE, at=now())


def test_the_page_shows_a_new_token_once_and_ends_it(session: Session, sign_in: Any) -> None:
    user, organisation = make_owner(session)
    client = sign_in(user)

    made = client.post(
        "/tokens",
        data={
            "name": "pipeline",
            "organisation": organisation.id,
            "scopes": [SCOPE],
            "days": 90,
        },
    )
    secret = re.search(r"dy_[\w-]{40,}", made.text)
    listed = client.get("/tokens")
    token = session.exec(select(ApiToken)).one()
    ended = client.post(f"/tokens/{token.id}/revoke")

    assert secret
    assert secret.group(0) not in listed.text
    assert "pipeline" in listed.text
    assert ended.status_code == 302
    session.expire_all()
    assert token.revoked_at is not None


def test_a_token_for_another_organisation_or_scope_is_not_made(
    session: Session, sign_in: Any
) -> None:
    user, _ = make_owner(session)
    _, foreign = make_owner(session)

    response = sign_in(user).post(
        "/tokens",
        data={"name": "x", "organisation": foreign.id, "scopes": ["everything"], "days": 90},
    )

    assert response.status_code == 422
    assert session.exec(select(ApiToken)).all() == []


def test_nobody_ends_somebody_elses_token(session: Session, sign_in: Any) -> None:
    token, _ = make(session)
    stranger, _ = make_owner(session)

    response = sign_in(stranger).post(f"/tokens/{token.id}/revoke")

    assert response.status_code == 404
    session.expire_all()
    assert token.revoked_at is None
