"""What the operator page says of accounts: whether somebody waits too long for an answer."""

from flask_babel import gettext as _
from flask_babel import ngettext
from sqlmodel import Session, col, func, select

from accounts.models import Appeal
from core.clock import now
from core.health import Finding


def answers(session: Session) -> list[Finding]:
    """Whether appeals wait, and whether one is late."""
    waiting, late = session.exec(
        select(func.count(), func.count().filter(col(Appeal.answer_by) < now())).where(
            col(Appeal.outcome).is_(None)
        )
    ).one()
    name = _("Appeals")
    if late:
        words = ngettext(
            "%(num)s appeal is late. It takes a person who did not decide.",
            "%(num)s appeals are late. They take a person who did not decide.",
            late,
        )
        return [Finding(name, "stop", words)]
    if waiting:
        words = ngettext("%(num)s appeal is to answer.", "%(num)s appeals are to answer.", waiting)
        return [Finding(name, "wait", words)]
    return [Finding(name, "ok", _("No appeal waits for an answer."))]


CHECKS = [answers]
