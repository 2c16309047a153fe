"""The tables of core, and the column kinds that every package's tables are made of."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    DateTime,
    Dialect,
    Index,
    Text,
    TypeDecorator,
    UniqueConstraint,
)
from sqlalchemy.dialects.postgresql import JSONB
from sqlmodel import Field, SQLModel

NAMING = {
    "ix": "ix_%(column_0_N_label)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s_%(referred_table_name)s",
    "pk": "pk_%(table_name)s",
}
SQLModel.metadata.naming_convention = NAMING


class TextEnum(TypeDecorator[StrEnum]):
    """Text in the database, a member of the enum in Python."""

    impl = Text
    cache_ok = True

    def __init__(self, kind: type[StrEnum]) -> None:
        super().__init__()
        self.kind = kind

    def process_bind_param(self, value: StrEnum | str | None, dialect: Dialect) -> str | None:
        """Send the value; the database's own constraint refuses an unknown one."""
        return None if value is None else str(value)

    def process_result_value(self, value: str | None, dialect: Dialect) -> StrEnum | None:
        """Return the member."""
        return None if value is None else self.kind(value)


def text_enum(
    kind: type[StrEnum], *, nullable: bool = False, default: StrEnum | None = None, **more: Any
) -> Any:
    """Return a field that holds one of an enum's values as text.

    Pair it with `one_of("column", Kind)` in `__table_args__`, so that the database refuses
    anything else.
    """
    return Field(
        default=default if (default is not None or nullable) else ...,
        sa_type=TextEnum(kind),
        nullable=nullable,
        **more,
    )


def one_of(column: str, kind: type[StrEnum]) -> CheckConstraint:
    """Return the constraint that keeps a text column to an enum's values."""
    return CheckConstraint(is_one_of(column, kind), name=f"{column}_known")


def is_one_of(column: str, kind: type[StrEnum]) -> str:
    """Return the rule that keeps a text column to an enum's values."""
    values = ", ".join(f"'{value}'" for value in kind)
    return f"{column} IN ({values})"


def all_hold(table: str, columns: Sequence[str], rules: Mapping[str, str]) -> CheckConstraint:
    """Return one constraint for all rules of a table that is written all the time, by name.

    PostgreSQL reads every CHECK of a table anew for each statement. Here it calls the function
    `<table>_is_sound`, which keeps the rules once it has read them, and says `ck_<table>_<rule>`
    of one that is broken. A migration makes it: another rule there is another rule here.
    """
    called = f"{table}_is_sound({', '.join(columns)})"
    return CheckConstraint(called, name="sound", info={"rules": dict(rules)})


def utc(*, nullable: bool = False, index: bool = False) -> Any:
    """Return a field for an aware time."""
    return Field(
        default=None if nullable else ...,
        sa_type=DateTime(timezone=True),
        nullable=nullable,
        index=index,
    )


def jsonb(*, nullable: bool = False, default_factory: Any = None) -> Any:
    """Return a field for a JSON value."""
    column = Column(JSONB(none_as_null=True), nullable=nullable)
    if default_factory is not None:
        return Field(default_factory=default_factory, sa_column=column)
    return Field(default=None if nullable else ..., sa_column=column)


class LetterState(StrEnum):
    """Where a letter is."""

    WAITING = "waiting"
    SENT = "sent"
    REFUSED = "refused"


class Letter(SQLModel, table=True):
    """A letter to a person, written in the transaction of what it tells."""

    __tablename__ = "letter"
    __table_args__ = (
        one_of("state", LetterState),
        Index("ix_letter_waiting", "id", postgresql_where="state = 'waiting'"),
    )

    id: int | None = Field(default=None, primary_key=True)
    user_id: int | None = Field(default=None, index=True)
    address: str = Field(sa_type=Text, index=True)
    language: str = Field(sa_type=Text)
    template: str = Field(sa_type=Text)
    subject: str = Field(sa_type=Text)
    body: str = Field(sa_type=Text)
    state: LetterState = text_enum(LetterState, default=LetterState.WAITING)
    attempts: int = 0
    trouble: str | None = Field(default=None, sa_type=Text)
    written_at: datetime = utc()
    sent_at: datetime | None = utc(nullable=True)


class AuditEvent(SQLModel, table=True):
    """Who did what to which row, when and from where; never changed, never deleted."""

    __tablename__ = "audit_event"

    id: int | None = Field(default=None, primary_key=True)
    at: datetime = utc(index=True)
    action: str = Field(sa_type=Text, index=True)
    subject: str = Field(sa_type=Text, index=True)
    by_user_id: int | None = Field(default=None, index=True)
    address: str | None = Field(default=None, sa_type=Text)
    details: dict[str, Any] = jsonb(default_factory=dict)


class OnceKey(SQLModel, table=True):
    """A form that was handed in, and where its sender was led: the second click goes there too."""

    __tablename__ = "once_key"

    key: str = Field(sa_type=Text, primary_key=True)
    user_id: int | None = None
    location: str | None = Field(default=None, sa_type=Text)
    used_at: datetime = utc(index=True)


