"""Templates of interviews, competencies that somebody has proven, and who qualifies for a project.

A template is a row that never changes: another version is another row. A proof and a qualification
are only ever added; a proof is revoked by a decision alone.
"""

from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import BigInteger, CheckConstraint, Index, Text, UniqueConstraint
from sqlmodel import Field as Column
from sqlmodel import SQLModel

from core.models import jsonb, one_of, text_enum, utc
from experts.fields import Field


class Basis(StrEnum):
    """What a qualification for a project rests on."""

    INTERVIEW = "interview"
    PROOFS = "proofs"
    JOINED = "joined"  # took part already when the project began to ask for more


class InterviewTemplate(SQLModel, table=True):
    """What interviews in a field, or for a project, ask: one version of it, never changed.

    Without content it says that a project asks for no more than the proof in its field, and of a
    field that its bank itself says what is asked. With `bank_id` a project asks from the own bank
    of its organisation (a trigger holds that it is that one); else from the bank of the field.
    """

    __tablename__ = "interview_template"
    __table_args__ = (
        one_of("field", Field),
        UniqueConstraint("project_id", "version"),
        Index(
            "uq_interview_template_field_version",
            "field",
            "version",
            unique=True,
            postgresql_where="project_id IS NULL",
        ),
        CheckConstraint("version > 0", name="version_counts"),
        CheckConstraint(
            "bank_id IS NULL OR (project_id IS NOT NULL AND content IS NOT NULL)",
            name="own_bank_of_project",
        ),
    )

    id: int | None = Column(default=None, primary_key=True)
    field: Field = text_enum(Field)
    project_id: int | None = Column(default=None, foreign_key="project.id")
    version: int
    digest: str = Column(sa_type=Text)
    content: dict[str, Any] | None = jsonb(nullable=True)
    bank_id: int | None = Column(default=None, foreign_key="bank_draft.id", index=True)
    written_by: int = Column(foreign_key="user_account.id")
    written_at: datetime = utc()

    @property
    def key(self) -> int:
        """The id of a row that the database has."""
        if self.id is None:
            raise ValueError("the template is not stored yet")
        return self.id


class CompetencyProof(SQLModel, table=True):
    """What a passed interview has proven in one competency, at a level, for a time.

    With `bank_id` it was shown on an organisation's own bank, and counts only where that is asked.
    """

    __tablename__ = "competency_proof"
    __table_args__ = (
        one_of("field", Field),
        UniqueConstraint("interview_id", "competency"),
        CheckConstraint("0 <= low AND low <= level AND level <= high AND high <= 1", name="range"),
        CheckConstraint("expires_at > proven_at", name="expires_later"),
        # Due process (DESIGN.md): nothing is taken from anybody without a decision.
        CheckConstraint("(revoked_at IS NULL) = (decision_id IS NULL)", name="revoked_by_decision"),
        Index("ix_competency_proof_held", "expert_id", "field", "competency"),
        Index("ix_competency_proof_competency", "field", "competency", "level"),
    )

    id: int | None = Column(default=None, primary_key=True)
    expert_id: int = Column(foreign_key="expert.user_id")
    field: Field = text_enum(Field)
    competency: str = Column(sa_type=Text)
    level: float
    low: float
    high: float
    interview_id: int = Column(foreign_key="interview.id")
    edition: str = Column(sa_type=Text, foreign_key="bank_edition.digest")
    bank_id: int | None = Column(default=None, foreign_key="bank_draft.id", index=True)
    rule: str = Column(sa_type=Text)
    proven_at: datetime = utc()
    expires_at: datetime = utc()
    revoked_at: datetime | None = utc(nullable=True)
    decision_id: int | None = Column(default=None, foreign_key="decision.id", sa_type=BigInteger)


class ProjectQualification(SQLModel, table=True):
    """That an expert has what a project asks for, by a version of it, until a day; never changed.

    `reference` says what it rests on, once: the same proofs qualify once, however often asked.
    """

    __tablename__ = "project_qualification"
    __table_args__ = (
        one_of("basis", Basis),
        UniqueConstraint("project_id", "expert_id", "reference"),
        CheckConstraint("expires_at > qualified_at", name="expires_later"),
        CheckConstraint(
            "(basis = 'interview') = (interview_id IS NOT NULL)", name="basis_has_interview"
        ),
        Index("ix_project_qualification_held", "project_id", "expert_id", "expires_at"),
    )

    id: int | None = Column(default=None, primary_key=True)
    project_id: int = Column(foreign_key="project.id")
    expert_id: int = Column(foreign_key="expert.user_id")
    template_id: int = Column(foreign_key="interview_template.id")
    basis: Basis = text_enum(Basis)
    interview_id: int | None = Column(default=None, foreign_key="interview.id")
    proofs: list[Any] = jsonb()
    levels: dict[str, Any] = jsonb()
    reference: str = Column(sa_type=Text)
    qualified_at: datetime = utc()
    expires_at: datetime = utc()


class InterviewOutage(SQLModel, table=True):
    """That an interview broke off for a fault of ours: it does not count as an attempt."""

    __tablename__ = "interview_outage"
    __table_args__ = (
        CheckConstraint("length(btrim(words)) BETWEEN 10 AND 1000", name="words_said"),
    )

    interview_id: int = Column(primary_key=True, foreign_key="interview.id")
    words: str = Column(sa_type=Text)
    # Nobody where the program itself saw the fault.
    noted_by: int | None = Column(default=None, foreign_key="user_account.id")
    noted_at: datetime = utc()
