"""What the operator page says of interviews: whether somebody waits for a person to read."""

from flask_babel import gettext as _
from sqlmodel import Session

from core import formats
from core.clock import now
from core.health import Finding
from interviews import accommodations, waiting


def readings(session: Session) -> list[Finding]:
    """Whether interviews near the line wait, and for too long."""
    found, name = waiting.times(session, now()), _("Interviews")
    if found.late:
        words = _("%(count)s have waited for a person longer than promised.", count=found.late)
        return [Finding(name, "stop", words)]
    if found.waiting:
        words = _("%(count)s wait for a person to read them.", count=found.waiting)
        return [Finding(name, "wait", f"{words} {_lately(found)}".strip())]
    words = _("Nobody waits for a person to read.")
    return [Finding(name, "ok", f"{words} {_lately(found)}".strip())]


def _lately(found: waiting.Times) -> str:
    if found.middle is None or found.most is None:
        return ""
    return str(
        _(
            "In the last eight weeks half were read within %(middle)s, nine of ten within"
            " %(most)s.",
            middle=formats.duration(found.middle),
            most=formats.duration(found.most),
        )
    )


def requests(session: Session) -> list[Finding]:
    """Whether somebody waits for an accommodation, and for too long."""
    count, late = accommodations.late(session, now())
    name = _("Accommodations")
    if late:
        words = _("%(count)s have waited for an answer longer than promised.", count=late)
        return [Finding(name, "stop", words)]
    if count:
        return [Finding(name, "wait", _("%(count)s wait for an answer.", count=count))]
    return [Finding(name, "ok", _("Nobody waits for an answer."))]


CHECKS = [readings, requests]
