"""What the letter of an invitation needs: the terms, and links that lead to one's answer.

A link is signed for one person and one answer. It answers nothing by itself: mail programs open
links, people answer.
"""

from dataclasses import dataclass
from typing import Any

from flask import current_app
from itsdangerous import BadSignature, URLSafeSerializer

from core.errors import NotFound
from core.money import Money
from core.settings import current_settings
from projects import terms
from projects.models import Invitation, Project
from projects.rates import Rate

ANSWERS = ("yes", "no")


@dataclass(frozen=True)
class Link:
    """What a link of a letter says."""

    invitation_id: int
    expert_id: int
    answer: str


def facts(project: Project, invitation: Invitation, available: Money, rate: Rate) -> dict[str, Any]:
    """Return what the template of the letter shows besides the rows themselves."""
    return {
        "rows": terms.rows(project, available, rate),
        "yes": link(invitation, "yes"),
        "no": link(invitation, "no"),
    }


def link(invitation: Invitation, answer: str) -> str:
    """Return the address in a letter for one of the two answers."""
    token = _signer().dumps([invitation.id, invitation.expert_id, answer])
    # Jobs write letters, and there is no request whose host could be used.
    path = current_app.url_map.bind("").build("invitations.from_letter", {"token": token})
    return current_settings().public_url.rstrip("/") + path


def read(token: str) -> Link:
    """Return what a link says, or raise `NotFound` when it is not one of ours."""
    try:
        invitation_id, expert_id, answer = _signer().loads(token)
    except (BadSignature, ValueError, TypeError):
        raise NotFound from None
    return Link(invitation_id, expert_id, answer)


def _signer() -> URLSafeSerializer:
    key = current_settings().secret_key.get_secret_value()
    return URLSafeSerializer(key, salt="projects.invitation")
