"""What an expert's first page says of their last interview, as long as it has proven nothing."""

from datetime import datetime

from flask import url_for
from flask_babel import gettext as _
from sqlmodel import Session, col, select

from annotation.proving import Step
from core import formats
from interviews import review
from interviews.models import Interview, State


def last(session: Session, expert_id: int, at: datetime) -> Step | None:
    """Say what the last interview waits for, if for anything."""
    query = select(Interview).where(Interview.expert_id == expert_id)
    found = session.exec(query.order_by(col(Interview.id).desc()).limit(1)).first()
    if found is None:
        return None
    field, result = str(found.field.label), url_for("interviews.result", interview_id=found.id)
    due = review.due(found)
    if due is not None:
        words = _(
            "A person reads your interview in %(field)s. You hear by %(day)s.",
            field=field,
            day=formats.day_long(due),
        )
        return Step(str(words), str(_("See where it is")), result)
    if found.state is State.FAILED and found.retake_from and found.retake_from > at:
        words = _(
            "Your interview in %(field)s was not passed. You can try again from %(day)s.",
            field=field,
            day=formats.day_long(found.retake_from),
        )
        return Step(str(words), str(_("See the reasons")), result)
    if found.is_open(at):
        words = _("Your interview in %(field)s is under way.", field=field)
        return Step(
            str(words), str(_("Go on")), url_for("interviews.question", interview_id=found.id)
        )
    return None


ASKS = [last]
