"""How judges are asked: claim, ask with no transaction open, keep; again and again.

Any of these may stop anywhere and run twice: what was said is kept once for each judge, and a sweep
finds what was left.
"""

from datetime import datetime

from core import model_calls
from core.clock import now
from core.db import transaction
from core.models import CallOutcome
from core.ports import ModelDown
from core.settings import current_settings
from interviews import judge_runs, judges, judging, reading_queue
from interviews.items import Item
from interviews.judge_models import Judged, Why
from interviews.judges import Heard, Judges

AT_MOST = 100
DOWN_AT_MOST = 3  # in a row, before a sweep leaves the rest to the next one


WAITS = "waits for the model"


class _OverBudget(Exception):
    """Nothing more may be spent on this."""


def judge_interview(interview_id: int, having: Judges | None) -> str:
    """Let judges read the answers of an interview; say how it went."""
    with transaction() as session:
        work = judging.claim(session, interview_id, having, now())
    if work is None or having is None:
        return "nothing to ask"
    why = None
    try:
        for one in work.questions:
            with transaction() as session:
                if not judging.go_on(session, interview_id, one, having.version, now()):
                    break
            subject = judging.subject(interview_id)
            heard = _ask(having, subject, one.judge, one.item, one.text, one.language)
            with transaction() as session:
                judging.store(session, one, having.version, heard, now())
    except _OverBudget:
        why = Why.BUDGET
    except ModelDown:
        pass  # asked again by the sweep, until the deadline of the judges
    with transaction() as session:
        done = judging.finish(session, interview_id, now(), why=why)
    return "read" if done else WAITS


def judge_waiting(having: Judges | None) -> int:
    """Take up interviews whose judges were not asked, or not answered; return how many."""
    with transaction() as session:
        found = judging.waiting(session, now())
    down = 0
    for taken, interview_id in enumerate(found, start=1):
        down = down + 1 if judge_interview(interview_id, having) == WAITS else 0
        if down == DOWN_AT_MOST:
            return taken  # the endpoint is away: each more would only wait for its time-out
    return len(found)


def check_judges(run_id: int, having: Judges | None) -> str:
    """Let judges read the frozen set; say how it went."""
    with transaction() as session:
        questions = judge_runs.claim(session, run_id, having, now())
    if questions is None or having is None:
        return "nothing to ask"
    try:
        for one in questions:
            answer = one.answer
            with transaction() as session:
                if not judge_runs.go_on(session, run_id, answer, now()):
                    continue
            # Each answer has a limit of its own; that of the month holds for all.
            subject = f"judge_run:{run_id}:{answer.id}"
            heard = _ask(having, subject, one.judge, answer.item, answer.text, answer.language)
            with transaction() as session:
                judge_runs.store(session, run_id, one, heard, now())
    except (_OverBudget, ModelDown):
        pass  # what is missing is asked later
    with transaction() as session:
        done = judge_runs.finish(session, run_id, current_settings(), now())
    return "measured" if done else WAITS


def go_on_checking(having: Judges | None) -> int:
    """Take up runs that stopped half-way, and end those that waited for too long."""
    with transaction() as session:
        found = judge_runs.waiting(session, now())
    for run_id in found:
        if check_judges(run_id, having) == "nothing to ask":
            with transaction() as session:
                judge_runs.give_up(session, run_id, current_settings(), now())
    return len(found)


def settle_read() -> int:
    """Let outcomes follow where people have read all answers; return how many."""
    for settled in range(AT_MOST):
        with transaction() as session:
            if not reading_queue.settle_next(session, now()):
                return settled
    return AT_MOST


def _ask(having: Judges, subject: str, judge: int, item: Item, text: str, language: str) -> Heard:
    settings = current_settings()
    with transaction() as session:
        if not model_calls.may_ask(session, settings, subject=subject, at=now()):
            raise _OverBudget
    try:
        heard = judges.ask(having, judge, item, text, language)
    except ModelDown:
        use = judges.nothing(having.names[judge - 1])
        _note(subject, Heard(Judged.REFUSED, use, CallOutcome.DOWN), now())
        raise
    _note(subject, heard, now())
    return heard


def _note(subject: str, heard: Heard, at: datetime) -> None:
    with transaction() as session:
        model_calls.note(
            session,
            current_settings(),
            purpose="judge",
            subject=subject,
            use=heard.use,
            at=at,
            outcome=heard.call,
        )
