"""What owners see of the experts in their projects: a pseudonym, and more where it is shared.

Name and profile are shown only with the expert's consent in force at that moment, and only to
the organisation whose project the expert has joined; callers pass nobody else.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from sqlmodel import Session, col, select

from accounts import consents
from accounts.models import Purpose, User
from experts import profile
from experts.models import Expert
from experts.profile import Card


@dataclass(frozen=True)
class Shared:
    """A name, a profile, and the languages and licences in it."""

    name: str
    expert: Expert
    card: Card


def with_owners(session: Session, joined: Iterable[int]) -> dict[int, Shared]:
    """Return what those share who have joined a project; those who share nothing are not there."""
    sharing = consents.givers_among(session, list(joined), Purpose.SHARE_PROFILE)
    if not sharing:
        return {}
    cards = profile.cards(session, sharing)
    query = (
        select(Expert, User.name)
        .join(User, col(User.id) == col(Expert.user_id))
        .where(col(Expert.user_id).in_(sharing))
    )
    return {
        expert.user_id: Shared(name.strip(), expert, cards[expert.user_id])
        for expert, name in session.exec(query)
    }


def names_for_provenance(session: Session, expert_ids: Iterable[int]) -> dict[int, str]:
    """Return the names of those who agree to be named in datasets, and have a name."""
    agreeing = consents.givers_among(session, list(expert_ids), Purpose.NAME_IN_PROVENANCE)
    if not agreeing:
        return {}
    found = session.exec(select(User.id, User.name).where(col(User.id).in_(agreeing)))
    return {user_id: " ".join(name.split()) for user_id, name in found if user_id and name.strip()}
