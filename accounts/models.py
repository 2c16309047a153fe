"""People who sign in, their roles, organisations and tokens."""

from datetime import datetime
from enum import StrEnum
from typing import Any, ClassVar

from flask_security.core import RoleMixin, UserMixin, WebAuthnMixin
from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    DateTime,
    Index,
    LargeBinary,
    Text,
    UniqueConstraint,
)
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
        UniqueConstraint("fs_webauthn_user_handle"),
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
    # Like ids: there only once a first passkey was made.
    fs_webauthn_user_handle: str | None = Field(default=None, sa_type=Text)  # type: ignore[assignment]

    roles: list[Role] = Relationship(  # type: ignore[assignment]
        link_model=UserRole, sa_relationship_kwargs={"lazy": "selectin"}
    )
    webauthn: list["Passkey"] = Relationship(  # type: ignore[assignment]
        sa_relationship_kwargs={"order_by": "Passkey.id", "cascade": "all, delete-orphan"}
    )

    def has(self, role: RoleName) -> bool:
        """Return whether the person has a role."""
        return any(mine.name == role for mine in self.roles)


class PasskeyUsage(StrEnum):
    """What a passkey is for: instead of the password, or after it."""

    FIRST = "first"
    SECONDARY = "secondary"


class Passkey(SQLModel, WebAuthnMixin, table=True):
    """A key that a device or a security key keeps for somebody, as Flask-Security asks for it."""

    __tablename__ = "passkey"
    __table_args__ = (
        one_of("usage", PasskeyUsage),
        UniqueConstraint("credential_id"),
        UniqueConstraint("user_id", "name"),
        CheckConstraint("sign_count >= 0", name="sign_count_counts"),
    )

    id: int | None = Field(default=None, primary_key=True)  # type: ignore[assignment]
    user_id: int = Field(foreign_key="user_account.id", index=True)
    name: str = Field(sa_type=Text)
    credential_id: bytes = Field(sa_type=LargeBinary)
    public_key: bytes = Field(sa_type=LargeBinary)
    sign_count: int = Field(sa_type=BigInteger)
    transports: list[str] | None = Field(default=None, sa_column=Column(JSONB))
    backup_state: bool = False
    device_type: str = Field(default="single_device", sa_type=Text)
    extensions: str | None = Field(default=None, sa_type=Text)
    usage: str = Field(sa_type=Text)
    created_at: datetime = Field(default_factory=now, sa_type=DateTime(timezone=True))
    lastuse_datetime: datetime = utc()


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
    # Whose address it was when they changed to another; until then the address alone says it.
    user_id: int | None = Field(default=None, foreign_key="user_account.id", index=True)
    role: MemberRole = text_enum(MemberRole, default=MemberRole.MEMBER)
    invited_by: int = Field(foreign_key="user_account.id")
    invited_at: datetime = utc()
    answered_at: datetime | None = utc(nullable=True)
    accepted: bool | None = None


class EmailChange(SQLModel, table=True):
    """Another address that a person asked for: one at a time, until its link is followed."""

    __tablename__ = "email_change"
    __table_args__ = (
        UniqueConstraint("user_id"),
        UniqueConstraint("token_hash"),
        CheckConstraint("email = lower(email)", name="email_lower"),
        CheckConstraint("expires_at > asked_at", name="expires_later"),
        CheckConstraint("done_at IS NULL OR token_hash IS NOT NULL", name="done_by_link"),
    )

    id: int | None = Field(default=None, primary_key=True)
    user_id: int = Field(foreign_key="user_account.id")
    email: str = Field(sa_type=Text)
    token_hash: str | None = Field(default=None, sa_type=Text)  # there once its letter is written
    letter_id: int | None = Field(default=None, foreign_key="letter.id", ondelete="SET NULL")
    asked_at: datetime = utc()
    expires_at: datetime = utc()
    done_at: datetime | None = utc(nullable=True)


class TokenKind(StrEnum):
    """Whom a token speaks for: a person, or an organisation whoever made it."""

    PERSONAL = "personal"
    ORGANISATION = "organisation"


