"""Projects, the versions of their guidelines, and the invitations to them."""

from datetime import datetime
from enum import StrEnum
from typing import Any, Protocol

from flask_babel import LazyString
from flask_babel import lazy_gettext as _l
from sqlalchemy import BigInteger, CheckConstraint, Index, Text, UniqueConstraint, text
from sqlmodel import Field as Column
from sqlmodel import SQLModel

from core.models import jsonb, one_of, text_enum, utc
from core.money import Money
from experts.fields import Field


class State(StrEnum):
    """Where a project is."""

    DRAFT = "draft"
    OPEN = "open"
    PAUSED = "paused"
    COMPLETED = "completed"


class PausedFor(StrEnum):
    """What a project is paused for when nobody paused it."""

    BUDGET = "budget"


class Validation(StrEnum):
    """What decides whether work is accepted."""

    AGREEMENT = "agreement"
    REVIEW = "review"

    @property
    def label(self) -> LazyString:
        """The rule in words."""
        return _VALIDATION_LABELS[self]


_VALIDATION_LABELS = {
    Validation.AGREEMENT: _l("Experts who agree; a person reviews where they differ"),
    Validation.REVIEW: _l("A person reviews each answer"),
}


class Answer(StrEnum):
    """Where an invitation is."""

    OFFERED = "offered"
    ACCEPTED = "accepted"
    DECLINED = "declined"
    WITHDRAWN = "withdrawn"


class Stored(Protocol):
    """A row with an id, once it is stored."""

    id: int | None


def id_of(row: Stored) -> int:
    """Return the id of a row that is stored."""
    if row.id is None:
        raise ValueError("the row has no id before it is flushed")
    return row.id


