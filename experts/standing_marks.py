"""What stands beside an expert in the operator's list of people: standing, and what is proposed."""

from flask_babel import lazy_gettext as _l
from sqlmodel import Session, col, select

from accounts.people_marks import Mark
from experts.models import AccountStanding, Expert, RestrictionProposal

STANDINGS = {
    AccountStanding.RESTRICTED: Mark("stop", _l("Restricted")),
    AccountStanding.REMOVED: Mark("stop", _l("Removed from work")),
}
PROPOSED = Mark("wait", _l("Proposal waits"))


def standings(session: Session, ids: list[int]) -> list[tuple[int, Mark]]:
    """Say who is restricted or removed."""
    found = session.exec(
        select(Expert.user_id, Expert.standing).where(
            col(Expert.user_id).in_(ids), Expert.standing != AccountStanding.ACTIVE
        )
    )
    return [(person, STANDINGS[AccountStanding(standing)]) for person, standing in found]


def proposals(session: Session, ids: list[int]) -> list[tuple[int, Mark]]:
    """Say against whom something is proposed that a second operator has not answered."""
    found = session.exec(
        select(RestrictionProposal.expert_id).where(
            col(RestrictionProposal.expert_id).in_(ids),
            col(RestrictionProposal.answered_at).is_(None),
        )
    )
    return [(person, PROPOSED) for person in found]


MARKS = [standings, proposals]
