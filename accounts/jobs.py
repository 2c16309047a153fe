"""Jobs of accounts. Each may run twice, at any moment, or stop half-way."""

from datetime import timedelta

from accounts import (
    account_letters,
    appeals,
    data_exports,
    email_change,
    erasure,
    retention,
    sign_ins,
    webhook_deliveries,
)
from core import personal_data
from core.clock import now
from core.db import transaction
from core.jobs import Tasks
from core.ports import ports
from core.settings import current_settings

tasks = Tasks("accounts")


@tasks.task()
def escalate_appeals() -> int:
    """Bring appeals that are about to be late before the operator."""
    with transaction() as session:
        return appeals.escalate_due(session, at=now())


@tasks.task()
def make_export(export_id: int) -> str:
    """Make a copy of somebody's data."""
    settings = current_settings()
    return data_exports.make(
        export_id,
        personal_data.of_app(),
        settings.data_dir,
        keep=timedelta(days=settings.export_days),
    )


@tasks.task()
def take_up_exports() -> str:
    """Take up copies whose worker was killed, and delete those whose days are over."""
    with transaction() as session:
        left = data_exports.take_up(session, at=now())
    with transaction() as session:
        ended = data_exports.end(session, current_settings().data_dir, at=now())
    return f"{left} taken up, {ended} ended"


@tasks.task()
def erase(erasure_id: int) -> str:
    """Erase a person whose time to undo it is over."""
    return erasure.carry_out(erasure_id, personal_data.of_app(), current_settings().data_dir)


@tasks.task()
def erase_due() -> str:
    """Begin the erasures that are due, and finish what is left of those that are done."""
    with transaction() as session:
        begun = erasure.due(session, at=now())
    with transaction() as session:
        finished = erasure.finish(session, current_settings().data_dir, at=now())
    return f"{begun} begun, {finished} files and letters gone"


@tasks.task()
def apply_retention() -> str:
    """Let go what was kept long enough."""
    done = retention.apply(personal_data.of_app(), current_settings().retention_days, at=now())
    return ", ".join(f"{name} {count}" for name, count in done.items())


@tasks.task(queue="letters")
def send_account_letter(kind: str, sealed: str, language: str) -> str:
    """Write the letter that somebody asked for on a page, if the address is known."""
    with transaction() as session:
        return account_letters.send(session, kind, sealed, language)


@tasks.task(queue="letters")
def send_email_change_letter(change_id: int, language: str) -> str:
    """Write the letter to an address that somebody asked for as their own."""
    with transaction() as session:
        return email_change.send(session, change_id, language, at=now())


@tasks.task()
def forget_email_changes() -> int:
    """Forget addresses that were asked for and not confirmed in time."""
    with transaction() as session:
        return email_change.sweep(session, at=now())


@tasks.task()
def forget_sign_ins() -> int:
    """Delete sessions that have been over for long."""
    lifetime = current_settings().session_lifetime
    with transaction() as session:
        return sign_ins.sweep(session, at=now(), lifetime=lifetime)


@tasks.task(queue="webhooks", attempts=3)
def deliver_webhook(delivery_id: int) -> str:
    """Send one message to one endpoint: claimed, sent, recorded."""
    with transaction() as session:
        package = webhook_deliveries.claim(session, delivery_id, at=now())
    if package is None:
        return "nothing to do"
    outcome = webhook_deliveries.send(ports().webhooks, package, at=now())
    with transaction() as session:
        return webhook_deliveries.record(session, package, outcome, at=now())


@tasks.task(queue="webhooks")
def take_up_webhooks() -> int:
    """Take up deliveries whose job was lost, or stopped half-way."""
    with transaction() as session:
        return webhook_deliveries.take_up(session, at=now())


@tasks.task(queue="webhooks")
def forget_webhook_log() -> int:
    """Delete what was told over a month ago."""
    with transaction() as session:
        return webhook_deliveries.forget(session, at=now())
