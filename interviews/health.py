"""What the operator page says of interviews: whether somebody waits for a person to read."""

from flask_babel import gettext as _
from sqlmodel import Session, select

from core.clock import now
from core.health import Finding
from interviews import accommodations, review
from interviews.models import Interview


def readings(session: Session) -> list[Finding]:
    """Whether interviews near the line wait, and for too long."""
    waiting = session.exec(select(Interview).where(review.waits())).all()
    late = [one for one in waiting if (due := review.due(one)) is not None and due < now()]
    name = _("Interviews")
    if late:
        words = _("%(count)s have waited for a person longer than promised.", count=len(late))
        return [Finding(name, "stop", words)]
    if waiting:
        words = _("%(count)s wait for a person to read them.", count=len(waiting))
        return [Finding(name, "wait", words)]
    return [Finding(name, "ok", _("Nobody waits for a person to read."))]


def requests(session: Session) -> list[Finding]:
    """Whether somebody waits for an accommodation, and for too long."""
    waiting, late = accommodations.late(session, now())
    name = _("Accommodations")
    if late:
        words = _("%(count)s have waited for an answer longer than promised.", count=late)
        return [Finding(name, "stop", words)]
    if waiting:
        return [Finding(name, "wait", _("%(count)s wait for an answer.", count=waiting))]
    return [Finding(name, "ok", _("Nobody waits for an answer."))]


CHECKS = [readings, requests]
