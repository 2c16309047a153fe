"""What every page says to an expert whose payouts are withheld."""

from flask_babel import gettext as _
from sqlmodel import Session

from accounts.models import RoleName, User
from core import formats
from core.notices import Notice
from payouts import holds, tax_holds


def withheld(session: Session, user: User) -> list[Notice]:
    """Say since when payouts are withheld, and where the reasons are."""
    held = holds.of(session, user.id or 0) if user.has(RoleName.EXPERT) else None
    if held is None:
        return []
    title = _("Your payouts are withheld since %(day)s", day=formats.day_long(held.held_at))
    asked = tax_holds.open_request(session, user.id or 0)
    if asked is not None and asked.decision_id == held.decision_id:
        words = _(
            "Your tax details were not complete after two reminders. All that is owed stays yours, "
            "and is sent on the day you complete them."
        )
        link = str(_("Complete your tax details"))
        return [Notice("stop", str(title), str(words), link, "/earnings/tax")]
    words = _("What is owed to you stays owed, and is sent as soon as the cause is settled.")
    url = f"/decisions/{held.decision_id}"
    return [Notice("stop", str(title), str(words), str(_("The reasons")), url)]


NOTICES = [withheld]