class Project(SQLModel, table=True):
    """What an owner posts: the work, its price and its rules."""

    __tablename__ = "project"
    __table_args__ = (
        one_of("state", State),
        one_of("paused_for", PausedFor),
        CheckConstraint("paused_for IS NULL OR state = 'paused'", name="paused_for_while_paused"),
        one_of("field", Field),
        one_of("validation", Validation),
        CheckConstraint("length(btrim(title)) > 0", name="title_present"),
        CheckConstraint("price_minor >= 0", name="price_not_negative"),
        CheckConstraint("fee_bps BETWEEN 0 AND 10000", name="fee_is_share"),
        CheckConstraint("currency ~ '^[a-z]{3}$'", name="currency_is_code"),
        CheckConstraint("usual_minutes > 0", name="usual_minutes_positive"),
        CheckConstraint("overlap BETWEEN 1 AND 20", name="overlap_plausible"),
        CheckConstraint("lease_minutes BETWEEN 5 AND 20160", name="lease_plausible"),
        CheckConstraint("review_days BETWEEN 1 AND 21", name="review_days_plausible"),
        CheckConstraint("min_years BETWEEN 0 AND 70", name="min_years_plausible"),
        CheckConstraint("min_level BETWEEN 0 AND 1", name="min_level_is_share"),
        CheckConstraint("experts_needed BETWEEN 1 AND 10000", name="experts_needed_plausible"),
        CheckConstraint("task_count >= 0", name="task_count_not_negative"),
        CheckConstraint(
            "qualification_tasks BETWEEN 0 AND 20 AND qualification_minor >= 0"
            " AND (qualification_tasks = 0) = (qualification_minor = 0)",
            name="qualification_plausible",
        ),
        CheckConstraint("review_minor >= 0", name="review_pay_not_negative"),
        CheckConstraint("least(most_a_day, most_each) > 0", name="shares_positive"),
        CheckConstraint("tasks_in_hand BETWEEN 1 AND 5", name="tasks_in_hand_plausible"),
        CheckConstraint(
            "state = 'draft' OR (published_at IS NOT NULL AND price_minor > 0)",
            name="published_whole",
        ),
        Index("ix_project_organisation_id_id", "organisation_id", "id"),
        Index("ix_project_open", "id", postgresql_where="state = 'open'"),
    )

    id: int | None = Column(default=None, primary_key=True)
    organisation_id: int = Column(foreign_key="organisation.id")
    title: str = Column(sa_type=Text)
    field: Field = text_enum(Field, default=Field.LAW)
    language: str = Column(default="en", sa_type=Text)
    brief: str = Column(default="", sa_type=Text)
    guidelines: str = Column(default="", sa_type=Text)
    guidelines_version: int = 0
    label_config: str = Column(default="", sa_type=Text)
    price_minor: int = Column(default=0, sa_type=BigInteger)
    currency: str = Column(default="eur", sa_type=Text)
    fee_bps: int
    # Beside the price: for each of an expert's first tasks on handing in, and for a verdict.
    qualification_tasks: int = 0
    qualification_minor: int = Column(default=0, sa_type=BigInteger)
    review_minor: int = Column(default=0, sa_type=BigInteger)
    usual_minutes: int = 10
    overlap: int = 2
    lease_minutes: int = 120
    review_days: int = 7
    validation: Validation = text_enum(Validation, default=Validation.AGREEMENT)
    # How many tasks one expert may take in 24 hours, and of the project; none: as many as come.
    most_a_day: int | None = None
    most_each: int | None = None
    # How many tasks one expert may have in hand at a time: the one in work, and others that wait.
    tasks_in_hand: int = Column(default=1, sa_column_kwargs={"server_default": text("1")})
    experts_needed: int = 3
    min_years: int = 0
    min_level: float = 0.6
    languages: list[Any] = jsonb(default_factory=list)
    countries: list[Any] = jsonb(default_factory=list)
    state: State = text_enum(State, default=State.DRAFT)
    paused_for: PausedFor | None = text_enum(PausedFor, nullable=True)
    # Kept by the import of tasks, which stands to the right of this package.
    task_count: int = Column(default=0, sa_type=BigInteger)
    # Whether predictions or answers of models play a part in its tasks; kept from the right, too.
    uses_models: bool = False
    created_by: int = Column(foreign_key="user_account.id")
    created_at: datetime = utc()
    saved_at: datetime = utc()
    published_at: datetime | None = utc(nullable=True)
    state_at: datetime = utc()

    @property
    def price(self) -> Money:
        """What an expert earns for an accepted task."""
        return Money(self.price_minor, self.currency)

    @property
    def qualification(self) -> Money:
        """What each of an expert's first tasks pays on handing in, whatever becomes of it."""
        return Money(self.qualification_minor, self.currency)

    @property
    def review_pay(self) -> Money:
        """What a reviewer who is an expert earns for a verdict."""
        return Money(self.review_minor, self.currency)

    @property
    def is_draft(self) -> bool:
        """Whether only its organisation knows of it."""
        return self.state == State.DRAFT


class GuidelineVersion(SQLModel, table=True):
    """The guidelines as they were from a time on; never changed, so that terms can name one."""

    __tablename__ = "guideline_version"
    __table_args__ = (UniqueConstraint("project_id", "version"),)

    id: int | None = Column(default=None, primary_key=True)
    project_id: int = Column(foreign_key="project.id")
    version: int
    text: str = Column(sa_type=Text)
    written_by: int = Column(foreign_key="user_account.id")
    written_at: datetime = utc()


class Invitation(SQLModel, table=True):
    """The offer of a project to an expert, with the reasons for it."""

    __tablename__ = "invitation"
    __table_args__ = (
        one_of("state", Answer),
        UniqueConstraint("project_id", "expert_id"),
        CheckConstraint("score BETWEEN 0 AND 100", name="score_is_percent"),
        CheckConstraint("(state = 'offered') = (answered_at IS NULL)", name="answered_whole"),
        Index("ix_invitation_expert_id_offered_at", "expert_id", "offered_at"),
        Index("ix_invitation_project_id_state", "project_id", "state"),
    )

    id: int | None = Column(default=None, primary_key=True)
    project_id: int = Column(foreign_key="project.id")
    expert_id: int = Column(foreign_key="expert.user_id")
    state: Answer = text_enum(Answer, default=Answer.OFFERED)
    score: int
    reasons: list[Any] = jsonb()
    offered_at: datetime = utc()
    answer_by: datetime = utc()
    answered_at: datetime | None = utc(nullable=True)
    words: str = Column(default="", sa_type=Text)
