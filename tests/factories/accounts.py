"""Rows of accounts, valid by default."""

import itertools
from datetime import timedelta
from typing import Any

from sqlmodel import Session

from accounts import organisations
from accounts.models import (
    EmailChange,
    MemberRole,
    Membership,
    Organisation,
    OrganisationKind,
    Passkey,
    RoleName,
    SignIn,
    User,
)
from core.clock import now
from core.models import RateCount

_numbers = itertools.count(1)


def make_user(session: Session, *roles: str, **changes: Any) -> User:
    """Make a confirmed person with some roles."""
    number = next(_numbers)
    values: dict[str, Any] = {
        "email": f"person{number}@example.org",
        "name": f"Person {number}",
        "fs_uniquifier": f"uniquifier-{number}",
        "confirmed_at": now(),
        "locale": "en",
    }
    user = User(**(values | changes))
    session.add(user)
    session.flush()
    for role in roles:
        organisations.give_role(session, user, RoleName(role))
    session.flush()
    return user


def make_organisation(session: Session, **changes: Any) -> Organisation:
    """Make an organisation without members."""
    number = next(_numbers)
    values: dict[str, Any] = {
        "name": f"Organisation {number}",
        "slug": f"organisation-{number}",
        "kind": OrganisationKind.OWNER,
        "created_at": now(),
    }
    organisation = Organisation(**(values | changes))
    session.add(organisation)
    session.flush()
    return organisation


def make_member(
    session: Session, organisation: Organisation, role: str = "admin", **changes: Any
) -> User:
    """Make a person of an organisation, with the role that goes with its kind."""
    user = make_user(session, organisation.kind.value, **changes)
    assert organisation.id is not None
    assert user.id is not None
    session.add(
        Membership(
            organisation_id=organisation.id,
            user_id=user.id,
            role=MemberRole(role),
            joined_at=now(),
        )
    )
    session.flush()
    return user


def make_owner(session: Session, **changes: Any) -> tuple[User, Organisation]:
    """Make an owner with an organisation."""
    organisation = make_organisation(session)
    return make_member(session, organisation, **changes), organisation


def make_sign_in(session: Session, user: User, **changes: Any) -> SignIn:
    """Make a browser in which somebody is signed in."""
    assert user.id is not None
    at = now()
    values: dict[str, Any] = {
        "user_id": user.id,
        "secret_hash": f"hash-{next(_numbers)}",
        "begun_at": at,
        "seen_at": at,
        "address": "203.0.113.9",
        "browser": "Firefox",
        "system": "Linux",
    }
    row = SignIn(**(values | changes))
    session.add(row)
    session.flush()
    return row


def make_passkey(session: Session, user: User, **changes: Any) -> Passkey:
    """Make a passkey of somebody; no device holds its other half."""
    number = next(_numbers)
    assert user.id is not None
    values: dict[str, Any] = {
        "user_id": user.id,
        "name": f"Key {number}",
        "credential_id": f"credential-{number}".encode(),
        "public_key": b"no key",
        "sign_count": 0,
        "usage": "first",
        "lastuse_datetime": now(),
    }
    row = Passkey(**(values | changes))
    session.add(row)
    session.flush()
    return row


def make_email_change(session: Session, user: User, **changes: Any) -> EmailChange:
    """Make a change of address that waits; nobody has its link."""
    assert user.id is not None
    at = now()
    values: dict[str, Any] = {
        "user_id": user.id,
        "email": f"next{next(_numbers)}@example.org",
        "asked_at": at,
        "expires_at": at + timedelta(hours=24),
    }
    row = EmailChange(**(values | changes))
    session.add(row)
    session.flush()
    return row


def make_rate_count(session: Session, **changes: Any) -> RateCount:
    """Make a count of tries."""
    values: dict[str, Any] = {"key": f"count-{next(_numbers)}", "count": 1, "ends_at": now()}
    row = RateCount(**(values | changes))
    session.add(row)
    session.flush()
    return row
