"""Work outside a request: interviews that are over are closed, answers nobody needs deleted."""

from core.clock import now
from core.db import transaction
from core.jobs import Tasks
from interviews import conversation, judge_jobs, transcripts

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


@tasks.task()
def delete_texts() -> int:
    """Delete answers that no result needs any more, one transaction each; return how many."""
    for deleted in range(AT_MOST):
        with transaction() as session:
            if not transcripts.delete_next(session, now()):
                return deleted
    return AT_MOST


for _of_judges in judge_jobs.ALL:
    tasks.task()(_of_judges)
