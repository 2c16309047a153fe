"""Jobs of accounts. Each may run twice, at any moment, or stop half-way."""

from accounts import appeals
from core.clock import now
from core.db import transaction
from core.jobs import Tasks

tasks = Tasks("accounts")


@tasks.task()
def escalate_appeals() -> int:
    """Bring appeals that are about to be late before the operator."""
    with transaction() as session:
        return appeals.escalate_due(session, at=now())
