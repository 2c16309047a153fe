"""Work outside a request: interviews that are over are closed, answers nobody needs deleted.

What was said of oneself before the questions is read for suggestions to the profile.
"""

from core.clock import now
from core.db import transaction
from core.jobs import Tasks
from core.ports import ports
from core.settings import current_settings
from experts.fields import Field
from interviews import (
    banks,
    calibration,
    conversation,
    gaps,
    judge_jobs,
    judges,
    suggesting,
    system_card,
    transcripts,
    waiting,
)
from interviews.judges import Judges
from projects.models import Project

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
def tell_of_gaps() -> int:
    """Write to owners whose projects ask for what a bank no longer has; return how many projects.

    Each project in a transaction of its own, so that one that fails keeps none of the others.
    """
    told = 0
    with transaction() as session:
        running = gaps.running(session)
    for number in running:
        with transaction() as session:
            told += gaps.tell(session, session.get_one(Project, number), now())
    return told


@tasks.task()
def calibrate() -> int:
    """Work out each bank that has enough new answers, one transaction each; return how many."""
    made, needed = 0, current_settings().calibration_interviews
    for field in Field:
        with transaction() as session:
            bank = banks.current(session, field)
            if bank is None:
                continue
            if calibration.progress(session, bank, needed).is_due:
                made += calibration.propose(session, bank, at=now()) is not None
    return made


@tasks.task()
def calibrate_field(field: str) -> bool:
    """Work out one bank because an operator asked; say whether there was something new."""
    with transaction() as session:
        bank = banks.current(session, Field(field))
        if bank is None:
            return False
        if not calibration.progress(
            session, bank, current_settings().calibration_interviews
        ).is_enough:
            return False
        return calibration.propose(session, bank, at=now()) is not None


@tasks.task()
def warn_of_late() -> int:
    """Write to operators about interviews that are about to be late; return how many."""
    for warned in range(AT_MOST):
        with transaction() as session:
            if not waiting.warn_next(session, now()):
                return warned
    return AT_MOST


@tasks.task()
def keep_system_card() -> bool:
    """Keep the system card where its content has changed; say whether it had."""
    with transaction() as session:
        return system_card.keep(session, current_settings(), at=now())


@tasks.task()
def suggest(interview_id: int) -> int:
    """Offer what somebody said of themselves for their profile; return how many offers."""
    return suggesting.run(interview_id, ports().language_model)


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
