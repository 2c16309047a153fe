"""Verdicts go to Label Studio: onto each task, and where it keeps reviews also as these.

As everything that goes there: no transaction is open while it is asked, one at a time works in a
project, and each step may be stopped anywhere and run again.
"""

from collections.abc import Sequence

from annotation import mirror_verdicts
from annotation.mirror_verdicts import Decided, Unpushed
from core.clock import now
from core.db import transaction
from core.ports import LabellingBackend, LabellingRefused, VerdictsSent


def bring(
    backend: LabellingBackend, project_id: int, there: int, *, takes_reviews: bool, limit: int
) -> int:
    """Bring what was decided since; return on how many tasks."""
    count, after = 0, 0
    while count < limit:
        with transaction() as session:
            batch = mirror_verdicts.left(session, project_id, after=after)
        if not batch:
            break
        for task in _tell(backend, there, batch):
            _record(backend, task, takes_reviews=takes_reviews)
        count += len(batch)
        # Whatever waits for the number of its answer there is left for the next time.
        after = batch[-1].task_id
    return count


def _tell(backend: LabellingBackend, there: int, batch: Sequence[Unpushed]) -> Sequence[Unpushed]:
    """Write verdicts onto some tasks; where one is refused, each by itself. Return what went."""
    sent = {one.task_id: VerdictsSent(one.task_there, one.note) for one in batch}
    try:
        backend.push_verdicts(there, sent)
    except LabellingRefused as refusal:
        if len(batch) > 1:
            return [one for each in batch for one in _tell(backend, there, [each])]
        with transaction() as session:
            mirror_verdicts.record_refusal(session, batch[0], str(refusal))
        return []
    return batch


def _record(backend: LabellingBackend, task: Unpushed, *, takes_reviews: bool) -> None:
    for one in task.decided:
        if not one.is_to_bring:
            continue
        review, trouble = None, None
        if takes_reviews and not one.is_answer_refused:
            if one.answer_there is None:
                continue
            review, trouble = _review(backend, one, one.answer_there)
        with transaction() as session:
            mirror_verdicts.record(session, one, review=review, trouble=trouble, at=now())


def _review(backend: LabellingBackend, one: Decided, answer: int) -> tuple[int | None, str | None]:
    try:
        return backend.push_review(answer, is_accepted=one.is_accepted, words=_words(one)), None
    except LabellingRefused as refusal:
        # What the task says is there all the same.
        return None, str(refusal)


def _words(one: Decided) -> str:
    return f"{one.reason_code}: {one.words}" if one.reason_code else ""
