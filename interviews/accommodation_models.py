"""What people need to take an interview as well as anybody, and how it stands in each interview.

Nobody is asked why. Those who decide see only the effect: a longer time.
"""

from datetime import datetime
from enum import StrEnum

from sqlalchemy import CheckConstraint, Index, Text
from sqlmodel import Field as Column
from sqlmodel import SQLModel

from core.models import one_of, text_enum, utc

EXTRA = (25, 50, 100)  # per cent
WORDS_AT_MOST = 1000


class Need(StrEnum):
    """What somebody asks for."""

    MORE_TIME = "more_time"
    PERSON = "person"
    TEXT_ONLY = "text_only"
    SCREEN_READER = "screen_reader"
    OTHER = "other"


class Stage(StrEnum):
    """Where a request is."""

    ASKED = "asked"
    GRANTED = "granted"
    DECLINED = "declined"
    ENDED = "ended"


class Accommodation(SQLModel, table=True):
    """One thing that an expert needs; what the rule does not grant at once an operator answers."""

    __tablename__ = "accommodation"
    __table_args__ = (
        one_of("need", Need),
        one_of("state", Stage),
        CheckConstraint(
            f"extra_time IN {EXTRA} AND (need <> 'more_time' OR extra_time IS NOT NULL)"
            " AND (need IN ('more_time', 'other') OR extra_time IS NULL)",
            name="time_fits",
        ),
        CheckConstraint(
            f"need <> 'other' OR length(btrim(words)) BETWEEN 1 AND {WORDS_AT_MOST}",
            name="other_in_words",
        ),
        CheckConstraint("need = 'other' OR words IS NULL", name="words_of_other_only"),
        CheckConstraint("(state = 'asked') <= (answer_by IS NOT NULL)", name="asked_until"),
        # Nothing is refused without a person and their reasons.
        CheckConstraint(
            "state <> 'declined' OR (answered_by IS NOT NULL AND length(btrim(reply)) >= 20)",
            name="declined_with_reasons",
        ),
        CheckConstraint("(state = 'ended') = (ended_at IS NOT NULL)", name="ended_once"),
        Index(
            "uq_accommodation_expert_id_need_current",
            "expert_id",
            "need",
            unique=True,
            postgresql_where="state IN ('asked', 'granted')",
        ),
        Index("ix_accommodation_asked", "answer_by", postgresql_where="state = 'asked'"),
    )

    id: int | None = Column(default=None, primary_key=True)
    expert_id: int = Column(foreign_key="expert.user_id")
    need: Need = text_enum(Need)
    extra_time: int | None = None
    words: str | None = Column(default=None, sa_type=Text)
    state: Stage = text_enum(Stage)
    asked_at: datetime = utc()
    answer_by: datetime | None = utc(nullable=True)
    answered_at: datetime | None = utc(nullable=True)
    answered_by: int | None = Column(default=None, foreign_key="user_account.id")
    reply: str | None = Column(default=None, sa_type=Text)
    ended_at: datetime | None = utc(nullable=True)
    # Asked again after a no: somebody else answers, where there is somebody else.
    again_of: int | None = Column(default=None, foreign_key="accommodation.id")


class InterviewAccommodation(SQLModel, table=True):
    """What holds in one interview, from its start; it only ever grows in the person's favour."""

    __tablename__ = "interview_accommodation"
    __table_args__ = (CheckConstraint("extra_time BETWEEN 0 AND 100", name="time_bounded"),)

    interview_id: int = Column(primary_key=True, foreign_key="interview.id")
    extra_time: int = 0
    text_only: bool = False
    screen_reader: bool = False
    # Behaviour is not measured for anybody who needs something.
    unmeasured: bool = True