class ApiToken(SQLModel, table=True):
    """A key for programs, of a person or of an organisation; only its hash is kept."""

    __tablename__ = "api_token"
    __table_args__ = (
        UniqueConstraint("token_hash"),
        one_of("kind", TokenKind),
        CheckConstraint(
            "(kind = 'personal' AND user_id IS NOT NULL AND user_id = made_by"
            " AND organisation_id IS NULL)"
            " OR (kind = 'organisation' AND user_id IS NULL AND organisation_id IS NOT NULL)",
            name="speaks_for_one",
        ),
        CheckConstraint("jsonb_typeof(scopes) = 'array'", name="scopes_listed"),
        CheckConstraint("expires_at > created_at", name="ends_later"),
    )

    SHOWN: ClassVar[int] = 10  # characters of a token that lists may show

    id: int | None = Field(default=None, primary_key=True)
    kind: TokenKind = text_enum(TokenKind)
    user_id: int | None = Field(default=None, foreign_key="user_account.id", index=True)
    organisation_id: int | None = Field(default=None, foreign_key="organisation.id", index=True)
    made_by: int = Field(foreign_key="user_account.id")
    name: str = Field(sa_type=Text)
    token_hash: str = Field(sa_type=Text)
    shown: str = Field(sa_type=Text)
    scopes: list[Any] = jsonb()
    created_at: datetime = utc()
    expires_at: datetime = utc()
    last_used_at: datetime | None = utc(nullable=True)
    revoked_at: datetime | None = utc(nullable=True)

    def is_over(self, at: datetime) -> bool:
        """Return whether nobody can use it any more."""
        return self.revoked_at is not None or self.expires_at <= at


class DecisionKind(StrEnum):
    """What a decision about a person may be; the last three are in their favour."""

    INTERVIEW_FAILED = "interview_failed"
    WORK_REJECTED = "work_rejected"
    WORK_PARTLY_ACCEPTED = "work_partly_accepted"
    EXPERT_RESTRICTED = "expert_restricted"
    EXPERT_REMOVED = "expert_removed"
    PAYOUT_WITHHELD = "payout_withheld"
    CREDENTIAL_REFUSED = "credential_refused"
    SAMPLE_FAILED = "sample_failed"
    QUESTION_HIDDEN = "question_hidden"
    INTERVIEW_PASSED = "interview_passed"
    WORK_ACCEPTED = "work_accepted"
    SAMPLE_PASSED = "sample_passed"


IN_FAVOUR = (
    DecisionKind.INTERVIEW_PASSED,
    DecisionKind.WORK_ACCEPTED,
    DecisionKind.SAMPLE_PASSED,
)
BY_TWO = (DecisionKind.EXPERT_RESTRICTED, DecisionKind.EXPERT_REMOVED)


def _in(kinds: tuple[DecisionKind, ...]) -> str:
    return "kind IN ({})".format(", ".join(f"'{kind}'" for kind in kinds))


