"""What experts say of themselves, and what interviews have proven."""

from datetime import date, datetime
from enum import StrEnum

from sqlalchemy import BigInteger, CheckConstraint, Index, Text, UniqueConstraint
from sqlmodel import Field as Column
from sqlmodel import SQLModel

from core.models import one_of, text_enum, utc
from experts.fields import Field, Fluency


class AccountStanding(StrEnum):
    """Whether an expert may be invited and take tasks."""

    ACTIVE = "active"
    RESTRICTED = "restricted"
    REMOVED = "removed"


class Expert(SQLModel, table=True):
    """A person's work under a pseudonym, which owners and datasets see instead of a name."""

    __tablename__ = "expert"
    __table_args__ = (
        UniqueConstraint("pseudonym"),
        one_of("field", Field),
        one_of("standing", AccountStanding),
        CheckConstraint("(standing = 'active') = (decision_id IS NULL)", name="standing_decided"),
        CheckConstraint("years BETWEEN 0 AND 70", name="years_plausible"),
        CheckConstraint("country ~ '^[A-Z]{2}$'", name="country_is_code"),
        # The shortlist of a project starts here.
        Index("ix_expert_open", "field", "years", postgresql_where="accepts_invitations"),
    )

    user_id: int = Column(primary_key=True, foreign_key="user_account.id")
    pseudonym: str = Column(sa_type=Text)
    field: Field | None = text_enum(Field, nullable=True)
    years: int | None = None
    country: str | None = Column(default=None, sa_type=Text)
    time_zone: str = Column(default="UTC", sa_type=Text)
    headline: str = Column(default="", sa_type=Text)
    about: str = Column(default="", sa_type=Text)
    accepts_invitations: bool = True
    standing: AccountStanding = text_enum(
        AccountStanding,
        default=AccountStanding.ACTIVE,
        sa_column_kwargs={"server_default": "active"},
    )
    # The decision of two people, while the account is restricted or removed.
    decision_id: int | None = Column(
        default=None, foreign_key="decision.id", unique=True, sa_type=BigInteger
    )
    created_at: datetime = utc()
    updated_at: datetime = utc()


class ExpertLanguage(SQLModel, table=True):
    """A language that an expert works in, by its ISO code."""

    __tablename__ = "expert_language"
    __table_args__ = (
        one_of("fluency", Fluency),
        CheckConstraint("language ~ '^[a-z]{2,3}$'", name="language_is_code"),
    )

    expert_id: int = Column(primary_key=True, foreign_key="expert.user_id")
    language: str = Column(primary_key=True, sa_type=Text)
    fluency: Fluency = text_enum(Fluency)


class Licence(SQLModel, table=True):
    """A licence, diploma or membership that an expert declares; kept when it is taken off."""

    __tablename__ = "licence"
    __table_args__ = (
        CheckConstraint("jurisdiction ~ '^[A-Z]{2}$'", name="jurisdiction_is_code"),
        Index("ix_licence_expert_id", "expert_id"),
    )

    id: int | None = Column(default=None, primary_key=True)
    expert_id: int = Column(foreign_key="expert.user_id")
    title: str = Column(sa_type=Text)
    issuer: str = Column(sa_type=Text)
    jurisdiction: str | None = Column(default=None, sa_type=Text)
    number: str = Column(default="", sa_type=Text)
    valid_until: date | None = None
    added_at: datetime = utc()
    removed_at: datetime | None = utc(nullable=True)
    refused_at: datetime | None = utc(nullable=True)
    decision_id: int | None = Column(
        default=None, foreign_key="decision.id", unique=True, sa_type=BigInteger
    )

    def is_current(self, on: date) -> bool:
        """Return whether it is declared, not refused and not over on a day."""
        return (self.removed_at is None and self.refused_at is None) and (
            self.valid_until is None or self.valid_until >= on
        )


class Skill(SQLModel, table=True):
    """What an interview has proven, at a level from 0 to 1, for a time."""

    __tablename__ = "skill"
    __table_args__ = (
        one_of("field", Field),
        CheckConstraint("level BETWEEN 0 AND 1", name="level_is_share"),
        CheckConstraint("expires_at > passed_at", name="expires_later"),
        # An interview proves a skill once, however often its outcome is written.
        UniqueConstraint("interview_id", "field"),
        Index("ix_skill_expert_id_field_expires_at", "expert_id", "field", "expires_at"),
    )

    id: int | None = Column(default=None, primary_key=True)
    expert_id: int = Column(foreign_key="expert.user_id")
    field: Field = text_enum(Field)
    level: float
    passed_at: datetime = utc()
    expires_at: datetime = utc()
    # The interviews stand to the right of this package, so this is a reference without a key.
    interview_id: int | None = None

    def is_valid(self, at: datetime) -> bool:
        """Return whether the proof counts at a time."""
        return self.passed_at <= at < self.expires_at


class RestrictionProposal(SQLModel, table=True):
    """What one operator proposes against an expert; another one confirms or declines it."""

    __tablename__ = "restriction_proposal"
    __table_args__ = (
        CheckConstraint("standing IN ('restricted', 'removed')", name="standing_known"),
        CheckConstraint("answered_by <> proposed_by OR NOT confirmed", name="confirmed_by_another"),
        CheckConstraint(
            "num_nulls(answered_at, answered_by, confirmed) IN (0, 3)", name="answered_whole"
        ),
        Index(
            "uq_restriction_proposal_expert_id_open",
            "expert_id",
            unique=True,
            postgresql_where="answered_at IS NULL",
        ),
    )

    id: int | None = Column(default=None, primary_key=True)
    expert_id: int = Column(foreign_key="expert.user_id")
    standing: AccountStanding = text_enum(AccountStanding)
    reason_code: str = Column(sa_type=Text)
    language: str = Column(sa_type=Text)
    words: str = Column(sa_type=Text)
    evidence: str = Column(sa_type=Text)
    would_change: str = Column(sa_type=Text)
    proposed_by: int = Column(foreign_key="user_account.id")
    proposed_at: datetime = utc()
    answered_by: int | None = Column(default=None, foreign_key="user_account.id")
    answered_at: datetime | None = utc(nullable=True)
    confirmed: bool | None = None
