"""What people correct in answers that they gave in an interview, after it.

The answer stays as it was sent and the correction stands beside it, with its time. It never
changes points by itself; whoever reads the interview, or looks again, sees both.
"""

from collections.abc import Sequence
from datetime import datetime

from sqlmodel import Session, col, select

from core import audit
from core.errors import Conflict, Invalid
from interviews.models import AnswerCorrection, Interview, Response, State

MOST_WORDS, MOST_OF_ONE = 4000, 10


class StillUnderWay(Conflict):
    """The interview is under way. You can correct an answer once it has ended."""


class NothingThere(Conflict):
    """The answers of this interview are deleted, so there is nothing left to correct."""


class WordsNeeded(Invalid):
    """Write what is to be corrected, in at most %(letters)s characters."""


class Enough(Conflict):
    """An answer can be corrected %(most)s times. Write to the operator if that is not enough."""


def add(
    session: Session,
    interview: Interview,
    response: Response,
    words: str,
    *,
    language: str,
    at: datetime,
) -> bool:
    """Put a correction beside an answer; False when the last one says the same.

    `interview` is locked by the caller.
    """
    if interview.state is State.ACTIVE:
        raise StillUnderWay
    if interview.texts_deleted_at is not None:
        raise NothingThere
    kept = words.strip()
    if not 1 <= len(kept) <= MOST_WORDS:
        raise WordsNeeded(letters=MOST_WORDS)
    before = of_response(session, response)
    if before and before[-1].words == kept:
        return False
    if len(before) >= MOST_OF_ONE:
        raise Enough(most=MOST_OF_ONE)
    session.add(
        AnswerCorrection(response_id=response.id or 0, words=kept, language=language, written_at=at)
    )
    audit.record(
        session,
        "interview.corrected",
        by=interview.expert_id,
        subject=f"interview:{interview.id}",
        details={"position": response.position},
    )
    return True


def of_response(session: Session, response: Response) -> Sequence[AnswerCorrection]:
    """Return the corrections of an answer, in the order in which they were written."""
    query = select(AnswerCorrection).where(AnswerCorrection.response_id == response.id)
    return session.exec(query.order_by(col(AnswerCorrection.id))).all()


def of(session: Session, interview: Interview) -> dict[int, list[AnswerCorrection]]:
    """Return the corrections of an interview by the position of the question."""
    query = (
        select(Response.position, AnswerCorrection)
        .join(AnswerCorrection, col(AnswerCorrection.response_id) == col(Response.id))
        .where(Response.interview_id == interview.id, col(AnswerCorrection.words).is_not(None))
        .order_by(col(AnswerCorrection.id))
    )
    found: dict[int, list[AnswerCorrection]] = {}
    for position, correction in session.exec(query):
        found.setdefault(position, []).append(correction)
    return found


def blank(session: Session, interview: Interview) -> None:
    """Let the words of corrections go, with the answers that they correct."""
    for written in of(session, interview).values():
        for correction in written:
            correction.words = None
            session.add(correction)
