"""Work outside a request: interviews whose time is over are closed."""

from core.clock import now
from core.db import transaction
from core.jobs import Tasks
from interviews import conversation

tasks = Tasks("interviews")
AT_MOST = 500


@tasks.task()
def expire() -> int:
    """Close what is over, one transaction each; return how many were closed."""
    for closed in range(AT_MOST):
        with transaction() as session:
            if not conversation.expire_next(session, now()):
                return closed
    return AT_MOST
