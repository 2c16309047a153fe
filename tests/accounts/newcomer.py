"""Ada, who registers by the page and reads her letters."""

import re
from typing import Any

from sqlmodel import Session, select

from core.models import Letter
from tests.clients import CheckedClient

EMAIL = "ada@example.org"
PASSWORD = "correct horse battery"


def register(client: CheckedClient, **changes: str) -> Any:
    given = {
        "email": EMAIL,
        "password": PASSWORD,
        "password_confirm": PASSWORD,
        "name": "Ada Lovelace",
        "role": "expert",
        "organisation": "",
    }
    return client.post("/register", data=given | changes, follow_redirects=True)


def last_letter(session: Session, address: str = EMAIL) -> Letter:
    query = select(Letter).where(Letter.address == address).order_by(Letter.id.desc())  # type: ignore[union-attr]
    letter = session.exec(query).first()
    assert letter is not None, f"no letter to {address}"
    return letter


def link_in(letter: Letter) -> str:
    found = re.search(r"http://localhost(/\S+)", letter.body)
    assert found, letter.body
    return found.group(1)


def settled(session: Session, client: CheckedClient) -> None:
    """Register and confirm, without signing in."""
    register(client)
    client.get(link_in(last_letter(session)))


def sign_in(client: CheckedClient, password: str = PASSWORD, **more: str) -> Any:
    """Send address and password."""
    return client.post("/sign-in", data={"email": EMAIL, "password": password} | more)
