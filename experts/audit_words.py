"""What the audit trail says of profiles, and the pseudonyms by which it calls experts."""

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from sqlmodel import Session, col, select

from core.audit_words import Row
from experts import profile
from experts.models import Expert

ACTIONS = {
    "expert.read": _l("Standing and licences of a person read"),
    "profile.changed": _l("Profile changed"),
    "profile.language_added": _l("Language added to a profile"),
    "profile.language_removed": _l("Language taken off a profile"),
    "profile.licence_added": _l("Licence added to a profile"),
    "profile.licence_removed": _l("Licence taken off a profile"),
    "profile.licence_restored": _l("Licence put back on a profile"),
    "expert.restricted_proposed": _l("Restriction proposed"),
    "expert.removed_proposed": _l("Removal proposed"),
    "expert.proposal_declined": _l("Proposal against an expert declined"),
    "expert.restriction_lifted": _l("Restriction lifted"),
    "skill.proven": _l("Skill proven"),
}
ROWS = {
    "expert": Row(_l("Expert number %(id)s"), "experts_operator.one", "expert_id"),
    "licence": Row(_l("Licence %(id)s")),
}


def names(session: Session, ids: set[int]) -> dict[int, str]:
    """Return experts by their pseudonyms."""
    query = select(Expert.user_id, Expert.pseudonym).where(col(Expert.user_id).in_(ids))
    return {id_: _("Expert %(pseudonym)s", pseudonym=known) for id_, known in session.exec(query)}


def person_of(session: Session, words: str) -> int | None:
    """Return the person who bears a pseudonym."""
    found = profile.by_pseudonym(session, words.upper())
    return found.user_id if found else None