class Decision(SQLModel, table=True):
    """An adverse or automated decision about a person, with all that is owed to them.

    Never changed and never deleted; what an appeal comes to stands beside it.
    """

    __tablename__ = "decision"
    __table_args__ = (
        one_of("kind", DecisionKind),
        # A person or a rule with its version, never both and never nobody.
        CheckConstraint(
            "num_nonnulls(decided_by, rule) = 1 AND num_nulls(rule, rule_version) <> 1",
            name="decided_whole",
        ),
        CheckConstraint(
            "decided_by <> person_id AND second_by <> person_id", name="nobody_decides_on_oneself"
        ),
        CheckConstraint(
            f"(NOT {_in(BY_TWO)}) OR (decided_by IS NOT NULL AND second_by IS NOT NULL"
            " AND second_by <> decided_by)",
            name="taken_by_two",
        ),
        CheckConstraint("num_nulls(llm_model, prompt_version) <> 1", name="llm_whole"),
        CheckConstraint("effective_at >= decided_at", name="effective_later"),
        CheckConstraint(
            f"{_in(IN_FAVOUR)} OR (contest_until IS NOT NULL AND contest_until > decided_at)",
            name="adverse_can_be_contested",
        ),
        CheckConstraint("length(btrim(reason_code)) > 0", name="reason_has_code"),
        *(
            CheckConstraint(
                f"jsonb_typeof({column}) = 'object' AND {column} <> '{{}}'"
                f" AND NOT jsonb_path_exists({column},"
                ' \'$.* ? (@.type() != "string" || !(@ like_regex "[^ ]"))\')',
                name=f"{column}_said",
            )
            for column in ("title", "reason_words", "would_change")
        ),
        CheckConstraint(
            "jsonb_typeof(evidence) = 'array' AND jsonb_array_length(evidence) > 0",
            name="evidence_given",
        ),
        CheckConstraint(
            "NOT jsonb_path_exists(evidence,"
            ' \'$[*] ? (@.type() != "object" || !exists(@.words.* ? (@ like_regex "[^ ]")))\')',
            name="evidence_in_words",
        ),
        Index("ix_decision_person_id_id", "person_id", "id"),
        Index("ix_decision_subject", "subject"),
        Index("ix_decision_kind_decided_at", "kind", "decided_at"),
        Index("ix_decision_organisation_id", "organisation_id"),
    )

    id: int | None = Field(default=None, primary_key=True, sa_type=BigInteger)
    kind: DecisionKind = text_enum(DecisionKind)
    person_id: int = Field(foreign_key="user_account.id")
    subject: str = Field(sa_type=Text)  # like "assignment:12"
    title: dict[str, str] = jsonb()  # what it concerns, in each language
    path: str = Field(sa_type=Text)  # the person's own page about it
    organisation_id: int | None = Field(default=None, foreign_key="organisation.id")
    decided_at: datetime = utc()
    effective_at: datetime = utc()
    decided_by: int | None = Field(default=None, foreign_key="user_account.id")
    second_by: int | None = Field(default=None, foreign_key="user_account.id")
    rule: str | None = Field(default=None, sa_type=Text)
    rule_version: str | None = Field(default=None, sa_type=Text)
    llm_model: str | None = Field(default=None, sa_type=Text)
    prompt_version: str | None = Field(default=None, sa_type=Text)
    reason_code: str = Field(sa_type=Text)
    reason_words: dict[str, str] = jsonb()
    evidence: list[dict[str, Any]] = jsonb()
    would_change: dict[str, str] = jsonb()
    contest_until: datetime | None = utc(nullable=True)

    @property
    def is_adverse(self) -> bool:
        """Whether it stands against the person, so that they may contest it."""
        return self.kind not in IN_FAVOUR

    @property
    def key(self) -> int:
        """The id of a row that the database has."""
        if self.id is None:
            raise ValueError("the decision is not stored yet")
        return self.id


class AppealGround(StrEnum):
    """What somebody holds to be wrong with a decision."""

    FACTS = "facts"
    RULE = "rule"
    WEIGHT = "weight"


class AppealOutcome(StrEnum):
    """What an appeal has come to."""

    CHANGED = "changed"
    STANDS = "stands"
    WITHDRAWN = "withdrawn"


class Appeal(SQLModel, table=True):
    """A person's request to look at a decision again, and the answer to it."""

    __tablename__ = "appeal"
    __table_args__ = (
        UniqueConstraint("decision_id"),
        one_of("ground", AppealGround),
        one_of("outcome", AppealOutcome),
        CheckConstraint("length(btrim(words)) >= 20", name="words_said"),
        CheckConstraint("answer_by > asked_at", name="answer_later"),
        CheckConstraint("(outcome IS NULL) = (answered_at IS NULL)", name="answered_once"),
        CheckConstraint(
            "(outcome IN ('changed', 'stands')) = (answered_by IS NOT NULL)"
            " AND (answered_by IS NULL OR length(btrim(coalesce(reply, ''))) >= 20)"
            " OR outcome IS NULL AND num_nonnulls(answered_by, reply) = 0",
            name="answered_with_reasons",
        ),
        Index("ix_appeal_open", "answer_by", postgresql_where="outcome IS NULL"),
    )

    id: int | None = Field(default=None, primary_key=True)
    decision_id: int = Field(foreign_key="decision.id", sa_type=BigInteger)
    ground: AppealGround = text_enum(AppealGround)
    words: str = Field(sa_type=Text)
    asked_at: datetime = utc()
    answer_by: datetime = utc()
    escalated_at: datetime | None = utc(nullable=True)
    outcome: AppealOutcome | None = text_enum(AppealOutcome, nullable=True)
    reply: str | None = Field(default=None, sa_type=Text)
    answered_by: int | None = Field(default=None, foreign_key="user_account.id")
    answered_at: datetime | None = utc(nullable=True)

    @property
    def is_open(self) -> bool:
        """Whether it waits for an answer."""
        return self.outcome is None

    @property
    def shown(self) -> str:
        """Where it is, as `core.states` knows it."""
        if self.outcome is not None:
            return str(self.outcome)
        return "with_operator" if self.escalated_at else "second_look"


