"""What the operator page says of accounts: whether answers are late, and webhooks stuck."""

from flask_babel import gettext as _
from flask_babel import ngettext
from sqlmodel import Session, col, func, select

from accounts.models import (
    Appeal,
    DeliveryState,
    WebhookDelivery,
    WebhookEndpoint,
    WebhookPause,
    WebhookState,
)
from core.clock import now
from core.health import STUCK_AFTER, Finding


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


CHECKS = [answers, webhooks]
