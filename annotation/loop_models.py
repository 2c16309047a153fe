"""Models in the loop: what they predicted, whether experts see it, what experts made of it.

Predictions, rules, origins of answers, and whose answers were compared are only ever added; the
database refuses to change them.
"""

from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import BigInteger, CheckConstraint, Index, Text, UniqueConstraint
from sqlmodel import Field, SQLModel

from core.models import jsonb, one_of, text_enum, utc


class Source(StrEnum):
    """Where predictions come from."""

    UPLOAD = "upload"
    BACKEND = "backend"
    ENDPOINT = "endpoint"


class RunState(StrEnum):
    """Where the bringing of predictions is."""

    RUNNING = "running"
    DONE = "done"
    STOPPED = "stopped"
    FAILED = "failed"


class Shows(StrEnum):
    """For which tasks experts see a prediction as their starting point."""

    HIDDEN = "hidden"
    ALL = "all"
    SHARE = "share"


class Origin(StrEnum):
    """What an answer began with, and whether it was changed."""

    UNCHANGED = "unchanged"
    CHANGED = "changed"
    BLANK = "blank"


class OrderState(StrEnum):
    """Whether the tasks of a project stand in the order of a model's doubt."""

    ORDERING = "ordering"
    ON = "on"
    UNDOING = "undoing"
    OFF = "off"


class ModelRun(SQLModel, table=True):
    """One file of predictions, or one go of asking a model about the tasks of a project."""

    __tablename__ = "model_run"
    __table_args__ = (
        one_of("source", Source),
        one_of("state", RunState),
        CheckConstraint("(source = 'backend') = (address IS NOT NULL)", name="backend_has_address"),
        CheckConstraint(
            "source = 'upload' OR num_nulls(most_tasks, most_tokens) = 0", name="asking_has_limits"
        ),
        CheckConstraint("least(most_tasks, most_tokens) > 0", name="limits_positive"),
        CheckConstraint("(state = 'running') = (ended_at IS NULL)", name="ended_once"),
        CheckConstraint(
            "least(last_task_id, asked, kept, known, refused, tries) >= 0", name="counts"
        ),
        CheckConstraint("length(btrim(model_version)) > 0", name="version_present"),
        Index(
            "uq_model_run_project_id_running",
            "project_id",
            unique=True,
            postgresql_where="state = 'running'",
        ),
        Index("ix_model_run_project_id_id", "project_id", "id"),
        Index("ix_model_run_next", "next_try_at", postgresql_where="state = 'running'"),
    )

    id: int | None = Field(default=None, primary_key=True)
    project_id: int = Field(foreign_key="project.id")
    source: Source = text_enum(Source)
    # The version that a file or an answer has when it names none.
    model_version: str = Field(sa_type=Text)
    address: str | None = Field(default=None, sa_type=Text)
    most_tasks: int | None = None
    most_tokens: int | None = None
    state: RunState = text_enum(RunState, default=RunState.RUNNING)
    last_task_id: int = Field(default=0, sa_type=BigInteger)
    asked: int = 0
    kept: int = 0
    known: int = 0  # were there already, with the same content
    refused: int = 0
    tries: int = 0  # in a row that brought nothing
    next_try_at: datetime | None = utc(nullable=True)
    trouble: str | None = Field(default=None, sa_type=Text)
    # The first lines or tasks that were refused, each with its reason.
    troubles: list[Any] = jsonb(default_factory=list)
    made_by: int = Field(foreign_key="user_account.id")
    made_at: datetime = utc()
    ended_at: datetime | None = utc(nullable=True)

    @property
    def key(self) -> int:
        """The id of a row that the database has."""
        if self.id is None:
            raise ValueError("the run is not stored yet")
        return self.id


class Prediction(SQLModel, table=True):
    """What one version of a model says of a task; never changed."""

    __tablename__ = "prediction"
    __table_args__ = (
        UniqueConstraint("task_id", "model_version"),
        CheckConstraint("score BETWEEN 0 AND 1", name="score_is_share"),
        CheckConstraint("doubt BETWEEN 0 AND 1", name="doubt_is_share"),
        Index("ix_prediction_project_id_model_version_id", "project_id", "model_version", "id"),
    )

    id: int | None = Field(default=None, primary_key=True, sa_type=BigInteger)
    project_id: int = Field(foreign_key="project.id")
    task_id: int = Field(foreign_key="task.id", sa_type=BigInteger)
    run_id: int = Field(foreign_key="model_run.id")
    model_version: str = Field(sa_type=Text)
    result: list[dict[str, Any]] = jsonb()
    score: float | None = None
    # Where the model said how likely each answer is: the entropy of that, as a share of the most.
    doubt: float | None = None
    made_at: datetime = utc()


