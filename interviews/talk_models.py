"""What is said in interviews with a language model, and what came of it for the profile.

Turns are only ever added; their words go when the answers of the interview go.
"""

from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import BigInteger, CheckConstraint, Index, Text, UniqueConstraint
from sqlmodel import Field as Column
from sqlmodel import SQLModel

from core.models import jsonb, one_of, text_enum, utc


class Speaker(StrEnum):
    """Who speaks."""

    INTERVIEWER = "interviewer"
    CANDIDATE = "candidate"


class TurnKind(StrEnum):
    """What a turn is: a question about the profile, one about an answer, an answer, or news."""

    OPENING = "opening"
    FOLLOW_UP = "follow_up"
    ANSWER = "answer"
    NOTICE = "notice"


class Writer(StrEnum):
    """Who wrote what the interviewer says: the model, or we beforehand."""

    MODEL = "model"
    TEMPLATE = "template"


class Turn(SQLModel, table=True):
    """A turn of an interview, in order; an answer without text says that there is nothing to say.

    `position` is the question of the plan that it belongs to; none is before the questions.
    """

    __tablename__ = "interview_turn"
    __table_args__ = (
        one_of("role", Speaker),
        one_of("kind", TurnKind),
        one_of("written_by", Writer),
        UniqueConstraint("interview_id", "number"),
        CheckConstraint("number > 0", name="number_counts"),
        CheckConstraint("position > 0", name="position_counts"),
        CheckConstraint("(role = 'candidate') = (kind = 'answer')", name="candidates_answer"),
        CheckConstraint("(role = 'interviewer') = (written_by IS NOT NULL)", name="writer_named"),
        CheckConstraint("kind <> 'follow_up' OR position IS NOT NULL", name="follows_a_question"),
        CheckConstraint("kind <> 'opening' OR position IS NULL", name="opens_before_questions"),
        CheckConstraint(
            "measured IS NULL OR (kind = 'answer' AND position IS NOT NULL"
            " AND jsonb_typeof(measured) = 'object')",
            name="measured_of_an_answer",
        ),
    )

    id: int | None = Column(default=None, primary_key=True)
    interview_id: int = Column(foreign_key="interview.id")
    number: int
    role: Speaker = text_enum(Speaker)
    kind: TurnKind = text_enum(TurnKind)
    position: int | None = None
    text: str | None = Column(default=None, sa_type=Text)
    remark: str = Column(default="", sa_type=Text)
    # Counts of how an answer in words was written; nothing is measured before the questions.
    measured: dict[str, Any] | None = jsonb(nullable=True)
    language: str = Column(sa_type=Text)
    written_by: Writer | None = text_enum(Writer, nullable=True)
    model_call_id: int | None = Column(
        default=None, foreign_key="model_call.id", sa_type=BigInteger
    )
    at: datetime = utc()


class Talk(SQLModel, table=True):
    """How an interview with a language model goes: its language, its opening, who is asking now.

    The claim is the number of the turn that somebody has the model write at this moment.
    """

    __tablename__ = "interview_talk"
    __table_args__ = (
        CheckConstraint("language ~ '^[a-z]{2,3}$'", name="language_is_code"),
        CheckConstraint(
            "num_nulls(claim_number, claim, claimed_at) IN (0, 3)", name="claimed_whole"
        ),
    )

    interview_id: int = Column(primary_key=True, foreign_key="interview.id")
    language: str = Column(sa_type=Text)
    topics: list[str] = jsonb()
    opening_over_at: datetime | None = utc(nullable=True)
    claim_number: int | None = None
    claim: str | None = Column(default=None, sa_type=Text)
    claimed_at: datetime | None = utc(nullable=True)


class ModelOutage(SQLModel, table=True):
    """A time in which an interview waited for a model that did not answer."""

    __tablename__ = "model_outage"
    __table_args__ = (
        CheckConstraint("ended_at >= began_at", name="ends_later"),
        Index(
            "uq_model_outage_interview_id_open",
            "interview_id",
            unique=True,
            postgresql_where="ended_at IS NULL",
        ),
    )

    id: int | None = Column(default=None, primary_key=True)
    interview_id: int = Column(foreign_key="interview.id", index=True)
    began_at: datetime = utc()
    ended_at: datetime | None = utc(nullable=True)


class ProfilePart(StrEnum):
    """A part of a profile that a suggestion is for."""

    HEADLINE = "headline"
    ABOUT = "about"
    YEARS = "years"
    LICENCE = "licence"


class SuggestionState(StrEnum):
    """What its person did with a suggestion."""

    OPEN = "open"
    ACCEPTED = "accepted"
    DECLINED = "declined"


class Suggestion(SQLModel, table=True):
    """Something for the profile that its person said in an interview; theirs to accept or not."""

    __tablename__ = "profile_suggestion"
    __table_args__ = (
        one_of("part", ProfilePart),
        one_of("state", SuggestionState),
        UniqueConstraint("turn_id", "part"),
        CheckConstraint("(state = 'open') = (answered_at IS NULL)", name="answered_once"),
        CheckConstraint("length(btrim(quote)) > 0", name="has_quote"),
        CheckConstraint("own IS NULL OR state = 'accepted'", name="own_once_accepted"),
    )

    id: int | None = Column(default=None, primary_key=True)
    interview_id: int = Column(foreign_key="interview.id", index=True)
    turn_id: int = Column(foreign_key="interview_turn.id")
    part: ProfilePart = text_enum(ProfilePart)
    value: dict[str, Any] = jsonb()
    quote: str = Column(sa_type=Text)
    # What its person made of it before they took it in, where that is something else.
    own: dict[str, Any] | None = jsonb(nullable=True)
    # The model that found it; none where the answer is offered as it stands.
    llm_model: str | None = Column(default=None, sa_type=Text)
    state: SuggestionState = text_enum(SuggestionState, default=SuggestionState.OPEN)
    made_at: datetime = utc()
    answered_at: datetime | None = utc(nullable=True)