class Heartbeat(SQLModel, table=True):
    """When a part of the instance (a worker, the clock) was last seen alive."""

    __tablename__ = "heartbeat"

    part: str = Field(sa_type=Text, primary_key=True)
    seen_at: datetime = utc()


class AuditUnsealed(SQLModel, table=True):
    """An audit row that the chain does not hold yet; a trigger adds it, its seal takes it off."""

    __tablename__ = "audit_unsealed"

    event_id: int = Field(primary_key=True, sa_column_kwargs={"autoincrement": False})


class AuditSeal(SQLModel, table=True):
    """The place of an audit row in the chain of hashes; never changed, never deleted."""

    __tablename__ = "audit_seal"
    __table_args__ = (
        UniqueConstraint("event_id"),
        UniqueConstraint("previous"),  # no two rows follow the same one: the chain cannot fork
        UniqueConstraint("hash"),
        CheckConstraint("position > 0", name="position_counts"),
    )

    position: int = Field(sa_column=Column(BigInteger, primary_key=True, autoincrement=False))
    event_id: int
    content: str = Field(sa_type=Text)
    previous: str = Field(sa_type=Text)
    hash: str = Field(sa_type=Text)
    sealed_at: datetime = utc()


class AuditCheck(SQLModel, table=True):
    """What the daily reading of the whole chain came to."""

    __tablename__ = "audit_check"

    id: int | None = Field(default=None, primary_key=True)
    checked_at: datetime = utc(index=True)
    sealed: int = Field(sa_type=BigInteger)
    unsealed: int
    breach: str | None = Field(default=None, sa_type=Text)
    position: int | None = Field(default=None, sa_type=BigInteger)
    event_id: int | None = None


class Upload(SQLModel, table=True):
    """A file that a person handed in; its bytes lie in the data directory under `key`."""

    __tablename__ = "upload"
    __table_args__ = (UniqueConstraint("key"), CheckConstraint("size > 0", name="size_counts"))

    id: int | None = Field(default=None, primary_key=True)
    key: str = Field(sa_type=Text)
    name: str = Field(sa_type=Text)
    kind: str = Field(sa_type=Text)
    size: int
    sha256: str = Field(sa_type=Text)
    by_user_id: int = Field(index=True)
    purpose: str = Field(sa_type=Text)
    at: datetime = utc()


class RetentionRun(SQLModel, table=True):
    """One pass of retention: how many rows went by each rule."""

    __tablename__ = "retention_run"

    id: int | None = Field(default=None, primary_key=True)
    at: datetime = utc(index=True)
    counts: dict[str, int] = jsonb()


class RateCount(SQLModel, table=True):
    """How often something was tried since its window began; who tried is kept as a hash."""

    __tablename__ = "rate_count"
    __table_args__ = (CheckConstraint("count > 0", name="counts"),)

    key: str = Field(sa_type=Text, primary_key=True)
    count: int
    ends_at: datetime = utc(index=True)


class KeptAnswer(SQLModel, table=True):
    """What a write of the API was answered, for whoever sends it again with the same key."""

    __tablename__ = "kept_answer"
    __table_args__ = (
        CheckConstraint("length(key) BETWEEN 1 AND 255", name="key_of_some_length"),
        CheckConstraint("status BETWEEN 200 AND 399", name="only_what_was_done"),
        CheckConstraint("expires_at > made_at", name="expires_later"),
    )

    holder: str = Field(sa_type=Text, primary_key=True)  # whose key, like "organisation:3"
    key: str = Field(sa_type=Text, primary_key=True)
    fingerprint: str = Field(sa_type=Text)
    status: int
    location: str | None = Field(default=None, sa_type=Text)
    body: str = Field(sa_type=Text)  # encrypted: an answer may hold a secret that is shown once
    made_at: datetime = utc()
    expires_at: datetime = utc(index=True)


class CallOutcome(StrEnum):
    """How a call went."""

    ANSWERED = "answered"
    NONSENSE = "nonsense"
    DOWN = "down"
    REFUSED = "refused"


class ModelCall(SQLModel, table=True):
    """A call of a language model. `cost` is in millionths of the smallest coin of `currency`."""

    __tablename__ = "model_call"
    __table_args__ = (
        one_of("outcome", CallOutcome),
        CheckConstraint("least(tokens_in, tokens_out, milliseconds, cost) >= 0", name="counts"),
        Index("ix_model_call_subject", "subject"),
        Index("ix_model_call_at", "at"),
    )

    id: int | None = Field(default=None, primary_key=True, sa_type=BigInteger)
    purpose: str = Field(sa_type=Text)
    subject: str = Field(sa_type=Text)
    model: str = Field(sa_type=Text)
    outcome: CallOutcome = text_enum(CallOutcome)
    tokens_in: int = Field(sa_type=BigInteger)
    tokens_out: int = Field(sa_type=BigInteger)
    milliseconds: int = Field(sa_type=BigInteger)
    cost: int = Field(sa_type=BigInteger)
    currency: str = Field(sa_type=Text)
    at: datetime = utc()
