"""Programs that ask the API, each with a token."""

from collections.abc import Callable
from typing import Any

import pytest
from sqlmodel import Session

from accounts.models import TokenKind
from accounts.scopes import SCOPES
from tests.factories.accounts import make_owner, make_user
from tests.factories.tokens import make_token


def every_scope(kind: TokenKind) -> list[str]:
    return [name for name, scope in SCOPES.items() if kind in scope.kinds]


class Program:
    """Something that sends requests with a token."""

    def __init__(self, client: Any, secret: str) -> None:
        self.client = client
        self.secret = secret

    def __call__(self, method: str, path: str, **more: Any) -> Any:
        headers = {"Authorization": f"Bearer {self.secret}", **more.pop("headers", {})}
        return self.client.open(f"/api/v1{path}", method=method, headers=headers, **more)


@pytest.fixture
def owner(session: Session) -> Any:
    """An owner with an organisation."""
    return make_owner(session)


@pytest.fixture
def of_organisation(client: Any, session: Session, owner: Any) -> Program:
    """A program of the owner's organisation that may do all."""
    kind = TokenKind.ORGANISATION
    _, secret = make_token(session, *owner, scopes=every_scope(kind))
    session.commit()
    return Program(client, secret)


@pytest.fixture
def of_person(client: Any, session: Session) -> Callable[..., Program]:
    """Make a program of a person."""

    def of_person(user: Any = None) -> Program:
        user = user or make_user(session, "expert")
        _, secret = make_token(session, user, scopes=every_scope(TokenKind.PERSONAL))
        session.commit()
        return Program(client, secret)

    return of_person
