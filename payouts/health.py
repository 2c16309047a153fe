"""What the operator page says of money: whether Stripe answers us, and whether the books agree."""

from datetime import timedelta

from flask_babel import gettext as _
from flask_babel import ngettext
from sqlmodel import Session

from core import formats
from core.clock import now
from core.health import Finding
from core.settings import current_settings
from payouts import attention, disputes, ledger_audit, outages, reconciliation, stuck
from payouts.stripe_connect import LIVE_KEYS

OLD = timedelta(days=2)
CHECKED_WITHIN = timedelta(hours=6)


def money(session: Session) -> list[Finding]:
    """Whether anything about money needs a person, and when it was last compared."""
    name = _("Money")
    needs = attention.needed(session, at=now())
    if needs:
        words = _("%(count)s things need a person. See the page Money.", count=len(needs))
        return [Finding(name, "stop", _with_age(session, words))]
    rows = reconciliation.latest(session)
    if not rows:
        return [Finding(name, "ok", _("No money has moved yet."))]
    at = min(row.at for row in rows)
    when = formats.date_time(at)
    if any(row.difference for row in rows):
        words = _("Ledger and Stripe compared %(when)s: the difference is explained.", when=when)
        return [Finding(name, "wait", words)]
    words = _("Ledger and Stripe compared %(when)s: equal.", when=when)
    return [Finding(name, "wait" if now() - at > OLD else "ok", words)]


def _with_age(session: Session, words: str) -> str:
    count, oldest = stuck.counts(session, now())
    if not count or oldest is None:
        return words
    when = formats.date_time(oldest)
    said = _("%(count)s are stuck, the oldest since %(when)s.", count=count, when=when)
    return f"{words} {said}"


def books(session: Session) -> list[Finding]:
    """When the whole ledger was last read again, and whether its promises held."""
    name = _("Ledger")
    last = ledger_audit.latest(session)
    if last is None:
        return [Finding(name, "ok", _("Not checked yet: the first check is within the hour."))]
    when = formats.date_time(last.at)
    if last.problems:
        words = ngettext(
            "Checked %(when)s: one promise does not hold. See the page Money.",
            "Checked %(when)s: %(num)s promises do not hold. See the page Money.",
            len(last.problems),
            when=when,
        )
        return [Finding(name, "stop", words)]
    words = ngettext(
        "Checked %(when)s: one move, every promise holds.",
        "Checked %(when)s: %(num)s moves, every promise holds.",
        last.moves,
        when=when,
    )
    return [Finding(name, "wait" if now() - last.at > CHECKED_WITHIN else "ok", words)]


def rail(session: Session) -> list[Finding]:
    """Which side of Stripe runs: real money, its test mode, or our sandbox."""
    settings = current_settings()
    key = settings.stripe_api_key.get_secret_value()
    if settings.stripe_api_base:
        words = _(
            "Our sandbox at %(address)s. No real money moves.", address=settings.stripe_api_base
        )
    elif key.startswith(LIVE_KEYS):
        words = _("Stripe itself, with real money.")
    else:
        words = _("Stripe’s test mode. No real money moves.")
    away = outages.current(session)
    if away is not None:
        when = formats.date_time(away.began_at)
        silent = _("Stripe has not answered since %(when)s; what waits goes on after.", when=when)
        return [Finding("Stripe", "stop", f"{words} {silent}")]
    secrets = (settings.stripe_webhook_secret, settings.stripe_connect_webhook_secret)
    if not all(secret.get_secret_value() for secret in secrets):
        lacking = _("A webhook secret is missing, so nothing that Stripe tells is heard.")
        return [Finding("Stripe", "wait", f"{words} {lacking}")]
    return [Finding("Stripe", "ok", words)]


def contested(session: Session) -> list[Finding]:
    """Whether banks ask payments back, and until when evidence is taken."""
    count = disputes.count_open(session)
    if not count:
        return []
    waiting = disputes.to_answer(session)
    words = ngettext("One payment is disputed.", "%(num)s payments are disputed.", count)
    if waiting and waiting[0].due_at is not None:
        when = formats.date_time(waiting[0].due_at)
        words += " " + _("Evidence is due by %(when)s.", when=when)
        is_soon = waiting[0].due_at <= now() + disputes.DUE_SOON
        return [Finding(_("Disputes"), "stop" if is_soon else "wait", words)]
    return [Finding(_("Disputes"), "wait", words)]


CHECKS = [money, books, rail, contested]