class AppealFile(SQLModel, table=True):
    """A file that a person handed in with an appeal."""

    __tablename__ = "appeal_file"

    appeal_id: int = Field(foreign_key="appeal.id", primary_key=True)
    upload_id: int = Field(foreign_key="upload.id", primary_key=True)


class Purpose(StrEnum):
    """What a person may agree to, each for itself; none is a condition of work."""

    AI_INTERVIEW = "ai_interview"
    TRANSCRIPTS = "transcripts"
    SHARE_PROFILE = "share_profile"
    NAME_IN_PROVENANCE = "name_in_provenance"
    VOICE = "voice"


class ConsentText(SQLModel, table=True):
    """The words that somebody agreed to, as they were; never changed, never deleted."""

    __tablename__ = "consent_text"
    __table_args__ = (
        one_of("purpose", Purpose),
        # Other words under the same version would be another consent: the database refuses them.
        UniqueConstraint("purpose", "version", "language"),
        CheckConstraint("length(btrim(words)) > 0", name="words_said"),
    )

    digest: str = Field(primary_key=True, sa_type=Text)
    purpose: Purpose = text_enum(Purpose)
    version: str = Field(sa_type=Text)
    language: str = Field(sa_type=Text)
    words: str = Field(sa_type=Text)
    first_used_at: datetime = utc()


class Consent(SQLModel, table=True):
    """A consent given or withdrawn; only added. Erasure empties `user_id` and `address`."""

    __tablename__ = "consent"
    __table_args__ = (
        one_of("purpose", Purpose),
        Index("ix_consent_user_id_purpose_id", "user_id", "purpose", "id"),
    )

    id: int | None = Field(default=None, primary_key=True, sa_type=BigInteger)
    user_id: int | None = Field(default=None, foreign_key="user_account.id")
    purpose: Purpose = text_enum(Purpose)
    text: str = Field(sa_type=Text, foreign_key="consent_text.digest")
    given: bool
    at: datetime = utc()
    address: str | None = Field(default=None, sa_type=Text)


class SignInEnd(StrEnum):
    """How a signed-in session came to its end."""

    SIGNED_OUT = "signed_out"
    REMOTE = "remote"
    SECURITY = "security"


class SignIn(SQLModel, table=True):
    """One browser in which a person is signed in; its cookie holds the secret, kept as a hash."""

    __tablename__ = "sign_in"
    __table_args__ = (
        one_of("how_ended", SignInEnd),
        UniqueConstraint("secret_hash"),
        CheckConstraint("(ended_at IS NULL) = (how_ended IS NULL)", name="end_is_whole"),
        CheckConstraint("seen_at >= begun_at", name="seen_after_begun"),
    )

    id: int | None = Field(default=None, primary_key=True)
    user_id: int = Field(foreign_key="user_account.id", index=True)
    secret_hash: str = Field(sa_type=Text)
    begun_at: datetime = utc()
    seen_at: datetime = utc(index=True)
    address: str = Field(sa_type=Text)
    browser: str = Field(sa_type=Text)
    system: str = Field(sa_type=Text)
    ended_at: datetime | None = utc(nullable=True)
    how_ended: SignInEnd | None = text_enum(SignInEnd, nullable=True)


class WebhookState(StrEnum):
    """Whether messages go to an endpoint; an ended one never gets any again."""

    ACTIVE = "active"
    PAUSED = "paused"
    ENDED = "ended"


class WebhookPause(StrEnum):
    """Why an endpoint is paused."""

    BY_HAND = "by_hand"
    FAILING = "failing"
    GONE = "gone"


class DeliveryState(StrEnum):
    """How far the delivery of a message to an endpoint is."""

    WAITING = "waiting"
    DELIVERED = "delivered"
    FAILED = "failed"


