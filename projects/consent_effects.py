"""What withdrawing a consent does to what owners see."""

from datetime import datetime

from flask_babel import ngettext
from sqlmodel import Session, col, func, select

from accounts.models import Purpose
from accounts.withdrawals import Effect, nothing
from experts.models import Expert
from projects.models import Answer, Invitation


def describe(session: Session, user_id: int, _at: datetime) -> list[str]:
    """Say how many projects see the pseudonym instead of the name from now on."""
    expert = session.get(Expert, user_id)
    joined = session.exec(
        select(func.count(func.distinct(col(Invitation.project_id)))).where(
            Invitation.expert_id == user_id, Invitation.state == Answer.ACCEPTED
        )
    ).one()
    if expert is None or not joined:
        return []
    return [
        ngettext(
            "%(num)s project sees Expert %(pseudonym)s instead of your name and profile, at once.",
            "%(num)s projects see Expert %(pseudonym)s instead of your name and profile, at once.",
            joined,
            pseudonym=expert.pseudonym,
        )
    ]


# Pages ask for the consent each time they are made, so nothing is left to do.
EFFECTS = {Purpose.SHARE_PROFILE: Effect(describe, nothing)}
