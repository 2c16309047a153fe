"""The turns of an interview with a language model: written once, in order, read by all.

Whoever writes has locked the interview.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlmodel import Session, col, func, select

from interviews import signals
from interviews.models import Interview
from interviews.signals import Measured
from interviews.talk_models import Speaker, Turn, TurnKind


def text_of(session: Session, interview: Interview, position: int) -> str:
    """Return all that the candidate has said to a question, as it is scored."""
    return joined(of(session, interview, position))


def joined(turns: Sequence[Turn]) -> str:
    """Return what the candidate says in some turns."""
    said = (one.text for one in turns if one.role is Speaker.CANDIDATE and one.text)
    return "\n\n".join(said)


def measured(turns: Sequence[Turn]) -> Measured | None:
    """Return how what the candidate says in some turns was written, taken together."""
    said = [one for one in turns if one.role is Speaker.CANDIDATE and one.text]
    return signals.together([(len(one.text or ""), _counts(one)) for one in said])


def of(session: Session, interview: Interview, position: int | None) -> Sequence[Turn]:
    """Return the turns of a question, or those before the questions."""
    query = select(Turn).where(Turn.interview_id == interview.id, Turn.position == position)
    return session.exec(query.order_by(col(Turn.number))).all()


def every(session: Session, interview: Interview) -> Sequence[Turn]:
    """Return all turns of an interview."""
    query = select(Turn).where(Turn.interview_id == interview.id)
    return session.exec(query.order_by(col(Turn.number))).all()


def last_number(session: Session, interview: Interview) -> int:
    """Return the number of the last turn; 0 where nothing was said."""
    query = select(func.max(Turn.number)).where(Turn.interview_id == interview.id)
    return session.exec(query).one() or 0


def say(
    session: Session,
    interview: Interview,
    position: int | None,
    text: str | None,
    *,
    language: str,
    at: datetime,
    remark: str = "",
    measured: Measured | None = None,
) -> Turn:
    """Keep what the candidate says; nothing where they have nothing to say."""
    return _add(
        session,
        interview,
        role=Speaker.CANDIDATE,
        kind=TurnKind.ANSWER,
        position=position,
        text=text,
        remark=remark,
        measured=measured.model_dump() if measured else None,
        language=language,
        at=at,
    )


def ask(
    session: Session, interview: Interview, kind: TurnKind, position: int | None, **words: Any
) -> Turn:
    """Keep what the interviewer says: `text`, `language`, `written_by`, `at`, and by which call."""
    speaks = {"role": Speaker.INTERVIEWER, "kind": kind, "position": position}
    return _add(session, interview, **speaks, **words)


def blank(session: Session, interview: Interview) -> None:
    """Let the words of all turns go, when the answers go, and how they were written."""
    for turn in every(session, interview):
        turn.text, turn.remark, turn.measured = None, "", None
        session.add(turn)


def _counts(turn: Turn) -> Measured | None:
    return Measured.model_validate(turn.measured) if turn.measured else None


def _add(session: Session, interview: Interview, **values: Any) -> Turn:
    number = last_number(session, interview) + 1
    turn = Turn(interview_id=interview.key, number=number, **values)
    session.add(turn)
    session.flush()  # the next one counts from it
    return turn
