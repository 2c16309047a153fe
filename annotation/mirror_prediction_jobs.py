"""Predictions that experts see go to Label Studio, and leave it when they are shown no more.

As everything that goes there: no transaction is open while it is asked, one at a time works in a
project, and each step may be stopped anywhere and run again.
"""

from collections.abc import Sequence

from annotation import mirror_predictions
from annotation.mirror_predictions import Unpushed
from core.clock import now
from core.db import transaction
from core.ports import LabellingBackend, LabellingRefused


def bring(backend: LabellingBackend, project_id: int, there: int, *, limit: int) -> int:
    """Bring what the newest rule shows, then withdraw what it shows no more; return how many."""
    count = 0
    while count < limit:
        with transaction() as session:
            went_on = mirror_predictions.note_more(session, project_id)
            batch = mirror_predictions.left(session, project_id)
            is_looked_through = mirror_predictions.is_looked_through(session, project_id)
        if not batch and (is_looked_through or not went_on):
            break
        if batch:
            count += _push(backend, there, batch)
    return count + _withdraw(backend, project_id, limit=limit - count)


def bring_one(
    backend: LabellingBackend, there: int, prediction_id: int, task_there: int
) -> int | None:
    """Bring the prediction that an answer began with; None where Label Studio refuses it."""
    with transaction() as session:
        one = mirror_predictions.one(session, prediction_id, task_there)
        known = mirror_predictions.number_of(session, prediction_id)
    if known is not None:
        return known
    _push(backend, there, [one])
    with transaction() as session:
        return mirror_predictions.number_of(session, prediction_id)


def _push(backend: LabellingBackend, there: int, batch: Sequence[Unpushed]) -> int:
    """Bring some predictions; where one of them is refused, each by itself."""
    try:
        numbers = backend.push_predictions(there, {one.prediction_id: one.sent for one in batch})
    except LabellingRefused as refusal:
        if len(batch) > 1:
            return sum(_push(backend, there, [one]) for one in batch)
        with transaction() as session:
            mirror_predictions.record_refusal(session, batch[0].prediction_id, str(refusal))
        return 1
    with transaction() as session:
        mirror_predictions.record(session, batch, numbers, at=now())
    return len(batch)


def _withdraw(backend: LabellingBackend, project_id: int, *, limit: int) -> int:
    with transaction() as session:
        found = mirror_predictions.to_withdraw(session, project_id, limit=max(limit, 0))
    for prediction_id, number in found:
        if number is not None:
            backend.withdraw_prediction(number)
        with transaction() as session:
            mirror_predictions.record_withdrawn(session, prediction_id)
    return len(found)
