"""People who sign in, their roles, organisations and tokens."""

from datetime import datetime
from enum import StrEnum
from typing import Any, ClassVar

from flask_security.core import RoleMixin, UserMixin
from sqlalchemy import BigInteger, CheckConstraint, Column, DateTime, Index, Text, UniqueConstraint
from sqlalchemy.dialects.postgresql import JSONB
from sqlmodel import Field, Relationship, SQLModel

from core.clock import now
from core.models import jsonb, one_of, text_enum, utc


class RoleName(StrEnum):
    """What a person may be here; one person may be several."""

    EXPERT = "expert"
    OWNER = "owner"
    ML_TEAM = "ml_team"
    OPERATOR = "operator"


class OrganisationKind(StrEnum):
    """What an organisation is here for."""

    OWNER = "owner"
    ML_TEAM = "ml_team"


class MemberRole(StrEnum):
    """What a member may do in an organisation: an admin also chooses its members."""

    ADMIN = "admin"
    MEMBER = "member"


class UserRole(SQLModel, table=True):
    """A role that a person has."""

    __tablename__ = "user_role"

    user_id: int = Field(foreign_key="user_account.id", primary_key=True)
    role_id: int = Field(foreign_key="role.id", primary_key=True)


class Role(SQLModel, RoleMixin, table=True):
    """One of `RoleName`, as Flask-Security keeps roles."""

    __tablename__ = "role"
    __table_args__ = (one_of("name", RoleName), UniqueConstraint("name"))

    # Flask-Security types ids as always there; before the first flush they are not.
    id: int | None = Field(default=None, primary_key=True)  # type: ignore[assignment]
    name: str = Field(sa_type=Text)
    description: str | None = Field(default=None, sa_type=Text)


class User(SQLModel, UserMixin, table=True):
    """A login: an address, a password and what Flask-Security needs to guard it."""

    __tablename__ = "user_account"
    __table_args__ = (
        UniqueConstraint("email"),
        UniqueConstraint("fs_uniquifier"),
        CheckConstraint("email = lower(email)", name="email_lower"),
    )

    id: int | None = Field(default=None, primary_key=True)  # type: ignore[assignment]
    email: str = Field(sa_type=Text)
    name: str = Field(default="", sa_type=Text)
    password: str | None = Field(default=None, sa_type=Text)
    active: bool = True
    fs_uniquifier: str = Field(sa_type=Text)
    confirmed_at: datetime | None = utc(nullable=True)
    created_at: datetime = Field(default_factory=now, sa_type=DateTime(timezone=True))
    locale: str | None = Field(default=None, sa_type=Text)
    theme: str | None = Field(default=None, sa_type=Text)
    tf_primary_method: str | None = Field(default=None, sa_type=Text)
    tf_totp_secret: str | None = Field(default=None, sa_type=Text)
    tf_last_counter: int | None = Field(default=None, sa_type=BigInteger)
    mf_recovery_codes: list[str] | None = Field(default=None, sa_column=Column(JSONB))

    roles: list[Role] = Relationship(  # type: ignore[assignment]
        link_model=UserRole, sa_relationship_kwargs={"lazy": "selectin"}
    )

    def has(self, role: RoleName) -> bool:
        """Return whether the person has a role."""
        return any(mine.name == role for mine in self.roles)


class Organisation(SQLModel, table=True):
    """Those who post projects together, or who train models together."""

    __tablename__ = "organisation"
    __table_args__ = (one_of("kind", OrganisationKind), UniqueConstraint("slug"))

    id: int | None = Field(default=None, primary_key=True)
    name: str = Field(sa_type=Text)
    slug: str = Field(sa_type=Text)
    kind: OrganisationKind = text_enum(OrganisationKind)
    created_at: datetime = utc()


class Membership(SQLModel, table=True):
    """A person's place in an organisation."""

    __tablename__ = "membership"
    __table_args__ = (one_of("role", MemberRole),)

    organisation_id: int = Field(foreign_key="organisation.id", primary_key=True)
    user_id: int = Field(foreign_key="user_account.id", primary_key=True, index=True)
    role: MemberRole = text_enum(MemberRole, default=MemberRole.MEMBER)
    joined_at: datetime = utc()


class MemberInvitation(SQLModel, table=True):
    """An offer to join an organisation, sent to an address and answered from a letter."""

    __tablename__ = "member_invitation"
    __table_args__ = (
        one_of("role", MemberRole),
        Index(
            "uq_member_invitation_open",
            "organisation_id",
            "email",
            unique=True,
            postgresql_where="answered_at IS NULL",
        ),
    )

    id: int | None = Field(default=None, primary_key=True)
    organisation_id: int = Field(foreign_key="organisation.id")
    email: str = Field(sa_type=Text, index=True)
    role: MemberRole = text_enum(MemberRole, default=MemberRole.MEMBER)
    invited_by: int = Field(foreign_key="user_account.id")
    invited_at: datetime = utc()
    answered_at: datetime | None = utc(nullable=True)
    accepted: bool | None = None


class ApiToken(SQLModel, table=True):
    """A key for programs, of a person in an organisation; only its hash is kept."""

    __tablename__ = "api_token"
    __table_args__ = (UniqueConstraint("token_hash"),)

    SHOWN: ClassVar[int] = 10  # characters of a token that lists may show

    id: int | None = Field(default=None, primary_key=True)
    user_id: int = Field(foreign_key="user_account.id", index=True)
    organisation_id: int = Field(foreign_key="organisation.id")
    name: str = Field(sa_type=Text)
    token_hash: str = Field(sa_type=Text)
    shown: str = Field(sa_type=Text)
    scopes: list[Any] = jsonb()
    created_at: datetime = utc()
    expires_at: datetime = utc()
    last_used_at: datetime | None = utc(nullable=True)
    revoked_at: datetime | None = utc(nullable=True)