class PredictionRule(SQLModel, table=True):
    """Whether experts see predictions; each change is a row, for ever."""

    __tablename__ = "prediction_rule"
    __table_args__ = (
        one_of("shows", Shows),
        UniqueConstraint("project_id", "version"),
        CheckConstraint("version > 0", name="version_counts"),
        CheckConstraint(
            "(shows = 'share') = (share_percent IS NOT NULL) AND share_percent BETWEEN 1 AND 99",
            name="share_where_needed",
        ),
        CheckConstraint("shows = 'hidden' OR model_version IS NOT NULL", name="shows_a_version"),
    )

    id: int | None = Field(default=None, primary_key=True)
    project_id: int = Field(foreign_key="project.id")
    version: int
    shows: Shows = text_enum(Shows)
    share_percent: int | None = None
    # Hidden or not: answers are compared with this one.
    model_version: str | None = Field(default=None, sa_type=Text)
    made_by: int = Field(foreign_key="user_account.id")
    made_at: datetime = utc()


class AnswerOrigin(SQLModel, table=True):
    """What an answer began with; there is none where no prediction was at hand: blank."""

    __tablename__ = "answer_origin"
    __table_args__ = (
        one_of("origin", Origin),
        CheckConstraint(
            "(origin <> 'unchanged' OR agrees) AND (origin <> 'changed' OR NOT agrees)",
            name="origin_true",
        ),
        Index("ix_answer_origin_project_id_model_version", "project_id", "model_version"),
    )

    assignment_id: int = Field(primary_key=True, foreign_key="assignment.id", sa_type=BigInteger)
    project_id: int = Field(foreign_key="project.id")
    prediction_id: int = Field(foreign_key="prediction.id", sa_type=BigInteger)
    model_version: str = Field(sa_type=Text)
    origin: Origin = text_enum(Origin)
    # Whether the answer is the prediction, seen or not.
    agrees: bool


class TaskOrder(SQLModel, table=True):
    """The order of a project's tasks by a model's doubt, and how far it has been set."""

    __tablename__ = "task_order"
    __table_args__ = (
        one_of("state", OrderState),
        CheckConstraint("least(last_task_id, moved) >= 0", name="counts"),
        Index(
            "ix_task_order_busy", "project_id", postgresql_where="state IN ('ordering', 'undoing')"
        ),
    )

    project_id: int = Field(primary_key=True, foreign_key="project.id")
    model_version: str = Field(sa_type=Text)
    state: OrderState = text_enum(OrderState)
    last_task_id: int = Field(default=0, sa_type=BigInteger)
    moved: int = 0
    # How the doubt is spread: tasks with a known answer take theirs from here.
    spread: list[Any] = jsonb()
    made_by: int = Field(foreign_key="user_account.id")
    changed_at: datetime = utc()


class ModelAnswer(SQLModel, table=True):
    """Which model gave the answer that stands in one place of a task's data; never shown."""

    __tablename__ = "model_answer"
    __table_args__ = (
        UniqueConstraint("task_id", "slot"),
        UniqueConstraint("task_id", "model"),
        CheckConstraint("slot BETWEEN 1 AND 20", name="slot_plausible"),
        Index("ix_model_answer_project_id", "project_id"),
    )

    id: int | None = Field(default=None, primary_key=True, sa_type=BigInteger)
    project_id: int = Field(foreign_key="project.id")
    task_id: int = Field(foreign_key="task.id", sa_type=BigInteger)
    slot: int
    model: str = Field(sa_type=Text)


class AnswerPlacing(SQLModel, table=True):
    """Where one expert saw a model's answer, and how they placed it; 1 is best."""

    __tablename__ = "answer_placing"
    __table_args__ = (
        CheckConstraint("position BETWEEN 1 AND 20", name="position_plausible"),
        CheckConstraint("place BETWEEN 1 AND 20", name="place_plausible"),
        UniqueConstraint("assignment_id", "position"),
        Index("ix_answer_placing_project_id", "project_id"),
    )

    assignment_id: int = Field(primary_key=True, foreign_key="assignment.id", sa_type=BigInteger)
    model_answer_id: int = Field(
        primary_key=True, foreign_key="model_answer.id", sa_type=BigInteger
    )
    project_id: int = Field(foreign_key="project.id")
    position: int
    place: int | None = None
