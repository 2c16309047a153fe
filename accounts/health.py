"""What the operator page says of erasures and copies of data."""

from datetime import timedelta

from flask_babel import gettext as _
from flask_babel import ngettext
from sqlalchemy import func
from sqlmodel import Session, col, select

from accounts.privacy_models import DataExport, Erasure, ExportState
from core.clock import now
from core.health import Finding

LATE_AFTER = timedelta(days=1)
SHOWN_FOR = timedelta(days=30)


def privacy(session: Session) -> list[Finding]:
    """Whether what people asked for about their data was done in time."""
    name = _("Copies and erasures")
    late = session.exec(
        select(func.count()).where(
            col(Erasure.undone_at).is_(None),
            col(Erasure.done_at).is_(None),
            col(Erasure.due_at) < now() - LATE_AFTER,
        )
    ).one()
    if late:
        words = ngettext(
            "One erasure is late. See “Erasure and retention”.",
            "%(num)s erasures are late. See “Erasure and retention”.",
            late,
        )
        return [Finding(name, "stop", words)]
    failed = session.exec(
        select(func.count()).where(
            DataExport.state == ExportState.FAILED,
            col(DataExport.asked_at) > now() - 30 * LATE_AFTER,
        )
    ).one()
    if failed:
        words = ngettext(
            "One copy of somebody’s data could not be made. See the worker’s log.",
            "%(num)s copies of people’s data could not be made. See the worker’s log.",
            failed,
        )
        return [Finding(name, "wait", words)]
    return [Finding(name, "ok", _("Nothing is late."))]


CHECKS = (privacy,)
