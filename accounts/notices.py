"""What every page says to a person whose account is closed and waits to be erased."""

from flask_babel import gettext as _
from sqlmodel import Session

from accounts import erasure
from accounts.models import User
from core import formats
from core.notices import Notice

UNDO = "/account/erase"


def closing(session: Session, user: User) -> list[Notice]:
    """Say until when the wish to be erased can be undone."""
    waiting = erasure.open_of(session, user.id)
    if waiting is None:
        return []
    title = _(
        "Your account is closed and is erased on %(day)s", day=formats.day_long(waiting.due_at)
    )
    words = _("You can read everything and do nothing new. Until then you can undo it.")
    return [Notice("wait", str(title), str(words), str(_("Undo it")), UNDO)]


NOTICES = [closing]
