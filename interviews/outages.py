"""Interviews that broke off for a fault of ours: they do not count as attempts.

An operator notes it, or the program that saw the fault; the policy of the template says whether a
new try is free.
"""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy.dialects.postgresql import insert
from sqlmodel import Session, col, select

from accounts.models import User
from core import audit
from core.errors import Conflict, Invalid
from interviews import letters
from interviews.models import Interview, State
from interviews.template_models import InterviewOutage, InterviewTemplate
from projects.models import Project

WORDS_AT_LEAST, WORDS_AT_MOST = 10, 1000
UNFINISHED = (State.ABANDONED, State.EXPIRED)


class Finished(Conflict):
    """The interview has a result, so an outage changes nothing. Its person can contest it."""


class NotOver(Conflict):
    """The interview is still under way, and its person may go on. Note it once it has ended."""


class CountsAnyway(Conflict):
    """By the template that it began with, it counts however it ended. Nothing was noted."""


class SayWhat(Invalid):
    """Say in %(least)s to %(most)s characters what broke off the interview."""


def note(
    session: Session, interview: Interview, words: str, *, by: User | None, at: datetime
) -> bool:
    """Note that an interview broke off for a fault of ours, once; say whether this is new.

    Its person is told. `interview` is locked by the caller.
    """
    if interview.state is State.ACTIVE:
        raise NotOver
    if interview.state not in UNFINISHED:
        raise Finished
    if not is_free(session, interview):
        raise CountsAnyway
    words = words.strip()
    if not WORDS_AT_LEAST <= len(words) <= WORDS_AT_MOST:
        raise SayWhat(least=WORDS_AT_LEAST, most=WORDS_AT_MOST)
    made = session.execute(
        insert(InterviewOutage)
        .values(
            interview_id=interview.key,
            words=words,
            noted_by=by.id if by else None,
            noted_at=at,
        )
        .on_conflict_do_nothing()
        .returning(col(InterviewOutage.interview_id))
    ).scalar()
    if made is not None:
        audit.record(
            session,
            "interview.outage_noted",
            by=by.id if by else None,
            subject=f"interview:{interview.key}",
        )
        project = interview.project_id and session.get_one(Project, interview.project_id)
        name = project.title if project else interview.field.label
        letters.tell(session, interview, "outage", name=name)
    return made is not None


def is_free(session: Session, interview: Interview) -> bool:
    """Return whether an outage makes another try free, by the template of an interview."""
    template = interview.template_id and session.get(InterviewTemplate, interview.template_id)
    return not template or template.content is None or template.content["free_after_outage"]


def of(session: Session, interview: Interview) -> InterviewOutage | None:
    """Return the outage that broke an interview off, if one did."""
    return session.get(InterviewOutage, interview.key)


def excused(session: Session, interview_ids: Sequence[int]) -> frozenset[int]:
    """Return those of some interviews that an outage broke off and that do not count for it."""
    if not interview_ids:
        return frozenset()
    found = session.exec(
        select(InterviewOutage.interview_id, InterviewTemplate.content)
        .join(Interview, col(Interview.id) == col(InterviewOutage.interview_id))
        .outerjoin(InterviewTemplate, col(InterviewTemplate.id) == col(Interview.template_id))
        .where(col(InterviewOutage.interview_id).in_(interview_ids))
    )
    return frozenset(
        one for one, content in found if content is None or content["free_after_outage"]
    )
