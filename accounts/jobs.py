"""Jobs of accounts. Each may run twice, at any moment, or stop half-way."""

from accounts import account_letters, appeals, sign_ins
from core.clock import now
from core.db import transaction
from core.jobs import Tasks
from core.settings import current_settings

tasks = Tasks("accounts")


@tasks.task()
def escalate_appeals() -> int:
    """Bring appeals that are about to be late before the operator."""
    with transaction() as session:
        return appeals.escalate_due(session, at=now())


@tasks.task(queue="letters")
def send_account_letter(kind: str, email: str, language: str) -> str:
    """Write the letter that somebody asked for on a page, if the address is known."""
    with transaction() as session:
        return account_letters.send(session, kind, email, language)


@tasks.task()
def forget_sign_ins() -> int:
    """Delete sessions that have been over for long."""
    lifetime = current_settings().session_lifetime
    with transaction() as session:
        return sign_ins.sweep(session, at=now(), lifetime=lifetime)
