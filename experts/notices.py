"""What every page says to an expert who is restricted or removed."""

from flask_babel import gettext as _
from sqlmodel import Session, col, select

from accounts.models import Decision, RoleName, User
from core import formats
from core.notices import Notice
from experts.models import AccountStanding, Expert


def standing(session: Session, user: User) -> list[Notice]:
    """Say since when an expert is offered no new work, and where the reasons are."""
    if not user.has(RoleName.EXPERT):
        return []
    found = session.exec(
        select(Expert.standing, Decision.id, Decision.effective_at)
        .join(Decision, col(Decision.id) == col(Expert.decision_id))
        .where(Expert.user_id == user.id)
    ).first()
    if found is None:
        return []
    kind, decision_id, since = found
    day = formats.day_long(since)
    title = (
        _("Your account is removed from work since %(day)s", day=day)
        if kind == AccountStanding.REMOVED
        else _("Your account is restricted since %(day)s", day=day)
    )
    words = _(
        "You are offered no new work. What is in hand may be finished and what is owed is paid."
    )
    return [
        Notice("stop", str(title), str(words), str(_("The reasons")), f"/decisions/{decision_id}")
    ]


NOTICES = [standing]
