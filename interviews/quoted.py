"""What judges and people quoted from answers goes when the answers go; what they found stays."""

from typing import Any

from sqlmodel import Session, col, select

from interviews.judge_models import AnswerJudging, PersonReading
from interviews.models import Interview, Response


def blank(session: Session, interview: Interview) -> None:
    """Delete every quote from the answers of an interview."""
    answers = select(Response.id).where(Response.interview_id == interview.id)
    of_judges = select(AnswerJudging).where(col(AnswerJudging.response_id).in_(answers))
    for judging in session.exec(of_judges):
        if judging.readings is not None:
            judging.readings = _without_quotes(judging.readings)
            session.add(judging)
    of_people = select(PersonReading).where(col(PersonReading.response_id).in_(answers))
    for reading in session.exec(of_people):
        reading.readings = _without_quotes(reading.readings)
        session.add(reading)


def _without_quotes(readings: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [one | {"quote": None} for one in readings]