class WebhookEndpoint(SQLModel, table=True):
    """An address of an organisation that messages about its things are sent to."""

    __tablename__ = "webhook_endpoint"
    __table_args__ = (
        one_of("state", WebhookState),
        one_of("paused_for", WebhookPause),
        CheckConstraint("(state = 'paused') = (paused_for IS NOT NULL)", name="paused_with_reason"),
        CheckConstraint("num_nulls(previous_secret, previous_until) <> 1", name="overlap_whole"),
        CheckConstraint(
            "jsonb_typeof(events) = 'array' AND jsonb_array_length(events) > 0",
            name="events_chosen",
        ),
        CheckConstraint("url ~ '^https?://[^@/?# ]+([/?#][^ ]*)?$'", name="url_of_the_web"),
    )

    id: int | None = Field(default=None, primary_key=True)
    organisation_id: int = Field(foreign_key="organisation.id", index=True)
    name: str = Field(default="", sa_type=Text)
    url: str = Field(sa_type=Text)
    events: list[Any] = jsonb()
    secret: str = Field(sa_type=Text)  # encrypted, as is the one before
    previous_secret: str | None = Field(default=None, sa_type=Text)
    previous_until: datetime | None = utc(nullable=True)
    state: WebhookState = text_enum(WebhookState, default=WebhookState.ACTIVE)
    paused_for: WebhookPause | None = text_enum(WebhookPause, nullable=True)
    state_at: datetime = utc()
    failing_since: datetime | None = utc(nullable=True)
    made_by: int | None = Field(default=None, foreign_key="user_account.id")  # none: by a token
    created_at: datetime = utc()


class WebhookMessage(SQLModel, table=True):
    """What is told to the endpoints of an organisation, word for word; never changed."""

    __tablename__ = "webhook_message"
    __table_args__ = (UniqueConstraint("uid"),)

    id: int | None = Field(default=None, primary_key=True, sa_type=BigInteger)
    uid: str = Field(sa_type=Text)  # receivers see it as webhook-id
    organisation_id: int = Field(foreign_key="organisation.id", index=True)
    type: str = Field(sa_type=Text)
    body: str = Field(sa_type=Text)
    created_at: datetime = utc(index=True)


class WebhookDelivery(SQLModel, table=True):
    """A message on its way to one endpoint."""

    __tablename__ = "webhook_delivery"
    __table_args__ = (
        one_of("state", DeliveryState),
        UniqueConstraint("endpoint_id", "message_id"),
        CheckConstraint("(state = 'waiting') = (ended_at IS NULL)", name="ended_once"),
        CheckConstraint("attempts >= tries AND tries >= 0", name="tries_counted"),
        Index("ix_webhook_delivery_endpoint_id_id", "endpoint_id", "id"),
        Index("ix_webhook_delivery_message_id", "message_id"),
        Index("ix_webhook_delivery_due", "next_at", postgresql_where="state = 'waiting'"),
    )

    id: int | None = Field(default=None, primary_key=True, sa_type=BigInteger)
    endpoint_id: int = Field(foreign_key="webhook_endpoint.id")
    message_id: int = Field(
        foreign_key="webhook_message.id", ondelete="CASCADE", sa_type=BigInteger
    )
    state: DeliveryState = text_enum(DeliveryState, default=DeliveryState.WAITING)
    attempts: int = 0
    tries: int = 0  # attempts since it was last begun
    next_at: datetime = utc()
    held_until: datetime | None = utc(nullable=True)
    ended_at: datetime | None = utc(nullable=True)

    @property
    def key(self) -> int:
        """The id of a row that the database has."""
        assert self.id is not None
        return self.id


class WebhookAttempt(SQLModel, table=True):
    """One try to deliver a message; one without an end stopped half-way, its outcome unknown."""

    __tablename__ = "webhook_attempt"
    __table_args__ = (
        UniqueConstraint("delivery_id", "number"),
        CheckConstraint("status BETWEEN 100 AND 599", name="status_of_http"),
        CheckConstraint(
            "num_nonnulls(status, trouble) = (CASE WHEN ended_at IS NULL THEN 0 ELSE 1 END)",
            name="ended_one_way",
        ),
        CheckConstraint("length(excerpt) <= 500", name="excerpt_short"),
    )

    id: int | None = Field(default=None, primary_key=True, sa_type=BigInteger)
    delivery_id: int = Field(
        foreign_key="webhook_delivery.id", ondelete="CASCADE", sa_type=BigInteger
    )
    number: int
    started_at: datetime = utc()
    ended_at: datetime | None = utc(nullable=True)
    status: int | None = None
    trouble: str | None = Field(default=None, sa_type=Text)
    excerpt: str | None = Field(default=None, sa_type=Text)
