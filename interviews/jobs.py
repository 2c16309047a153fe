"""Work outside a request: interviews that are over are closed, answers nobody needs deleted."""

from core.clock import now
from core.db import transaction
from core.jobs import Tasks
from core.ports import ports
from core.settings import current_settings
from interviews import conversation, judge_jobs, judges, transcripts
from interviews.judges import Judges

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


@tasks.task()
def judge_interview(interview_id: int) -> str:
    """Let judges read the answers of an interview near the line."""
    return judge_jobs.judge_interview(interview_id, _judges())


@tasks.task()
def judge_waiting() -> int:
    """Take up interviews whose judges were not asked, or not answered."""
    return judge_jobs.judge_waiting(_judges())


@tasks.task()
def check_judges(run_id: int) -> str:
    """Let judges read the frozen set."""
    return judge_jobs.check_judges(run_id, _judges())


@tasks.task()
def go_on_checking() -> int:
    """Take up checks of judges that stopped half-way."""
    return judge_jobs.go_on_checking(_judges())


@tasks.task()
def settle_read() -> int:
    """Let outcomes follow where people have read all answers."""
    return judge_jobs.settle_read()


def _judges() -> Judges | None:
    return judges.of(ports(), current_settings())
