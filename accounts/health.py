"""What the operator page says of accounts: whether answers are late, and webhooks stuck."""

from datetime import timedelta

from flask_babel import gettext as _
from flask_babel import ngettext
from sqlmodel import Session, col, func, select

from accounts import appeals
from accounts.models import (
    Appeal,
    DeliveryState,
    WebhookDelivery,
    WebhookEndpoint,
    WebhookPause,
    WebhookState,
)
from accounts.passwords import ANSWERS, AWAY
from accounts.privacy_models import DataExport, Erasure, ExportState
from core import formats
from core.clock import now
from core.health import STUCK_AFTER, Finding
from core.models import Heartbeat
from core.settings import current_settings

PARTS = (ANSWERS, AWAY)
LATE_AFTER = timedelta(days=1)


def answers(session: Session) -> list[Finding]:
    """Whether appeals wait, whether one is late, and whether anybody may answer each."""
    return [*_stuck(session), _waiting_appeals(session)]


def _stuck(session: Session) -> list[Finding]:
    words = [
        _(
            "Appeal %(number)s: everybody who could answer it took the decision."
            " Make another operator: doyen operator ADDRESS.",
            number=number,
        )
        for number in appeals.without_answerer(session)
    ]
    return [Finding(_("Appeals"), "stop", one) for one in words]


def _waiting_appeals(session: Session) -> Finding:
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
        return Finding(name, "stop", words)
    if waiting:
        words = ngettext("%(num)s appeal is to answer.", "%(num)s appeals are to answer.", waiting)
        return Finding(name, "wait", words)
    return Finding(name, "ok", _("No appeal waits for an answer."))


def stolen_passwords(session: Session) -> list[Finding]:
    """Whether the service of breached passwords answered when it was last asked."""
    if not current_settings().breached_passwords_url:
        return []
    name = _("Stolen passwords")
    seen = {
        row.part: row.seen_at
        for row in session.exec(select(Heartbeat).where(col(Heartbeat.part).in_(PARTS)))
    }
    answered, away = (seen.get(part) for part in PARTS)
    if away is not None and (answered is None or away > answered):
        words = _(
            "The service does not answer since %(time)s. Passwords are taken without it.",
            time=formats.date_time(away),
        )
        return [Finding(name, "wait", words)]
    if answered is None:
        return [Finding(name, "ok", _("The service was not asked yet."))]
    return [Finding(name, "ok", _("The service answers."))]


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


def webhooks(session: Session) -> list[Finding]:
    """Whether messages to the servers of organisations leave, and which of those do not answer."""
    late, waiting = session.exec(
        select(
            func.count().filter(
                col(WebhookEndpoint.state) == WebhookState.ACTIVE,
                col(WebhookDelivery.next_at) < now() - STUCK_AFTER,
            ),
            func.count(),
        )
        .select_from(WebhookDelivery)
        .join(WebhookEndpoint, col(WebhookEndpoint.id) == col(WebhookDelivery.endpoint_id))
        .where(WebhookDelivery.state == DeliveryState.WAITING)
    ).one()
    paused = session.exec(
        select(func.count()).where(
            WebhookEndpoint.state == WebhookState.PAUSED,
            WebhookEndpoint.paused_for != WebhookPause.BY_HAND,
        )
    ).one()
    name = _("Webhooks")
    if late:
        words = ngettext(
            "%(num)s message has waited for over ten minutes. Is a worker running?",
            "%(num)s messages have waited for over ten minutes. Is a worker running?",
            late,
        )
        return [Finding(name, "stop", words)]
    if paused:
        words = ngettext(
            "%(num)s address does not answer and is paused; its admins have a letter.",
            "%(num)s addresses do not answer and are paused; their admins have letters.",
            paused,
        )
        return [Finding(name, "wait", f"{words} {_waiting(waiting)}")]
    return [Finding(name, "ok", _waiting(waiting))]


def _waiting(count: int) -> str:
    if not count:
        return str(_("No message waits."))
    return str(ngettext("%(num)s message waits.", "%(num)s messages wait.", count))


CHECKS = [answers, stolen_passwords, privacy, webhooks]
