"""Jobs of accounts. Each may run twice, at any moment, or stop half-way."""

from accounts import appeals, webhook_deliveries
from core.clock import now
from core.db import transaction
from core.jobs import Tasks
from core.ports import ports

tasks = Tasks("accounts")


@tasks.task()
def escalate_appeals() -> int:
    """Bring appeals that are about to be late before the operator."""
    with transaction() as session:
        return appeals.escalate_due(session, at=now())


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
